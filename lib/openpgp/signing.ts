/**
 * The signature that we put inside a message: over a stream, in a packet whose size is known before the first octet
 * (RFC 9580 §5.2.3, §5.4).
 */
import { type Hash, createHash, randomBytes, sign as cryptoSign } from 'node:crypto';
import { Tag, findHash } from './algorithm.js';
import { OpenPGPError } from './error.js';
import { ed25519PrivateKey, privateKeyObject, rsaModulusSize } from './keymaterial.js';
import {
  type AnySecretKeyPacket,
  type HashAlgorithm,
  type PrivateKey,
  SignaturePacket,
  config,
  enums,
} from './library.js';
import type { Offload } from './offload.js';
import { encodeInteger, packetHeader, packetHeaderSize } from './packet.js';

/** What a signer writes: the packet before the literal data, and the one after it. */
export interface MessageSigner {
  /** The one-pass signature packet. `last` where no further signer follows before the literal data. */
  onePass(last: boolean): Buffer;
  /** Octets of the signature packet. */
  readonly signatureSize: number;
  /** Takes the next octets of the payload. */
  update(chunk: Buffer): void;
  /** The signature packet over what was taken. */
  finish(): Promise<Buffer>;
}

/** Signature type "binary document" (RFC 9580 §5.2.1.1). */
const BINARY = 0x00;
const SUBPACKET_CREATED = 2;
const SUBPACKET_ISSUER = 16;
const SUBPACKET_ISSUER_FINGERPRINT = 33;
/** Private use (RFC 9580 §5.2.3.7), unhashed, not critical: everybody passes over it. */
const SUBPACKET_PADDING = 101;

/**
 * Chooses the signing subkey of an unlocked private key and starts a signature. Throws OpenPGPError `unusable-key` where there is
 * none that is valid and unlocked.
 */
export async function startSignature(
  privateKey: PrivateKey,
  offload: Offload,
  date = new Date(),
): Promise<MessageSigner> {
  const key = await signingKey(privateKey, date);
  const hashID = hashFor(key);
  const hash = findHash(hashID);
  if (hash === undefined) throw new OpenPGPError('unsupported', `Hash algorithm ${hashID} is not known.`);
  const v6 = key.version === 6;
  const fingerprint = Buffer.from(key.getFingerprint(), 'hex');
  const keyID = Buffer.from(key.getKeyID().toHex(), 'hex');
  const salt = v6 ? randomBytes(hash.saltSize) : Buffer.alloc(0);

  const created = Buffer.alloc(4);
  created.writeUInt32BE(Math.floor(date.getTime() / 1000));
  const hashed = Buffer.concat([
    subpacket(0x80 | SUBPACKET_CREATED, created),
    subpacket(SUBPACKET_ISSUER_FINGERPRINT, Buffer.concat([Buffer.of(key.version), fingerprint])),
  ]);
  const head = Buffer.concat([
    Buffer.of(key.version, BINARY, key.algorithm, hashID),
    count(hashed.length, v6 ? 4 : 2),
    hashed,
  ]);
  const issuer = v6 ? Buffer.alloc(0) : subpacket(SUBPACKET_ISSUER, keyID);
  const { largest, padded } = parameterSize(key);
  const unhashedSize = issuer.length + (padded ? 2 : 0);
  const saltField = v6 ? Buffer.concat([Buffer.of(salt.length), salt]) : salt;
  const bodySize = head.length + (v6 ? 4 : 2) + unhashedSize + 2 + saltField.length + largest;

  const digest: Hash = createHash(hash.openssl).update(salt);
  return {
    onePass(last) {
      const who = v6 ? Buffer.concat([saltField, fingerprint]) : keyID;
      const body = Buffer.concat([Buffer.of(v6 ? 6 : 3, BINARY, hashID, key.algorithm), who, Buffer.of(last ? 1 : 0)]);
      return Buffer.concat([packetHeader(Tag.onePassSignature, body.length), body]);
    },
    signatureSize: packetHeaderSize(bodySize) + bodySize,
    update(chunk) {
      digest.update(chunk);
    },
    async finish() {
      const value = digest.update(head).update(trailer(key.version, head.length)).digest();
      const parameters = await signDigest(key, hashID, value, offload);
      // What the integers lack in leading zeros is made up here, so that the packet is as long as was announced.
      const padding = padded
        ? subpacket(SUBPACKET_PADDING, Buffer.alloc(largest - parameters.length))
        : Buffer.alloc(0);
      const unhashed = Buffer.concat([issuer, padding]);
      return Buffer.concat([
        packetHeader(Tag.signature, bodySize),
        head,
        count(unhashed.length, v6 ? 4 : 2),
        unhashed,
        value.subarray(0, 2),
        saltField,
        parameters,
      ]);
    },
  };
}

/** What is hashed after the signed data and the signature's own hashed part (RFC 9580 §5.2.4). */
export function trailer(version: number, hashedSize: number): Buffer {
  return Buffer.concat([Buffer.of(version, 0xff), count(hashedSize, 4)]);
}

async function signingKey(privateKey: PrivateKey, date: Date): Promise<AnySecretKeyPacket> {
  const whose = `The key ${privateKey.getFingerprint().toUpperCase()}`;
  let key: AnySecretKeyPacket;
  try {
    key = (await privateKey.getSigningKey(undefined, date)).keyPacket as AnySecretKeyPacket;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OpenPGPError('unusable-key', `${whose} cannot sign: ${reason}.`, { cause: error });
  }
  if (key.isDummy()) throw new OpenPGPError('unusable-key', `${whose} cannot sign: its signing key is kept elsewhere.`);
  if (!key.isDecrypted()) throw new OpenPGPError('unusable-key', `${whose} cannot sign: it is locked.`);
  return key;
}

/** SHA-256, or the hash that is as long as the key's curve demands (RFC 9580 §5.2.3.1, §9.2). */
function hashFor(key: AnySecretKeyPacket): HashAlgorithm {
  const { algorithm } = key;
  if (algorithm === enums.publicKey.ed448) return enums.hash.sha512;
  if (algorithm === enums.publicKey.ecdsa) {
    const size = curveSize(key);
    return size <= 32 ? enums.hash.sha256 : size <= 48 ? enums.hash.sha384 : enums.hash.sha512;
  }
  return enums.hash.sha256;
}

/** Octets of a coordinate, from an uncompressed point: 04, x, y. */
function curveSize(key: AnySecretKeyPacket): number {
  return ((key.publicParams as { Q: Uint8Array }).Q.length - 1) / 2;
}

/** Octets of the signature's parameters at most, and whether they are integers, which may come out shorter. */
function parameterSize(key: AnySecretKeyPacket): { readonly largest: number; readonly padded: boolean } {
  switch (key.algorithm) {
    case enums.publicKey.rsaEncryptSign:
    case enums.publicKey.rsaSign:
      return { largest: 2 + rsaModulusSize(key), padded: true };
    case enums.publicKey.ecdsa:
      return { largest: 2 * (2 + curveSize(key)), padded: true };
    case enums.publicKey.eddsaLegacy:
      return { largest: 2 * (2 + 32), padded: true };
    case enums.publicKey.ed25519:
      return { largest: 64, padded: false };
    case enums.publicKey.ed448:
      return { largest: 114, padded: false };
    default:
      throw new OpenPGPError('unsupported', `Signing with ${key.getAlgorithmInfo().algorithm} is not supported.`);
  }
}

async function signDigest(
  key: AnySecretKeyPacket,
  hashID: HashAlgorithm,
  digest: Buffer,
  offload: Offload,
): Promise<Buffer> {
  switch (key.algorithm) {
    case enums.publicKey.rsaEncryptSign:
    case enums.publicKey.rsaSign: {
      const digestInfo = Buffer.concat([SHA256_INFO, digest]);
      return encodeInteger(Buffer.from(await offload.run('rsaSign', { key: privateKeyObject(key), digestInfo })));
    }
    case enums.publicKey.ed25519:
      return cryptoSign(null, digest, ed25519PrivateKey(key));
    case enums.publicKey.eddsaLegacy: {
      const signature = cryptoSign(null, digest, ed25519PrivateKey(key));
      return Buffer.concat([encodeInteger(signature.subarray(0, 32)), encodeInteger(signature.subarray(32))]);
    }
    default:
      return signWithLibrary(key, hashID, digest);
  }
}

/** RFC 8017 §9.2, note 1. */
const SHA256_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** The algorithms for which node:crypto takes no digest: openpgp signs, given the digest in place of the data. */
async function signWithLibrary(key: AnySecretKeyPacket, hashID: HashAlgorithm, digest: Buffer): Promise<Buffer> {
  interface Internals {
    toHash: () => undefined;
    hash: () => Promise<Uint8Array>;
    writeParams: () => Uint8Array;
    sign(key: AnySecretKeyPacket, data: object, date: Date, detached: boolean, config: object): Promise<void>;
  }
  const packet = new SignaturePacket();
  packet.signatureType = enums.signature.binary;
  packet.publicKeyAlgorithm = key.algorithm;
  packet.hashAlgorithm = hashID;
  const internals = packet as unknown as Internals;
  internals.toHash = () => undefined;
  internals.hash = () => Promise.resolve(digest);
  await internals.sign(key, {}, new Date(), false, config);
  return Buffer.from(internals.writeParams());
}

function subpacket(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(body.length + 1, type), body]);
}

function count(value: number, octets: 2 | 4): Buffer {
  const out = Buffer.alloc(octets);
  out.writeUIntBE(value, 0, octets);
  return out;
}
