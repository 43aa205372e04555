import { join } from 'node:path';
import { type Address, parseAddress } from '#lib/keys/address';
import { LIMITS } from './limits.js';

/** Who logs in, and with which profile. */
export interface UserName {
  /** The address: its local part as written, its domain in lower-case ASCII. Vaults are found by it whatever its case. */
  readonly user: string;
  /** The profile's name; undefined for the default profile. */
  readonly profile: string | undefined;
}

/** Letters, digits and a few marks. None of them ends a user name or separates it from a profile. */
const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N} ._+-]*[\p{L}\p{N}])?$/u;

/** Whether a profile, an app password or a key file may have this name. */
export function isName(text: string): boolean {
  return text.length <= LIMITS.name && NAME.test(text);
}

/**
 * Reads what a client sends as its user name: `alice@example.com`, or with a profile `alice@example.com!work`, `…#work` or `…##work`,
 * which all mean the same; nothing behind the mark is the default profile. A local part may have these marks in it (RFC 5322 §3.2.3), a domain may not, so they count behind
 * the last @ only. Undefined where the text is no such name.
 */
export function parseUserName(text: string): UserName | undefined {
  const at = text.lastIndexOf('@');
  const [, domain = '', profile] = /^([^!#]*)(?:(?:!|##?)(.*))?$/su.exec(text.slice(at + 1)) ?? [];
  const address = at < 0 ? undefined : parseAddress(text.slice(0, at + 1) + domain);
  if (address === undefined || (profile !== undefined && profile !== '' && !isName(profile))) return undefined;
  return { user: address.text, profile: profile === '' ? undefined : profile };
}

/** The folder of all vaults. */
export function vaultsFolder(home: string): string {
  return join(home, 'vaults');
}

/**
 * The file name of a user's vault, less its ending: the folded address, with all but letters, digits and `@._+=-` as %XX, and so is
 * a dot in front. Two users never share one, and it cannot lead out of its folder. Undefined where it would be too long.
 */
export function fileNameOf(address: Address): string | undefined {
  const name = [...Buffer.from(address.folded, 'utf8')]
    .map((octet, i) => {
      const character = String.fromCharCode(octet);
      const isPlain = /[a-z0-9@._+=-]/.test(character) && !(i === 0 && character === '.');
      return isPlain ? character : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
  return name.length > LIMITS.fileName ? undefined : name;
}

/** The folded address that a file name stands for; undefined where it is not one that `fileNameOf` makes. */
export function userOfFileName(name: string): string | undefined {
  let text: string;
  try {
    text = decodeURIComponent(name);
  } catch {
    return undefined;
  }
  const address = parseAddress(text);
  return address !== undefined && fileNameOf(address) === name ? address.folded : undefined;
}
