import { OpenPGPError } from '#lib/openpgp/error';
import {
  type AnySecretKeyPacket,
  type PartialConfig,
  type PrivateKey,
  config,
  enums,
  readPrivateKey,
} from '#lib/openpgp/library';
import type { Secret } from './secret.js';

/** Count octet 0xE0 = 16 MiB hashed (RFC 9580 §3.7.1.3): what GnuPG 2.2 takes without a pause that a person would notice. */
const ITERATION_COUNT = 0xe0;

/**
 * Passes of Argon2 that a stored key may ask for. With the package's limit on memory (library.ts) this bounds a hostile key to
 * about two seconds.
 */
const MAX_ARGON2_PASSES = 16;

/** What the package's secret key packets hold beyond its published types. */
interface LockedPacket {
  readonly s2k: { readonly type: string; readonly t?: number } | null;
}

/**
 * How a private key is locked (RFC 9580 §3.7.2): version 6 with Argon2 and OCB, version 4 with iterated and salted S2K and CFB,
 * which GnuPG 2.2 can import.
 */
function lockSettings(version: number): PartialConfig {
  return version === 6
    ? { aeadProtect: true, preferredAEADAlgorithm: enums.aead.ocb, s2kType: enums.s2k.argon2 }
    : { aeadProtect: false, s2kType: enums.s2k.iterated, s2kIterationCountByte: ITERATION_COUNT };
}

/** The secret key packets of a private key, the primary key's first. */
export function secretPackets(key: PrivateKey): readonly AnySecretKeyPacket[] {
  return key.getKeys().map(({ keyPacket }) => keyPacket as AnySecretKeyPacket);
}

/** True where a passphrase is needed before the key can be used: something is locked and it is there. */
export function isLocked(key: PrivateKey): boolean {
  return secretPackets(key).some((packet) => !packet.isMissingSecretKeyMaterial() && !packet.isDecrypted());
}

/** True where some of the key is stored without a passphrase. */
export function isUnprotected(key: PrivateKey): boolean {
  return secretPackets(key).some((packet) => packet.isDecrypted());
}

/**
 * Unlocks a private key, which itself stays as it is. Parts that are not there (GnuPG's stubs for an offline primary key or a
 * card) are left out, and so are subkeys under another passphrase, as long as the passphrase opens something. Throws OpenPGPError
 * `passphrase` where it opens nothing and `unsupported` where the key is locked in a way that we do not read.
 */
export async function unlock(key: PrivateKey, passphrase: Secret): Promise<PrivateKey> {
  const copy = await readPrivateKey({ binaryKey: key.write() });
  const locked = secretPackets(copy).filter((packet) => !packet.isMissingSecretKeyMaterial() && !packet.isDecrypted());
  let failure: unknown;
  let opened = 0;
  for (const packet of locked) {
    try {
      checkCost(packet);
      await packet.decrypt(passphrase.reveal());
      await packet.validate();
      opened += 1;
    } catch (error) {
      failure ??= error;
    }
  }
  if (opened > 0 || (locked.length === 0 && isUnprotected(copy))) return copy;
  const whose = `the private key ${key.getFingerprint().toUpperCase()}`;
  if (locked.length === 0)
    throw new OpenPGPError('unusable-key', `The secret part of ${whose} is not in this keyring.`);
  if (failure instanceof Error && failure.message.startsWith('Incorrect key passphrase')) {
    throw new OpenPGPError('passphrase', `The passphrase does not open ${whose}.`);
  }
  throw new OpenPGPError('unsupported', `The lock of ${whose} is of a kind that is not supported.`, { cause: failure });
}

function checkCost(packet: AnySecretKeyPacket): void {
  const { s2k } = packet as unknown as LockedPacket;
  if (s2k?.type === 'argon2' && (s2k.t ?? 0) > MAX_ARGON2_PASSES) {
    throw new OpenPGPError('unsupported', `The lock asks for more than ${MAX_ARGON2_PASSES} passes of Argon2.`);
  }
}

/** Locks what is unprotected of a private key, which itself stays as it is. */
export async function lock(key: PrivateKey, passphrase: Secret): Promise<PrivateKey> {
  const copy = await readPrivateKey({ binaryKey: key.write() });
  const settings = { ...config, ...lockSettings(key.keyPacket.version) };
  for (const packet of secretPackets(copy)) {
    if (packet.isDecrypted()) await packet.encrypt(passphrase.reveal(), settings);
  }
  // Read again, it holds only what is written: nothing unlocked.
  return readPrivateKey({ binaryKey: copy.write() });
}
