import { type PrivateKey, type PublicKey, readPrivateKey } from '#lib/openpgp/library';
import { KeyringError } from './error.js';
import { LIMITS } from './limits.js';
import { secretPackets } from './passphrase.js';

/**
 * A certificate with what another copy of it adds: user IDs, subkeys, newer self-signatures, revocations. Nothing that was there
 * is lost. Throws KeyringError `data` where it would grow beyond the limit.
 */
export async function mergeCertificates(known: PublicKey, other: PublicKey): Promise<PublicKey> {
  return checkSize(await known.update(other.toPublic()));
}

/**
 * A private key with what another copy of it adds. Where both hold the secret part of a (sub)key, the known one stays, with its
 * lock; where one holds only a stub (GnuPG's offline primary keys), the secret part is taken from the other.
 */
export async function mergePrivateKeys(known: PrivateKey, other: PrivateKey): Promise<PrivateKey> {
  const merged = await known.update(other);
  const packets = merged.toPacketList();
  for (const stub of secretPackets(merged).filter((packet) => packet.isMissingSecretKeyMaterial())) {
    const whole = secretPackets(other).find(
      (packet) => packet.hasSameFingerprintAs(stub) && !packet.isMissingSecretKeyMaterial(),
    );
    if (whole !== undefined) packets[packets.indexOf(stub)] = whole;
  }
  return checkSize(await readPrivateKey({ binaryKey: packets.write() }));
}

/** True where both are made of the same octets. */
export function isSame(one: PublicKey, other: PublicKey): boolean {
  return Buffer.from(one.write()).equals(other.write());
}

function checkSize<Kind extends PublicKey>(key: Kind): Kind {
  const size = key.write().length;
  if (size <= LIMITS.certificateSize) return key;
  throw new KeyringError(
    'data',
    `The certificate ${key.getFingerprint().toUpperCase()} would have ${size} octets; the limit is ${LIMITS.certificateSize}.`,
  );
}
