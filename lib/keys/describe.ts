import {
  type AnyKeyPacket,
  type Key,
  type PrivateKey,
  type PublicKey,
  type Signature,
  type Subkey,
  enums,
} from '#lib/openpgp/library';
import { type Address, addressOfUserID } from './address.js';
import { secretPackets } from './passphrase.js';

/** What a (sub)key may be used for, RFC 9580 §5.2.3.29. */
export type Capability = 'certify' | 'sign' | 'encrypt' | 'authenticate';

export interface KeyFacts {
  /** Upper-case hexadecimal. */
  readonly fingerprint: string;
  readonly keyID: string;
  /** As `Ed25519`, `RSA-3072`. */
  readonly algorithm: string;
  readonly created: Date;
  /** Undefined where it never expires. */
  readonly expires: Date | undefined;
  readonly revoked: boolean;
  readonly capabilities: readonly Capability[];
}

export interface CertificateFacts extends KeyFacts {
  /** The OpenPGP version of the primary key. */
  readonly version: number;
  readonly userIDs: readonly UserIDFacts[];
  readonly subkeys: readonly KeyFacts[];
  /** True where messages to it may use SEIPDv2. */
  readonly seipdv2: boolean;
  /** Why nothing can be encrypted to it; undefined where it can. */
  readonly problem: string | undefined;
}

export interface UserIDFacts {
  readonly text: string;
  readonly address: string | undefined;
  /** `invalid`: no self-signature of the primary key covers it, so that anybody may have put it there. */
  readonly status: 'valid' | 'revoked' | 'invalid';
}

/** Feature flag "Version 2 SEIPD" (RFC 9580 §5.2.3.32). */
const FEATURE_SEIPDV2 = 0x08;

/** What a certificate says, as of `date`. */
export async function describeCertificate(certificate: PublicKey, date: Date = new Date()): Promise<CertificateFacts> {
  const primary = await primarySelfSignature(certificate);
  const expires = await certificate.getExpirationTime();
  return {
    ...keyFacts(certificate, primary, expires, await certificate.isRevoked(undefined, undefined, date)),
    version: certificate.keyPacket.version,
    userIDs: await Promise.all(certificate.users.flatMap((user) => userIDFacts(user, date) ?? [])),
    subkeys: await Promise.all(certificate.subkeys.map((subkey) => subkeyFacts(subkey, date))),
    seipdv2: ((primary?.features?.[0] ?? 0) & FEATURE_SEIPDV2) !== 0,
    problem: await whyUnusable(certificate, undefined, date),
  };
}

/** How the secret part of a key is stored. */
export type SecretState = 'locked' | 'unprotected' | 'absent';

/** How the secret part of the primary key and of each subkey is stored, in the order of `Key.getKeys`. */
export function secretStates(key: PrivateKey): readonly SecretState[] {
  return secretPackets(key).map((packet) => {
    if (packet.isMissingSecretKeyMaterial()) return 'absent';
    return packet.isDecrypted() ? 'unprotected' : 'locked';
  });
}

/**
 * Why a message cannot be encrypted to a certificate, for this address where one is given, as the end of a sentence that begins
 * with "the certificate"; undefined where it can.
 */
export async function whyUnusable(
  certificate: PublicKey,
  address?: Address,
  date: Date = new Date(),
): Promise<string | undefined> {
  if (await certificate.isRevoked(undefined, undefined, date)) return 'is revoked';
  if (certificate.getCreationTime() > date) return `is valid only from ${day(certificate.getCreationTime())}`;
  const expires = await certificate.getExpirationTime();
  if (expires instanceof Date && expires <= date) return `expired on ${day(expires)}`;
  const userIDProblem = address && (await whyNotOfAddress(certificate, address, date));
  if (userIDProblem !== undefined) return userIDProblem;
  try {
    await certificate.getEncryptionKey(undefined, date);
    return undefined;
  } catch (error) {
    const facts = await Promise.all(certificate.subkeys.map((subkey) => subkeyFacts(subkey, date)));
    const forEncryption = facts.filter(({ capabilities }) => capabilities.includes('encrypt'));
    if (forEncryption.length === 0) return `has no valid subkey for encryption (${reasonOf(error)})`;
    const [latest] = forEncryption
      .flatMap(({ expires: end, revoked }) => (end === undefined || revoked ? [] : end))
      .sort((a, b) => b.getTime() - a.getTime());
    if (latest !== undefined && latest <= date) return `has a subkey for encryption that expired on ${day(latest)}`;
    if (forEncryption.every(({ revoked }) => revoked)) return 'has a subkey for encryption that is revoked';
    return `cannot be encrypted to (${reasonOf(error)})`;
  }
}

async function whyNotOfAddress(certificate: PublicKey, address: Address, date: Date): Promise<string | undefined> {
  const statuses: UserIDFacts['status'][] = [];
  for (const user of certificate.users) {
    if (user.userID === null || addressOfUserID(user.userID.userID)?.folded !== address.folded) continue;
    const facts = await userIDFacts(user, date);
    if (facts?.status === 'valid') return undefined;
    if (facts !== undefined) statuses.push(facts.status);
  }
  if (statuses.includes('revoked')) return 'has revoked its user ID with this address';
  return statuses.length > 0
    ? 'has a user ID with this address that its key has not signed'
    : 'has no user ID with this address';
}

function userIDFacts(user: Key['users'][number], date: Date): Promise<UserIDFacts> | undefined {
  const { userID } = user;
  if (userID === null) return undefined;
  const text = userID.userID;
  return user.verify(date).then(
    () => ({ text, address: addressOfUserID(text)?.text, status: 'valid' }),
    (error: unknown) => ({
      text,
      address: addressOfUserID(text)?.text,
      status: /revoked/i.test(reasonOf(error)) ? 'revoked' : 'invalid',
    }),
  );
}

async function subkeyFacts(subkey: Subkey, date: Date): Promise<KeyFacts> {
  const binding = newest(subkey.bindingSignatures);
  const expires = await subkey.getExpirationTime();
  const revoked = binding !== undefined && (await subkey.isRevoked(binding, subkey.keyPacket, date));
  return keyFacts(subkey, binding, expires, revoked);
}

function keyFacts(
  key: Key | Subkey,
  signature: Signature | undefined,
  expires: Date | typeof Infinity | null,
  revoked: boolean,
): KeyFacts {
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    keyID: key.getKeyID().toHex().toUpperCase(),
    algorithm: algorithmName(key.keyPacket),
    created: key.getCreationTime(),
    expires: expires instanceof Date ? expires : undefined,
    revoked,
    capabilities: capabilitiesOf(signature),
  };
}

/** The signature that the primary key's properties are in: the direct-key signature in version 6, else the primary user ID's. */
async function primarySelfSignature(certificate: PublicKey): Promise<Signature | undefined> {
  const { directSignatures } = certificate as unknown as { readonly directSignatures: readonly Signature[] };
  if (certificate.keyPacket.version === 6) return newest(directSignatures);
  try {
    return (await certificate.getPrimaryUser()).selfCertification;
  } catch {
    // Expired or revoked: its newest self-signature still says what it was for.
    return newest(certificate.users.flatMap(({ selfCertifications }) => selfCertifications));
  }
}

function newest(signatures: readonly Signature[]): Signature | undefined {
  return [...signatures].sort((a, b) => (b.created?.getTime() ?? 0) - (a.created?.getTime() ?? 0))[0];
}

function capabilitiesOf(signature: Signature | undefined): readonly Capability[] {
  const flags = signature?.keyFlags?.[0] ?? 0;
  const { certifyKeys, signData, encryptCommunication, encryptStorage, authentication } = enums.keyFlags;
  const all: readonly (readonly [number, Capability])[] = [
    [certifyKeys, 'certify'],
    [signData, 'sign'],
    [encryptCommunication | encryptStorage, 'encrypt'],
    [authentication, 'authenticate'],
  ];
  return all.flatMap(([flag, capability]) => ((flags & flag) === 0 ? [] : capability));
}

const NAMES: Readonly<Record<string, string>> = {
  ed25519Legacy: 'Ed25519',
  curve25519Legacy: 'X25519',
  ed25519: 'Ed25519',
  x25519: 'X25519',
  ed448: 'Ed448',
  x448: 'X448',
  rsaEncryptSign: 'RSA',
  rsaEncrypt: 'RSA',
  rsaSign: 'RSA',
  elgamal: 'ElGamal',
  dsa: 'DSA',
  nistP256: 'P-256',
  nistP384: 'P-384',
  nistP521: 'P-521',
};

function algorithmName(packet: AnyKeyPacket): string {
  const { algorithm, bits, curve } = packet.getAlgorithmInfo();
  const name = NAMES[curve ?? algorithm] ?? curve ?? algorithm;
  return bits === undefined ? name : `${name}-${bits}`;
}

/** A date as it stands in messages. */
export function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^.*: /s, '') : String(error);
}
