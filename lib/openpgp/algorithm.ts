/** The algorithm registries of RFC 9580 §9, and what node:crypto calls them. */
import { OpenPGPError } from './error.js';

export interface SymmetricAlgorithm {
  readonly id: number;
  readonly name: string;
  /** Octets. */
  readonly keySize: number;
  /** Octets. */
  readonly blockSize: number;
  /** OpenSSL's name without the mode; undefined where node:crypto does not have the cipher. */
  readonly openssl?: string;
}

/** AES-256, the symmetric cipher that we write. */
export const AES256 = 9;
/** The cipher that we bring ourselves (idea.ts). */
export const IDEA = 1;

/** RFC 9580 §9.3. */
const SYMMETRIC: readonly SymmetricAlgorithm[] = [
  { id: IDEA, name: 'IDEA', keySize: 16, blockSize: 8 },
  { id: 2, name: 'TripleDES', keySize: 24, blockSize: 8, openssl: 'des-ede3' },
  { id: 3, name: 'CAST5', keySize: 16, blockSize: 8 },
  { id: 4, name: 'Blowfish', keySize: 16, blockSize: 8 },
  { id: 7, name: 'AES-128', keySize: 16, blockSize: 16, openssl: 'aes-128' },
  { id: 8, name: 'AES-192', keySize: 24, blockSize: 16, openssl: 'aes-192' },
  { id: 9, name: 'AES-256', keySize: 32, blockSize: 16, openssl: 'aes-256' },
  { id: 10, name: 'Twofish-256', keySize: 32, blockSize: 16 },
  { id: 11, name: 'Camellia-128', keySize: 16, blockSize: 16, openssl: 'camellia-128' },
  { id: 12, name: 'Camellia-192', keySize: 24, blockSize: 16, openssl: 'camellia-192' },
  { id: 13, name: 'Camellia-256', keySize: 32, blockSize: 16, openssl: 'camellia-256' },
];

/** The algorithm with this number, or undefined. */
export function findSymmetric(id: number): SymmetricAlgorithm | undefined {
  return SYMMETRIC.find((algorithm) => algorithm.id === id);
}

/** The algorithm with this number. Throws OpenPGPError `unsupported`. */
export function symmetric(id: number): SymmetricAlgorithm {
  const found = findSymmetric(id);
  if (found === undefined) throw new OpenPGPError('unsupported', `Symmetric algorithm ${id} is not known.`);
  return found;
}

export type AeadMode = 'eax' | 'ocb' | 'gcm';

export interface AeadAlgorithm {
  readonly id: number;
  readonly mode: AeadMode;
  /** Octets. */
  readonly nonceSize: number;
}

/** Octets of an authentication tag, in every mode (RFC 9580 §9.6). */
export const TAG_SIZE = 16;

/** RFC 9580 §9.6. */
const AEAD: readonly AeadAlgorithm[] = [
  { id: 1, mode: 'eax', nonceSize: 16 },
  { id: 2, mode: 'ocb', nonceSize: 15 },
  { id: 3, mode: 'gcm', nonceSize: 12 },
];

/** The AEAD algorithm with this number. Throws OpenPGPError `unsupported`. */
export function aead(id: number): AeadAlgorithm {
  const found = AEAD.find((algorithm) => algorithm.id === id);
  if (found === undefined) throw new OpenPGPError('unsupported', `AEAD algorithm ${id} is not known.`);
  return found;
}

/** RFC 9580 §9.5: what node:crypto calls a hash algorithm, and the octets of a version 6 signature's salt for it. */
const HASHES: ReadonlyMap<number, { readonly openssl: string; readonly saltSize: number }> = new Map([
  [1, { openssl: 'md5', saltSize: 0 }],
  [2, { openssl: 'sha1', saltSize: 0 }],
  [3, { openssl: 'ripemd160', saltSize: 0 }],
  [8, { openssl: 'sha256', saltSize: 16 }],
  [9, { openssl: 'sha384', saltSize: 24 }],
  [10, { openssl: 'sha512', saltSize: 32 }],
  [11, { openssl: 'sha224', saltSize: 16 }],
  [12, { openssl: 'sha3-256', saltSize: 16 }],
  [14, { openssl: 'sha3-512', saltSize: 32 }],
]);

/** The hash algorithm with this number, or undefined. */
export function findHash(id: number): { readonly openssl: string; readonly saltSize: number } | undefined {
  return HASHES.get(id);
}

/** Packet type IDs (RFC 9580 §5). */
export const Tag = {
  publicKeyEncryptedSessionKey: 1,
  signature: 2,
  symmetricKeyEncryptedSessionKey: 3,
  onePassSignature: 4,
  compressedData: 8,
  symmetricallyEncryptedData: 9,
  marker: 10,
  literalData: 11,
  encryptedData: 18,
  oldAeadEncryptedData: 20,
  padding: 21,
} as const;

/** Public-key algorithm numbers (RFC 9580 §9.1) that can encrypt. */
export const PublicKeyAlgorithm = { rsa: 1, rsaEncryptOnly: 2, ecdh: 18, x25519: 25, x448: 26 } as const;
