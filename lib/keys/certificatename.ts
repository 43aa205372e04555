import { type Address, parseAddress } from './address.js';
import { KeyringError } from './error.js';

/** How a user names a certificate or key. */
export type CertificateName =
  | { readonly kind: 'address'; readonly address: Address }
  /** A fingerprint (40 or 64 digits) or a long key ID (16), upper-case hexadecimal. */
  | { readonly kind: 'fingerprint'; readonly hex: string }
  | { readonly kind: 'file'; readonly path: string };

/**
 * Tells what a name on a command line is. What begins with `/`, `./` or `../` is a file; otherwise what has an @ is an address, also
 * where a file of that name exists. An address from the network is not given to this, but to `findForAddress`: it must not become
 * a path. Throws KeyringError `name`.
 */
export function parseName(text: string): CertificateName {
  if (/^(?:\.\.?)?\//.test(text)) return { kind: 'file', path: text };
  const address = parseAddress(text.replace(/^<(.*)>$/, '$1'));
  if (address !== undefined) return { kind: 'address', address };
  const hex = text.replace(/^0x/i, '').replace(/[\s:]/g, '').toUpperCase();
  if (/^[0-9A-F]+$/.test(hex) && hex.length >= 8) return { kind: 'fingerprint', hex: checkHex(text, hex) };
  if (text.includes('/') || /^[^\p{C}@]*\.[a-z]+$/u.test(text)) return { kind: 'file', path: text };
  throw new KeyringError(
    'name',
    `"${printable(text)}" names no certificate: give an address, a fingerprint, or a file as ./FILE.`,
  );
}

function checkHex(text: string, hex: string): string {
  if (hex.length === 40 || hex.length === 64 || hex.length === 16) return hex;
  const name = printable(text);
  throw new KeyringError(
    'name',
    hex.length === 8
      ? `The key ID ${name} is too short: anybody can make a key that has it too. Give the fingerprint.`
      : `${name} is no fingerprint: it has ${hex.length} digits, and not 40 (version 4), 64 (version 6) or 16 (a long key ID).`,
  );
}

/** Text from outside, fit for a message: control characters are replaced and length is bounded. */
export function printable(text: string): string {
  const clean = text.replace(/\p{C}/gu, '?');
  return clean.length > 200 ? `${clean.slice(0, 200)}…` : clean;
}

/** The key ID of a fingerprint: the last 16 digits in version 4, the first 16 in version 6 (RFC 9580 §5.5.4). */
export function keyIDOf(fingerprint: string): string {
  return fingerprint.length === 64 ? fingerprint.slice(0, 16) : fingerprint.slice(-16);
}
