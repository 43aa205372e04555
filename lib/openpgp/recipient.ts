import { PublicKeyAlgorithm } from './algorithm.js';
import { OpenPGPError } from './error.js';
import type { AnyKeyPacket, PublicKey, Signature } from './library.js';

/** Feature flag "Version 2 Symmetrically Encrypted and Integrity Protected Data packet" (RFC 9580 §5.2.3.32). */
const FEATURE_SEIPDV2 = 0x08;

/** A certificate together with the subkey that a message will be encrypted to. */
export interface Recipient {
  readonly certificate: PublicKey;
  /** The encryption subkey (or, in old keys, the primary key). */
  readonly keyPacket: AnyKeyPacket;
  /** Fingerprint of `keyPacket`, upper-case hexadecimal. */
  readonly fingerprint: string;
  /** Key ID of `keyPacket`, 16 upper-case hexadecimal digits. */
  readonly keyID: string;
  /** True where the certificate announces SEIPDv2. */
  readonly seipdv2: boolean;
  /** (symmetric, AEAD) pairs in order of preference, RFC 9580 §5.2.3.15. */
  readonly cipherSuites: readonly (readonly [symmetric: number, aead: number])[];
  /** Symmetric ciphers for SEIPDv1 in order of preference, RFC 9580 §5.2.3.14. */
  readonly ciphers: readonly number[];
}

/** What openpgp's objects hold beyond its published types. */
interface SelfSignature extends Signature {
  readonly preferredCipherSuites: readonly (readonly [number, number])[] | null;
}
interface CertificateInternals {
  getPrimarySelfSignature(date?: Date): Promise<SelfSignature>;
}

/**
 * Chooses the subkey to encrypt to: the newest valid one that is for encryption. `date` is the time at which it must be valid.
 * Throws OpenPGPError `unusable-key` with the reason where the certificate is expired, revoked or has no such subkey, and
 * `unsupported` for an algorithm that we do not encrypt with.
 */
export async function chooseRecipient(certificate: PublicKey, date: Date = new Date()): Promise<Recipient> {
  const whose = `The certificate ${certificate.getFingerprint().toUpperCase()}`;
  let keyPacket: AnyKeyPacket;
  let selfSignature: SelfSignature;
  try {
    keyPacket = (await certificate.getEncryptionKey(undefined, date)).keyPacket;
    selfSignature = await (certificate as unknown as CertificateInternals).getPrimarySelfSignature(date);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OpenPGPError('unusable-key', `${whose} cannot be encrypted to: ${reason}.`, { cause: error });
  }
  if (!(Object.values(PublicKeyAlgorithm) as number[]).includes(keyPacket.algorithm)) {
    const name = keyPacket.getAlgorithmInfo().algorithm;
    throw new OpenPGPError('unsupported', `${whose} encrypts with ${name}, which is not supported.`);
  }
  return {
    certificate,
    keyPacket,
    fingerprint: keyPacket.getFingerprint().toUpperCase(),
    keyID: keyPacket.getKeyID().toHex().toUpperCase(),
    seipdv2: ((selfSignature.features?.[0] ?? 0) & FEATURE_SEIPDV2) !== 0,
    cipherSuites: selfSignature.preferredCipherSuites ?? [],
    ciphers: selfSignature.preferredSymmetricAlgorithms ?? [],
  };
}
