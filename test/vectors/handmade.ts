/** What the files with hand-made messages share: one session key, one payload, one shape of vector. */
import type { OpenPGPErrorCode } from '#lib/openpgp/error';
import type { KeyName, Vector } from './catalogue.js';
import { type Made, good } from './makepeers.js';
import { type PayloadKind, payloadOf, sha256 } from './payload.js';
import {
  type Seipd2Parts,
  type TestSessionKey,
  type TestSubkey,
  Aead,
  Tag,
  literal,
  packet,
  pkeskX25519,
  seipd1Body,
  seipd2Body,
  seipd2Parts,
  testSessionKey,
} from './writer.js';

const FROM = 'test/vectors/broken.ts';
export const OWN: KeyName = 'openpgpjs-x25519-v4';
export const OWN_V6: KeyName = 'openpgpjs-x25519-v6';
export const RSA: KeyName = 'gpg-rsa2048';

export const KEY = testSessionKey('broken');
export const MAIL = payloadOf('mail', 1500);

/** Chunks of 1024 octets; the literal packet's header takes 9 of the first one. */
export const OCTET = 4;
export const CHUNK = 2 ** (OCTET + 6);
export const LITERAL_HEAD = literal(payloadOf('mail', 5 * CHUNK)).length - 5 * CHUNK;

interface FailureOptions {
  readonly keys?: readonly KeyName[];
  readonly kind?: PayloadKind;
  /** Octets of the true payload. */
  readonly size?: number;
  /** The most octets that may come out. */
  readonly released?: number;
  readonly sessionKey?: TestSessionKey;
}

/** A vector that must be refused. */
export function bad(name: string, error: OpenPGPErrorCode, message: Buffer, options: FailureOptions = {}): Made {
  const { kind = 'mail', size = MAIL.length, released = 0, keys = [OWN], sessionKey } = options;
  const isArmored = name.startsWith('armor-');
  const vector: Vector = {
    name,
    file: `${name}.${isArmored ? 'asc' : 'pgp'}`,
    from: FROM,
    keys,
    ...(sessionKey && {
      sessionKey: { algorithm: sessionKey.algorithm, key: sessionKey.key.toString('hex') },
    }),
    payload: { kind, size },
    outcome: { error, released: { size: released, sha256: sha256(payloadOf(kind, released)) } },
  };
  return { vector, message };
}

export function fine(name: string, message: Buffer, shape: Parameters<typeof good>[4] = {}, keys = [OWN]): Made {
  return good(name, FROM, keys, message, { size: MAIL.length, ...shape });
}

/** PKESK and SEIPDv1 with `content` as its whole plaintext before the MDC packet. */
export function v1(own: TestSubkey, content: Buffer, end?: Buffer): Buffer {
  return Buffer.concat([pkeskX25519(3, own, KEY), packet(Tag.seipd, seipd1Body(KEY, content, end))]);
}

export function v2Packet(parts: Seipd2Parts): Buffer {
  return packet(Tag.seipd, seipd2Body(parts));
}

/** PKESK and SEIPDv2 with `content` as its whole plaintext. */
export function v2(own: TestSubkey, content: Buffer, octet = OCTET): Buffer {
  return Buffer.concat([pkeskX25519(6, own, KEY), v2Packet(seipd2Parts(KEY, content, Aead.ocb, octet))]);
}

export function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const index = at < 0 ? bytes.length + at : at;
  copy.writeUInt8(copy.readUInt8(index) ^ 1, index);
  return copy;
}
