/** Reads what test/vectors holds: keys, messages, and the index of what each message must lead to. */
import { readFileSync } from 'node:fs';
import type { OpenPGPErrorCode } from '#lib/openpgp/error';
import { type PrivateKey, readPrivateKey } from '#lib/openpgp/library';
import type { PayloadKind } from './payload.js';
import type { TestSubkey } from './writer.js';

/** The folder of the data. Compiled tests lie in dist/test/vectors; the data stay where they are. */
export const VECTORS = new URL('../../../test/vectors/', import.meta.url);

/** Names of the private keys in test/vectors/keys. The first word says who made the key. */
export const KEY_NAMES = [
  'gpg-curve25519',
  'gpg-p256',
  'gpg-p384',
  'gpg-p521',
  'gpg-brainpool256',
  'gpg-brainpool384',
  'gpg-brainpool512',
  'gpg-rsa2048',
  'gpg-rsa3072',
  'gpg-rsa4096',
  'openpgpjs-x25519-v4',
  'openpgpjs-x25519-v6',
  'openpgpjs-x448-v6',
  'rfc9580-v6',
] as const;
export type KeyName = (typeof KEY_NAMES)[number];

export interface ExpectedSignature {
  readonly status: 'valid' | 'unknown-key' | 'invalid';
  /** The signer: a name in test/vectors/keys. */
  readonly key: KeyName;
}

export type Outcome =
  | {
      /** Octets of the payload, and their SHA-256. */
      readonly size: number;
      readonly sha256: string;
      readonly seipd: 1 | 2;
      readonly signatures: readonly ExpectedSignature[];
    }
  | {
      readonly error: OpenPGPErrorCode;
      /** The most of the payload that may come out before the error: so many of its first octets, and their SHA-256. */
      readonly released: { readonly size: number; readonly sha256: string };
    };

export interface Vector {
  readonly name: string;
  /** File in test/vectors/messages. */
  readonly file: string;
  /** What made the message. */
  readonly from: string;
  /** The private keys at hand when it is opened. */
  readonly keys: readonly KeyName[];
  /** The session key, in hexadecimal, where the message is opened with that and no private key. */
  readonly sessionKey?: { readonly algorithm: number; readonly key: string };
  /** The signers' certificates that are at hand; default: all. */
  readonly certificates?: readonly KeyName[];
  /** The true plaintext, see payload.ts. */
  readonly payload: { readonly kind: PayloadKind; readonly size: number };
  readonly outcome: Outcome;
}

export function readIndex(): readonly Vector[] {
  return JSON.parse(readFileSync(new URL('index.json', VECTORS), 'utf8')) as Vector[];
}

export function readMessage(vector: Vector): Buffer {
  return readFileSync(new URL(`messages/${vector.file}`, VECTORS));
}

export function readKeyFile(name: KeyName): string {
  return readFileSync(new URL(`keys/${name}.asc`, VECTORS), 'latin1');
}

const loaded = new Map<KeyName, Promise<PrivateKey>>();

/** A private key of test/vectors/keys, unlocked. */
export function loadKey(name: KeyName): Promise<PrivateKey> {
  const key = loaded.get(name) ?? readPrivateKey({ armoredKey: readKeyFile(name) });
  loaded.set(name, key);
  return key;
}

/** What the test writer needs of the encryption subkey. */
export async function loadSubkey(name: KeyName): Promise<TestSubkey> {
  const { keyPacket } = await (await loadKey(name)).getEncryptionKey();
  const { A, n, e } = keyPacket.publicParams as Readonly<Record<'A' | 'n' | 'e', Uint8Array | undefined>>;
  return {
    version: keyPacket.version === 6 ? 6 : 4,
    fingerprint: keyPacket.getFingerprint(),
    ...(A && { x25519: Buffer.from(A) }),
    ...(n && e && { rsa: { n: Buffer.from(n), e: Buffer.from(e) } }),
  };
}
