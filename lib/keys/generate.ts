import {
  type AnySecretKeyPacket,
  type Config,
  type PartialConfig,
  type PrivateKey,
  type Signature,
  config as defaults,
  enums,
  generateKey,
} from '#lib/openpgp/library';
import { addressOfUserID } from './address.js';
import { printable } from './certificatename.js';
import { KeyringError } from './error.js';
import { lock } from './passphrase.js';
import type { Secret } from './secret.js';

/** What kinds of key we make. */
export type KeyKind = 'ed25519' | 'rsa3072' | 'rsa4096';

export interface GenerateOptions {
  /** `Alice <alice@example.com>` or the bare address; the first is the primary one. */
  readonly userIDs: readonly string[];
  /** Default: Ed25519 with X25519. */
  readonly kind?: KeyKind;
  /** Version 4 (the default), which every OpenPGP program reads, or version 6 (RFC 9580). */
  readonly version?: 4 | 6;
  /** Seconds until it expires; undefined for never. */
  readonly lifetime?: number;
  /** Undefined leaves the key unprotected. */
  readonly passphrase?: Secret;
  readonly date?: Date;
}

export interface GeneratedKey {
  /** Locked, where a passphrase was given. */
  readonly key: PrivateKey;
  /** A revocation certificate, armored. */
  readonly revocation: string;
}

/**
 * Makes a private key: a primary key that certifies and signs, and a subkey for encryption. Its certificate announces SEIPDv2 with
 * GCM and OCB. Throws KeyringError `name` for a user ID without an address.
 */
export async function generate(options: GenerateOptions): Promise<GeneratedKey> {
  const { userIDs, kind = 'ed25519', version = 4, lifetime = 0, passphrase, date = new Date() } = options;
  const config: PartialConfig = { v6Keys: version === 6, aeadProtect: true, preferredAEADAlgorithm: enums.aead.gcm };
  const { privateKey, revocationCertificate } = await generateKey({
    ...algorithmOptions(kind, version),
    userIDs: userIDs.map(splitUserID),
    keyExpirationTime: lifetime,
    date,
    format: 'object',
    config,
  });
  await announcePreferences(privateKey, config);
  return {
    key: passphrase === undefined ? privateKey : await lock(privateKey, passphrase),
    revocation: revocationCertificate,
  };
}

type AlgorithmOptions = Pick<Parameters<typeof generateKey>[0], 'type' | 'curve' | 'rsaBits'>;

function algorithmOptions(kind: KeyKind, version: 4 | 6): AlgorithmOptions {
  if (kind !== 'ed25519') return { type: 'rsa', rsaBits: Number(kind.slice(3)) };
  // GnuPG 2.2 knows the two curves only under the algorithm IDs from before RFC 9580, which version 6 does not allow.
  return version === 6 ? { type: 'curve25519' } : { type: 'ecc', curve: 'curve25519Legacy' };
}

/** The name and the address of a user ID that is to be made. Throws KeyringError `name` where there is no address. */
export function splitUserID(text: string): { readonly name?: string; readonly email: string } {
  const address = addressOfUserID(text);
  if (address === undefined || /\p{C}/u.test(text)) {
    throw new KeyringError(
      'name',
      `"${printable(text)}" has no address: write alice@example.com or Alice <alice@example.com>.`,
    );
  }
  const open = text.lastIndexOf('<');
  const name = open < 0 ? '' : text.slice(0, open).trim();
  return name === '' ? { email: address.text } : { name, email: address.text };
}

/** What the package's signatures have and do beyond its published types. */
interface SelfSignature extends Omit<Signature, 'sign'> {
  salt: Uint8Array | null;
  preferredCipherSuites: readonly (readonly [symmetric: number, aead: number])[] | null;
  preferredHashAlgorithms: Signature['preferredHashAlgorithms'];
  sign(key: AnySecretKeyPacket, data: object, date: Date, detached: boolean, config: Config): Promise<void>;
}

const EAX: number = enums.aead.eax;

/**
 * Announces what we want to be sent and signs again. EAX goes: OpenSSL does not have it, and what nobody sends need not be opened
 * slowly. GCM stays before OCB because browsers have it, too. SHA-3 goes: GnuPG 2.2 does not know it and warns on import.
 */
async function announcePreferences(key: PrivateKey, config: PartialConfig): Promise<void> {
  const { directSignatures } = key as unknown as { readonly directSignatures: readonly Signature[] };
  const primary = key.keyPacket as AnySecretKeyPacket;
  const signed: readonly (readonly [Signature, object])[] = [
    ...directSignatures.map((signature) => [signature, { key: primary }] as const),
    ...key.users.flatMap(({ selfCertifications, userID }) =>
      selfCertifications.map((signature) => [signature, { key: primary, userID }] as const),
    ),
  ];
  for (const [packet, data] of signed) {
    const signature = packet as unknown as SelfSignature;
    const { preferredCipherSuites: suites, created } = signature;
    if (suites === null || created === null) continue;
    signature.preferredCipherSuites = suites.filter(([, aead]) => aead !== EAX);
    signature.preferredHashAlgorithms = [enums.hash.sha512, enums.hash.sha256];
    // Both are put in anew when signing.
    signature.rawNotations = signature.rawNotations.filter(({ name }) => !name.startsWith('salt@'));
    signature.salt = null;
    await signature.sign(primary, data, created, false, { ...defaults, ...config });
  }
}
