import { type LineEnd, writeField } from './field.js';

export const STATUS_FIELD = 'Postern-Status';

/** What the signatures of an encrypted message amount to. */
export type SignatureStatus =
  /** By a certificate that names the address in From. */
  | 'valid'
  /** There is none. */
  | 'none'
  /** There is no certificate to check it with. */
  | 'unknown-key'
  | 'invalid'
  /** Valid, but by somebody whose certificate does not name the address in From. */
  | 'signer-mismatch';

/** What we found out about an encrypted message that somebody else sent. */
export interface Status {
  readonly signature: SignatureStatus;
  /** An address of the signer: the one in From where the signature is valid. */
  readonly signer?: string;
  /** Fingerprint of the signer's certificate, or the key ID where there is no more. */
  readonly key?: string;
  /** True where the payload names another author than the outer header and no signature speaks for it. */
  readonly fromMismatch: boolean;
}

/** `encrypted; signature=valid; signer=alice@example.com; key=…` */
export function statusText({ signature, signer, key, fromMismatch }: Status): string {
  return [
    'encrypted',
    `signature=${signature}`,
    // Quoted local parts and octets beyond ASCII would need quoting of their own; the key says it as well.
    ...(signer !== undefined && /^[A-Za-z0-9!#$%&'*+/?^_`{|}~.@[\]:-]+$/.test(signer) ? [`signer=${signer}`] : []),
    ...(key !== undefined ? [`key=${key}`] : []),
    ...(fromMismatch ? ['from-mismatch'] : []),
  ].join('; ');
}

/** The field that stands on top of the plaintext view of a message from somebody else. */
export function statusField(status: Status, eol: LineEnd): Buffer {
  return writeField(STATUS_FIELD, statusText(status), eol);
}
