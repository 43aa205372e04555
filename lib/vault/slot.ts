/**
 * The ways into a vault. Each slot has an X25519 key pair: the private key is sealed under what opens the slot, and the data key of
 * the vault is wrapped to the public key. So each write can have a new data key without knowing a single password, and who
 * still has a revoked password and an old copy of the file does not get into the new one.
 */
import {
  type KeyObject,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { hkdf } from '#lib/openpgp/hkdf';
import { KEY_SIZE, TAG_SIZE, openOnce, sealOnce } from './aead.js';

/** `password`: an app password, or the provider's own. */
export type SlotKind = 'password' | 'recovery' | 'key-file';

/** What of a slot lies readable in the header. */
export interface SlotLock {
  readonly kind: SlotKind;
  /** 16 random octets. */
  readonly salt: Buffer;
  /**
   * 32 octets that tell whether a secret is the right one. AES-GCM alone would not do: a ciphertext can be made that opens under many
   * keys, and a forged file could then test many passwords with one login.
   */
  readonly check: Buffer;
  /** The private key, sealed: 48 octets. */
  readonly sealedKey: Buffer;
}

/** A slot with what lies sealed in the vault. */
export interface Slot extends SlotLock {
  readonly name: string;
  readonly created: Date;
  /** 32 octets. */
  readonly publicKey: Buffer;
}

/** The slot that opened a vault, and its private key: 32 octets. */
export interface Identity {
  readonly salt: Buffer;
  readonly privateKey: Buffer;
}

/** Octets in the file. */
export const SLOT_SIZES = {
  salt: 16,
  check: 32,
  sealedKey: KEY_SIZE + TAG_SIZE,
  wrapped: KEY_SIZE + TAG_SIZE,
} as const;

/** The DER around raw keys (RFC 8410 §7, §4). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

const NO_HEADER = Buffer.alloc(0);

/** A new slot. `stretched`: 32 octets, from Argon2 or a key file. */
export function makeSlot(
  kind: SlotKind,
  name: string,
  stretched: Buffer,
): { readonly slot: Slot; readonly identity: Identity } {
  const salt = randomBytes(SLOT_SIZES.salt);
  const { publicKey, privateKey } = makeKeyPair();
  const { key, check } = keysOf(kind, salt, stretched);
  const sealedKey = sealOnce(key, privateKey, NO_HEADER);
  key.fill(0);
  const slot = { kind, salt, check, sealedKey, name, created: new Date(), publicKey };
  return { slot, identity: { salt, privateKey } };
}

/** The private key of a slot; undefined where `stretched` is not what opens it. */
export function openSlot({ kind, salt, check, sealedKey }: SlotLock, stretched: Buffer): Identity | undefined {
  const keys = keysOf(kind, salt, stretched);
  const isRight = timingSafeEqual(keys.check, check);
  // Done in either case, so that both take the same time.
  const privateKey = openOnce(keys.key, sealedKey, NO_HEADER);
  keys.key.fill(0);
  return isRight && privateKey !== undefined ? { salt, privateKey } : undefined;
}

/** A key pair for one write: its private half is forgotten with it. */
export function makeKeyPair(): { readonly publicKey: Buffer; readonly privateKey: Buffer } {
  const pair = generateKeyPairSync('x25519');
  return {
    publicKey: pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-KEY_SIZE),
    privateKey: pair.privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-KEY_SIZE),
  };
}

/** The data key, wrapped to a slot with a key pair that is used for this write alone: 48 octets. */
export function wrapDataKey(slot: Slot, writing: ReturnType<typeof makeKeyPair>, dataKey: Buffer): Buffer {
  const key = wrappingKey(writing.privateKey, slot.publicKey, slot.salt, writing.publicKey);
  if (key === undefined) throw new TypeError('The public key of a slot is none.');
  const wrapped = sealOnce(key, dataKey, NO_HEADER);
  key.fill(0);
  return wrapped;
}

/** The data key; undefined where it was not wrapped to this slot. `writer`: the public key of that write. */
export function unwrapDataKey({ privateKey, salt }: Identity, writer: Buffer, wrapped: Buffer): Buffer | undefined {
  const key = wrappingKey(privateKey, writer, salt, writer);
  if (key === undefined) return undefined;
  const dataKey = openOnce(key, wrapped, NO_HEADER);
  key.fill(0);
  return dataKey;
}

function keysOf(kind: SlotKind, salt: Buffer, stretched: Buffer): { readonly key: Buffer; readonly check: Buffer } {
  const octets = hkdf('sha256', stretched, salt, Buffer.from(`postern vault 1 slot ${kind}`, 'latin1'), 2 * KEY_SIZE);
  return { key: octets.subarray(0, KEY_SIZE), check: octets.subarray(KEY_SIZE) };
}

/** Undefined where the other side's key is one of the points for which X25519 gives zero (RFC 7748 §6.1). */
function wrappingKey(privateKey: Buffer, publicKey: Buffer, salt: Buffer, writer: Buffer): Buffer | undefined {
  let shared: Buffer;
  try {
    shared = diffieHellman({ privateKey: asPrivate(privateKey), publicKey: asPublic(publicKey) });
  } catch {
    return undefined;
  }
  const info = Buffer.concat([Buffer.from('postern vault 1 data key ', 'latin1'), writer]);
  const key = hkdf('sha256', shared, salt, info, KEY_SIZE);
  shared.fill(0);
  return key;
}

function asPrivate(raw: Buffer): KeyObject {
  const der = Buffer.concat([PRIVATE_PREFIX, raw]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return key;
}

function asPublic(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, raw]), format: 'der', type: 'spki' });
}
