import { OpenPGPError } from '#lib/openpgp/error';
import { type PrivateKey, type PublicKey, enums, revokeKey } from '#lib/openpgp/library';
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

async function armoredRevocation(certificate: PublicKey): Promise<string> {
  const armored: unknown = await certificate.getRevocationCertificate();
  if (typeof armored !== 'string') throw new TypeError('The revocation is not a text.');
  return armored;
}
