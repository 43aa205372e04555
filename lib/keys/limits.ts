/** Every limit of lib/keys: default, unit, reason. */
export const LIMITS = {
  /** Octets of one certificate with everything on it. Flooded ones reach this; the largest honest ones are about 200 KB. */
  certificateSize: 1024 * 1024,
  /** Octets of a file that is imported: a whole `gpg --export` of a large keyring. */
  fileSize: 16 * 1024 * 1024,
  /** Certificates and keys in one such file. */
  fileKeys: 20_000,
  /** Characters of an address (RFC 5321 §4.5.3.1: 64 + 1 + 255). */
  addressLength: 320,
} as const;
