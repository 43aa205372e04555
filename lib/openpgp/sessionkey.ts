/** Public-Key Encrypted Session Key packets, versions 3 and 6 (RFC 9580 §5.1): writing them for a recipient, opening them. */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  diffieHellman,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { PublicKeyAlgorithm, Tag, findHash, findSymmetric } from './algorithm.js';
import { OpenPGPError } from './error.js';
import { hkdf } from './hkdf.js';
import {
  X25519,
  X448,
  ecdhAgree,
  ecdhKey,
  generateMontgomery,
  montgomeryPublic,
  privateKeyObject,
  publicKeyObject,
} from './keymaterial.js';
import type { AnyKeyPacket, AnySecretKeyPacket } from './library.js';
import type { Offload } from './offload.js';
import { encodeInteger, packetHeader, readInteger } from './packet.js';

export interface SessionKey {
  /** Symmetric algorithm number; what a SEIPDv2 packet says itself is told here too. */
  readonly algorithm: number;
  readonly key: Buffer;
}

/** A parsed session key packet, still encrypted. */
export interface EncryptedSessionKey {
  readonly version: 3 | 6;
  /** Key ID, 16 upper-case hexadecimal digits; empty where the recipient is hidden. */
  readonly keyID: string;
  /** Fingerprint (version 6 only). */
  readonly fingerprint: string | undefined;
  readonly algorithm: number;
  /** The algorithm-specific fields. */
  readonly fields: Buffer;
}

/** The version that goes with a version of the encrypted data packet (RFC 9580 §10.3.2.1). */
export type SeipdVersion = 1 | 2;

/** Reads the body of a session key packet. Undefined for a version that is not known, which must be passed over. */
export function parseSessionKeyPacket(body: Buffer): EncryptedSessionKey | undefined {
  const version = body[0];
  if (version === 3 && body.length >= 10) {
    const keyID = body.toString('hex', 1, 9).toUpperCase();
    return {
      version,
      keyID: /^0+$/.test(keyID) ? '' : keyID,
      fingerprint: undefined,
      algorithm: body.readUInt8(9),
      fields: body.subarray(10),
    };
  }
  if (version === 6 && body.length >= 3) {
    const size = body.readUInt8(1);
    if (body.length < 3 + size) return undefined;
    const fingerprint = size === 0 ? undefined : body.toString('hex', 3, 2 + size).toUpperCase();
    const keyVersion = size === 0 ? 0 : body.readUInt8(2);
    return {
      version,
      // The key ID is the low end of a v4 fingerprint and the high end of a v6 one.
      keyID: fingerprint === undefined ? '' : keyVersion === 4 ? fingerprint.slice(-16) : fingerprint.slice(0, 16),
      fingerprint,
      algorithm: body.readUInt8(2 + size),
      fields: body.subarray(3 + size),
    };
  }
  return undefined;
}

/**
 * A whole session key packet for a recipient's key: version 3 with SEIPDv1, version 6 with SEIPDv2. Throws OpenPGPError
 * `unusable-key` where the key's parameters are wrong, `unsupported`.
 */
export function writeSessionKeyPacket(recipient: AnyKeyPacket, sessionKey: SessionKey, seipd: SeipdVersion): Buffer {
  let fields: Buffer;
  try {
    fields = encryptFields(recipient, sessionKey, seipd);
  } catch (error) {
    if (error instanceof OpenPGPError) throw error;
    const whose = recipient.getFingerprint().toUpperCase();
    throw new OpenPGPError('unusable-key', `The key ${whose} cannot be encrypted to: its parameters are wrong.`, {
      cause: error,
    });
  }
  const fingerprint = Buffer.from(recipient.getFingerprint(), 'hex');
  const head =
    seipd === 1
      ? Buffer.concat([Buffer.of(3), Buffer.from(recipient.getKeyID().toHex(), 'hex')])
      : Buffer.concat([Buffer.of(6, fingerprint.length + 1, recipient.version), fingerprint]);
  const body = Buffer.concat([head, Buffer.of(recipient.algorithm), fields]);
  return Buffer.concat([packetHeader(Tag.publicKeyEncryptedSessionKey, body.length), body]);
}

/**
 * Opens a session key packet with an unlocked key. `cipher` is the algorithm that a SEIPDv2 packet names, undefined for SEIPDv1.
 * A wrong RSA padding gives a random key, so that nobody can tell it from a message that was changed (RFC 9580 §13.5); only with
 * `strict` padding, for a hidden recipient who may well be somebody else, is it an error. Throws
 * OpenPGPError `session-key`, `unsupported`, `unusable-key`.
 */
export async function openSessionKey(
  packet: EncryptedSessionKey,
  key: AnySecretKeyPacket,
  cipher: number | undefined,
  offload: Offload,
  padding: 'lenient' | 'strict' = 'lenient',
): Promise<SessionKey> {
  if (packet.algorithm !== (key.algorithm as number)) {
    throw new OpenPGPError('session-key', 'A session key names another algorithm than its recipient has.');
  }
  const { fields } = packet;
  try {
    switch (packet.algorithm) {
      case PublicKeyAlgorithm.rsa:
      case PublicKeyAlgorithm.rsaEncryptOnly:
        return await openRsa(fields, key, cipher, offload, padding);
      case PublicKeyAlgorithm.ecdh:
        return fromChecked(openEcdh(fields, key), cipher);
      case PublicKeyAlgorithm.x25519:
      case PublicKeyAlgorithm.x448:
        return openMontgomery(packet, key, cipher);
      default:
        throw new OpenPGPError(
          'unsupported',
          `Public-key algorithm ${packet.algorithm} cannot decrypt session keys here.`,
        );
    }
  } catch (error) {
    if (error instanceof OpenPGPError) throw error;
    throw new OpenPGPError(
      'session-key',
      'A session key that is encrypted to this key cannot be opened: it is damaged.',
      {
        cause: error,
      },
    );
  }
}

function encryptFields(recipient: AnyKeyPacket, sessionKey: SessionKey, seipd: SeipdVersion): Buffer {
  switch (recipient.algorithm as number) {
    case PublicKeyAlgorithm.rsa:
    case PublicKeyAlgorithm.rsaEncryptOnly: {
      const encrypted = publicEncrypt(
        { key: publicKeyObject(recipient), padding: constants.RSA_PKCS1_PADDING },
        withChecksum(sessionKey, seipd),
      );
      return encodeInteger(encrypted);
    }
    case PublicKeyAlgorithm.ecdh:
      return encryptEcdh(recipient, withChecksum(sessionKey, seipd));
    case PublicKeyAlgorithm.x25519:
      return encryptMontgomery(recipient, 'x25519', sessionKey, seipd);
    case PublicKeyAlgorithm.x448:
      return encryptMontgomery(recipient, 'x448', sessionKey, seipd);
    default:
      throw new OpenPGPError(
        'unsupported',
        `Public-key algorithm ${recipient.algorithm} cannot encrypt session keys here.`,
      );
  }
}

/** Version 3: algorithm, key, checksum; version 6: key, checksum (RFC 9580 §5.1.3). */
function withChecksum({ algorithm, key }: SessionKey, seipd: SeipdVersion): Buffer {
  const sum = Buffer.alloc(2);
  sum.writeUInt16BE(checksum(key));
  return Buffer.concat(seipd === 1 ? [Buffer.of(algorithm), key, sum] : [key, sum]);
}

function checksum(key: Buffer): number {
  let sum = 0;
  for (const octet of key) sum = (sum + octet) & 0xffff;
  return sum;
}

/** Reads what `withChecksum` wrote. */
function fromChecked(bytes: Buffer, cipher: number | undefined): SessionKey {
  const start = cipher === undefined ? 1 : 0;
  const algorithm = cipher ?? bytes[0] ?? 0;
  const key = bytes.subarray(start, -2);
  const wrong =
    bytes.length < start + 2 ||
    bytes.readUInt16BE(bytes.length - 2) !== checksum(key) ||
    findSymmetric(algorithm)?.keySize !== key.length;
  if (wrong) throw new OpenPGPError('session-key', 'A session key has a wrong checksum or length.');
  return { algorithm, key: Buffer.from(key) };
}

// RSA

async function openRsa(
  fields: Buffer,
  key: AnySecretKeyPacket,
  cipher: number | undefined,
  offload: Offload,
  padding: 'lenient' | 'strict',
): Promise<SessionKey> {
  const [encrypted] = readInteger(fields, 0);
  const object = privateKeyObject(key);
  const size = Math.ceil((object.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  if (encrypted.length > size) throw new OpenPGPError('session-key', 'A session key is longer than its RSA key.');
  const ciphertext = Buffer.concat([Buffer.alloc(size - encrypted.length), encrypted]);
  const padded = Buffer.from(await offload.run('rsaDecrypt', { key: object, ciphertext }));
  const sessionKey = unpad(padded, cipher);
  if (padding === 'strict' && !sessionKey.genuine) throw new OpenPGPError('session-key', 'The padding is wrong.');
  return sessionKey;
}

/** Key sizes in octets by algorithm number, zero where there is none. */
const KEY_SIZES = Uint8Array.from({ length: 256 }, (_, id) => findSymmetric(id)?.keySize ?? 0);

/**
 * Removes the padding 00 02 (at least 8 octets, not zero) 00 in constant time: every length that a session key can have is tried
 * with the same steps, and the fitting one is kept, or a random key.
 */
function unpad(padded: Buffer, cipher: number | undefined): SessionKey & { readonly genuine: boolean } {
  let algorithm = cipher ?? 9;
  let genuine = false;
  const sizes = cipher === undefined ? [16, 24, 32] : [findSymmetric(cipher)?.keySize ?? 32];
  let key = randomBytes(cipher === undefined ? 32 : (sizes[0] ?? 32));
  for (const keySize of sizes) {
    const start = padded.length - keySize - 2 - (cipher === undefined ? 1 : 0);
    if (start < 11) continue;
    let wrong = (padded[0] ?? 1) | ((padded[1] ?? 0) ^ 2) | (padded[start - 1] ?? 1);
    for (let i = 2; i < start - 1; i++) wrong |= 1 ^ ((-(padded[i] ?? 0) >>> 31) & 1);
    const keyStart = padded.length - keySize - 2;
    let sum = 0;
    for (let i = keyStart; i < keyStart + keySize; i++) sum += padded[i] ?? 0;
    wrong |= (sum & 0xffff) ^ padded.readUInt16BE(padded.length - 2);
    const named = cipher ?? padded[start] ?? 0;
    wrong |= (KEY_SIZES[named] ?? 0) ^ keySize;
    // All ones where nothing is wrong, else zero.
    const mask = (((wrong | -wrong) >>> 31) & 1) - 1;
    const candidate = Buffer.alloc(keySize);
    for (let i = 0; i < keySize; i++) candidate[i] = (padded[keyStart + i] ?? 0) & mask;
    algorithm = (named & mask) | (algorithm & ~mask);
    key = mask === 0 ? key : candidate;
    genuine ||= mask !== 0;
  }
  padded.fill(0);
  return { algorithm, key, genuine };
}

// ECDH (algorithm 18), RFC 9580 §11.5

function encryptEcdh(recipient: AnyKeyPacket, message: Buffer): Buffer {
  const parameters = ecdhKey(recipient);
  let ephemeral: Buffer;
  let shared: Buffer;
  if (parameters.curve === undefined) {
    const pair = generateMontgomery(X25519);
    ephemeral = Buffer.concat([Buffer.of(0x40), pair.raw]);
    shared = diffieHellman({ privateKey: pair.privateKey, publicKey: publicKeyObject(recipient) });
  } else {
    const ecdh = createECDH(parameters.curve);
    ephemeral = ecdh.generateKeys();
    shared = ecdh.computeSecret(parameters.point);
  }
  const kek = ecdhKeyEncryptionKey(recipient, shared);
  // RFC 9580 §11.5: padded with PKCS#5 to a multiple of eight octets; 40 hides the length of the key.
  const size = Math.max(40, message.length + 8 - (message.length % 8));
  const padded = Buffer.concat([message, Buffer.alloc(size - message.length, size - message.length)]);
  const wrapped = keyWrap(kek, padded);
  return Buffer.concat([encodeInteger(ephemeral), Buffer.of(wrapped.length), wrapped]);
}

function openEcdh(fields: Buffer, key: AnySecretKeyPacket): Buffer {
  const [ephemeral, at] = readInteger(fields, 0);
  const size = fields.readUInt8(at);
  const wrapped = fields.subarray(at + 1, at + 1 + size);
  if (wrapped.length !== size || fields.length !== at + 1 + size) {
    throw new OpenPGPError('session-key', 'A session key packet has a wrong length.');
  }
  const { curve } = ecdhKey(key);
  const shared =
    curve === undefined
      ? diffieHellman({ privateKey: privateKeyObject(key), publicKey: montgomeryPublic(X25519, ephemeral.subarray(1)) })
      : ecdhAgree(key, curve, ephemeral);
  const padded = keyUnwrap(ecdhKeyEncryptionKey(key, shared), wrapped);
  const padding = padded[padded.length - 1] ?? 0;
  const end = padded.length - padding;
  if (padding === 0 || end < 0 || !padded.subarray(end).every((octet) => octet === padding)) {
    throw new OpenPGPError('session-key', 'A session key has a wrong padding.');
  }
  return padded.subarray(0, end);
}

const ANONYMOUS_SENDER = Buffer.from('Anonymous Sender    ');

/** RFC 9580 §11.5: SHA-256, SHA-384, SHA-512. A shorter digest would not fill the key. */
const KDF_HASHES: ReadonlySet<number> = new Set([8, 9, 10]);

function ecdhKeyEncryptionKey(key: AnyKeyPacket, shared: Buffer): Buffer {
  const { oid, kdfHash, kdfCipher } = ecdhKey(key);
  const hash = KDF_HASHES.has(kdfHash) ? findHash(kdfHash) : undefined;
  const cipher = findSymmetric(kdfCipher);
  if (hash === undefined || cipher?.openssl?.startsWith('aes-') !== true) {
    throw new OpenPGPError('unsupported', 'The key derivation parameters of an ECDH key are not supported.');
  }
  return createHash(hash.openssl)
    .update(Buffer.of(0, 0, 0, 1))
    .update(shared)
    .update(Buffer.of(oid.length))
    .update(oid)
    .update(Buffer.of(PublicKeyAlgorithm.ecdh, 3, 1, kdfHash, kdfCipher))
    .update(ANONYMOUS_SENDER)
    .update(Buffer.from(key.getFingerprint(), 'hex'))
    .digest()
    .subarray(0, cipher.keySize);
}

// X25519 and X448 (algorithms 25, 26), RFC 9580 §5.1.6 and §5.1.7

const MONTGOMERY = {
  x25519: { curve: X25519, hash: 'sha256', info: 'OpenPGP X25519', kekSize: 16 },
  x448: { curve: X448, hash: 'sha512', info: 'OpenPGP X448', kekSize: 32 },
} as const;

function encryptMontgomery(
  recipient: AnyKeyPacket,
  name: 'x25519' | 'x448',
  { algorithm, key }: SessionKey,
  seipd: SeipdVersion,
): Buffer {
  const { raw: ephemeral, privateKey } = generateMontgomery(MONTGOMERY[name].curve);
  const publicKey = publicKeyObject(recipient);
  const shared = diffieHellman({ privateKey, publicKey });
  const kek = montgomeryKek(name, ephemeral, Buffer.from((recipient.publicParams as { A: Uint8Array }).A), shared);
  const wrapped = keyWrap(kek, key);
  const named = seipd === 1 ? Buffer.of(wrapped.length + 1, algorithm) : Buffer.of(wrapped.length);
  return Buffer.concat([ephemeral, named, wrapped]);
}

function openMontgomery(packet: EncryptedSessionKey, key: AnySecretKeyPacket, cipher: number | undefined): SessionKey {
  const name = packet.algorithm === (PublicKeyAlgorithm.x25519 as number) ? 'x25519' : 'x448';
  const { curve } = MONTGOMERY[name];
  const { fields } = packet;
  const ephemeral = fields.subarray(0, curve.size);
  const size = fields.readUInt8(curve.size);
  const rest = fields.subarray(curve.size + 1);
  if (rest.length !== size) throw new OpenPGPError('session-key', 'A session key packet has a wrong length.');
  const algorithm = cipher ?? rest.readUInt8(0);
  const wrapped = cipher === undefined ? rest.subarray(1) : rest;
  const shared = diffieHellman({
    privateKey: privateKeyObject(key),
    publicKey: montgomeryPublic(curve, ephemeral),
  });
  const kek = montgomeryKek(name, ephemeral, Buffer.from((key.publicParams as { A: Uint8Array }).A), shared);
  const unwrapped = keyUnwrap(kek, wrapped);
  // RFC 9580 §5.1.6: with version 3 the cipher stands outside of what is wrapped, and may only be AES.
  const named = findSymmetric(algorithm);
  if (named?.openssl?.startsWith('aes-') !== true || named.keySize !== unwrapped.length) {
    throw new OpenPGPError('session-key', 'A session key has a wrong length or cipher.');
  }
  return { algorithm, key: unwrapped };
}

function montgomeryKek(name: 'x25519' | 'x448', ephemeral: Buffer, recipient: Buffer, shared: Buffer): Buffer {
  const { hash, info, kekSize } = MONTGOMERY[name];
  return hkdf(hash, Buffer.concat([ephemeral, recipient, shared]), Buffer.alloc(0), Buffer.from(info), kekSize);
}

// AES key wrap (RFC 3394)

const WRAP_IV = Buffer.alloc(8, 0xa6);

function keyWrap(kek: Buffer, bytes: Buffer): Buffer {
  const cipher = createCipheriv(`id-aes${kek.length * 8}-wrap`, kek, WRAP_IV);
  return Buffer.concat([cipher.update(bytes), cipher.final()]);
}

function keyUnwrap(kek: Buffer, wrapped: Buffer): Buffer {
  const decipher = createDecipheriv(`id-aes${kek.length * 8}-wrap`, kek, WRAP_IV);
  return Buffer.concat([decipher.update(wrapped), decipher.final()]);
}
