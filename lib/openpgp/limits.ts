/** Every limit of lib/openpgp: default, unit, reason. */
export interface Limits {
  /** Encrypted session keys of one message. A mailing list of this size is already unusual; each may cost a private-key operation. */
  readonly sessionKeys: number;
  /** Private-key operations that may fail before one finds the session key. */
  readonly keyAttempts: number;
  /** Packets of one sequence (a message, or what is inside an encryption or a compression), those that are passed over included. */
  readonly packets: number;
  /** Octets of a packet that is held whole (session keys, signatures). RFC 9580 sets none; the largest real ones are about 20 KB. */
  readonly packetSize: number;
  /** Signatures on one message. */
  readonly signatures: number;
  /** Compressed packets within each other. GnuPG and others write one. */
  readonly compressionDepth: number;
  /** Octets that decompression may give in all. */
  readonly decompressedSize: number;
  /** Output octets for each input octet of decompression, once `decompressionFree` octets are out. DEFLATE cannot exceed 1032. */
  readonly decompressionRatio: number;
  /** Octets of output before the ratio is looked at. */
  readonly decompressionFree: number;
  /** Octets of text and headers before armored data begins. */
  readonly armorHeader: number;
  /** Octets of a message that only slow JavaScript can open (bzip2; IDEA, CAST5, Blowfish, Twofish); it is held whole. */
  readonly slowSize: number;
}

export const LIMITS: Limits = {
  sessionKeys: 1000,
  keyAttempts: 50,
  packets: 2000,
  packetSize: 64 * 1024,
  signatures: 16,
  compressionDepth: 2,
  decompressedSize: 2 * 1024 ** 3,
  decompressionRatio: 200,
  decompressionFree: 16 * 1024 ** 2,
  armorHeader: 64 * 1024,
  slowSize: 32 * 1024 ** 2,
};
