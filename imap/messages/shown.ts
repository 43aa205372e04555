import { createHash } from 'node:crypto';
import type { Header } from '#lib/mime/header';
import type { SessionKey } from '#lib/openpgp/sessionkey';

/** What is known of a message that is shown otherwise than it is stored. */
export interface Shown {
  readonly kind: 'shown';
  /** RFC822.SIZE of the stored form. */
  readonly storedSize: number;
  /** What it is found again by (`fingerprintOf`); of no length where its summary finds it. */
  readonly fingerprint: Buffer;
  /** SHA-256 of the header of the stored form; of no length where it has not been seen whole. */
  readonly headerDigest: Buffer;
  /**
   * The end of the stored form, where it is read in ranges; otherwise of no length. To ask for the end of a large message costs a provider as
   * much as to read all of it. What is read with its help is authenticated all the same.
   */
  readonly tail: Buffer;
  /** Undefined where the message has not been opened (its summary told the record), and where it is not encrypted. */
  readonly sessionKey: SessionKey | undefined;
  /** Of imap/view, encoded. */
  readonly record: Buffer;
}

/** Of a message: shown as it is stored; not looked at; or known. */
export type Known = Plain | Unopened | Shown;

/** Passes as the provider has it. */
export interface Plain {
  readonly kind: 'plain';
}

/** Has to be opened before anything can be said of it. */
export interface Unopened {
  readonly kind: 'unopened';
  readonly storedSize: number;
  readonly fingerprint: Buffer;
}

/** What no two messages have in common, as a rule. */
const TELLING = ['message-id', 'content-type', 'postern-origin'];

/** What a message is found again by after COPY, MOVE or with another UIDVALIDITY. Whether it is the same one, the digest of its header tells. */
export function fingerprintOf(header: Header): Buffer {
  const hash = createHash('sha256');
  for (const name of TELLING) for (const { raw } of header.all(name)) hash.update(raw);
  return hash.digest();
}

/** Of a stored header, blank line included. */
export function digestOf(header: Buffer): Buffer {
  return createHash('sha256').update(header).digest();
}

const VERSION = 2;
const FIXED = 1 + 6 + 1 + 2 + 2;
const MAX_KEY = 255;
/** Providers may tell any size. */
const MAX_SIZE = 2 ** 48 - 1;

/** For the index, which keeps the fingerprint beside it. */
export function encodeShown({ storedSize, headerDigest, tail, sessionKey, record }: Shown): Buffer {
  const key = sessionKey?.key ?? Buffer.alloc(0);
  const head = Buffer.alloc(FIXED);
  head.writeUInt8(VERSION, 0);
  head.writeUIntBE(Math.min(storedSize, MAX_SIZE), 1, 6);
  head.writeUInt8(headerDigest.length, 7);
  head.writeUInt8(Math.min(key.length, MAX_KEY), 8);
  head.writeUInt8(sessionKey?.algorithm ?? 0, 9);
  head.writeUInt16BE(tail.length, 10);
  return Buffer.concat([head, headerDigest, key, tail, record]);
}

/** What `encodeShown` made; undefined for anything else. The result lies in the octets given. */
export function decodeShown(octets: Buffer, fingerprint: Buffer): Shown | undefined {
  if (octets.length < FIXED || octets[0] !== VERSION) return undefined;
  const storedSize = octets.readUIntBE(1, 6);
  const keyStart = FIXED + octets.readUInt8(7);
  const tailStart = keyStart + octets.readUInt8(8);
  const recordStart = tailStart + octets.readUInt16BE(10);
  if (recordStart > octets.length) return undefined;
  const key = octets.subarray(keyStart, tailStart);
  return {
    kind: 'shown',
    storedSize,
    fingerprint,
    headerDigest: octets.subarray(FIXED, keyStart),
    sessionKey: key.length === 0 ? undefined : { algorithm: octets.readUInt8(9), key },
    tail: octets.subarray(tailStart, recordStart),
    record: octets.subarray(recordStart),
  };
}
