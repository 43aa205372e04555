import { OpenPGPError } from '#lib/openpgp/error';
import { PacketList, type PrivateKey, type PublicKey, SignaturePacket, enums, revokeKey } from '#lib/openpgp/library';
import { KeyringError } from './error.js';

/** Why a key is revoked (RFC 9580 §5.2.3.31). The first two leave what it signed before valid. */
export const REVOCATION_REASONS = ['superseded', 'retired', 'compromised', 'none'] as const;
export type RevocationReason = (typeof REVOCATION_REASONS)[number];

type ReasonFlag = NonNullable<NonNullable<Parameters<PrivateKey['revoke']>[0]>['flag']>;

const FLAGS: Readonly<Record<RevocationReason, ReasonFlag>> = {
  superseded: enums.reasonForRevocation.keySuperseded,
  retired: enums.reasonForRevocation.keyRetired,
  compromised: enums.reasonForRevocation.keyCompromised,
  none: enums.reasonForRevocation.noReason,
};

export interface Revocation {
  /** The certificate, revoked. */
  readonly certificate: PublicKey;
  /** The revocation by itself, armored, to be handed to others. */
  readonly armored: string;
}

/**
 * Revokes a key. The private key must be unlocked and its primary key be there. Throws OpenPGPError `unusable-key` where it is
 * not.
 */
export async function revoke(key: PrivateKey, reason: RevocationReason, comment: string): Promise<Revocation> {
  if (!key.keyPacket.isDecrypted()) {
    const fingerprint = key.getFingerprint().toUpperCase();
    throw new OpenPGPError(
      'unusable-key',
      `The secret part of the primary key ${fingerprint}, which alone can revoke it, is not here or stays locked.`,
    );
  }
  const { publicKey } = await revokeKey({
    key,
    reasonForRevocation: { flag: FLAGS[reason], string: comment },
    format: 'object',
  });
  return { certificate: publicKey, armored: await armoredRevocation(publicKey) };
}

/** Applies a revocation certificate. Throws KeyringError `data` where it is not one of this certificate. */
export async function applyRevocation(certificate: PublicKey, armored: string): Promise<Revocation> {
  try {
    const { publicKey } = await revokeKey({ key: certificate, revocationCertificate: armored, format: 'object' });
    return { certificate: publicKey, armored };
  } catch (error) {
    const fingerprint = certificate.getFingerprint().toUpperCase();
    throw new KeyringError('data', `This is not a valid revocation of the certificate ${fingerprint}.`, {
      cause: error,
    });
  }
}

/** The key ID that a signature packet names as its issuer, upper-case hexadecimal; throws KeyringError `data`. */
export async function issuerOf(signature: Buffer): Promise<string> {
  // The published type says Map; what it takes is an object.
  const allowed = { [enums.packet.signature]: SignaturePacket } as unknown as Parameters<
    typeof PacketList.fromBinary
  >[1];
  const packets = await PacketList.fromBinary(signature, allowed).catch((error: unknown) => {
    throw new KeyringError('data', 'There is a damaged signature in it.', { cause: error });
  });
  const packet = packets.find((each) => each instanceof SignaturePacket);
  if (packet?.signatureType !== enums.signature.keyRevocation) {
    throw new KeyringError('data', 'There is a signature in it that is no revocation of a key.');
  }
  return packet.issuerKeyID.toHex().toUpperCase();
}

/** A signature packet as a revocation certificate: armored as a public key (RFC 9580 §6.2.1). */
export function armorRevocation(signature: Buffer): string {
  const lines = signature.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN PGP PUBLIC KEY BLOCK-----', '', ...lines, '-----END PGP PUBLIC KEY BLOCK-----', ''].join('\n');
}

async function armoredRevocation(certificate: PublicKey): Promise<string> {
  const armored: unknown = await certificate.getRevocationCertificate();
  if (typeof armored !== 'string') throw new TypeError('The revocation is not a text.');
  return armored;
}
