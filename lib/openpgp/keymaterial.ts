/** The key material of openpgp's parsed keys as node:crypto's objects, made once for each key. */
import { type KeyObject, createECDH, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { PublicKeyAlgorithm } from './algorithm.js';
import { OpenPGPError } from './error.js';
import type { AnyKeyPacket, AnySecretKeyPacket } from './library.js';

/** What openpgp keeps in `publicParams` and `privateParams`, by algorithm. */
interface RsaPublic {
  readonly n: Uint8Array;
  readonly e: Uint8Array;
}
interface RsaPrivate {
  readonly d: Uint8Array;
  readonly p: Uint8Array;
  readonly q: Uint8Array;
}
interface EcdhPublic {
  readonly oid: { readonly oid: Uint8Array };
  readonly Q: Uint8Array;
  readonly kdfParams: { readonly hash: number; readonly cipher: number };
}

/** A Montgomery curve by node's name, and the octets of its keys. Keys go as JWK (RFC 8037): OpenSSL reads DER far more slowly. */
interface Montgomery {
  readonly crv: 'X25519' | 'X448';
  readonly size: number;
}
export const X25519: Montgomery = { crv: 'X25519', size: 32 };
export const X448: Montgomery = { crv: 'X448', size: 56 };

/** A raw public key of a Montgomery curve. Throws OpenPGPError `malformed` for a wrong length. */
export function montgomeryPublic({ crv, size }: Montgomery, raw: Uint8Array): KeyObject {
  if (raw.length !== size) throw new OpenPGPError('malformed', 'A public key has the wrong length.');
  return createPublicKey({ key: { kty: 'OKP', crv, x: base64url(raw) }, format: 'jwk' });
}

/** A new key pair, the public key raw. Encoded while it is made: exporting it later costs more than making it. */
export function generateMontgomery({ crv }: Montgomery): { readonly raw: Buffer; readonly privateKey: KeyObject } {
  // The types of node know only PEM and DER here.
  const generate = generateKeyPairSync as unknown as (
    type: string,
    options: { publicKeyEncoding: { format: 'jwk' } },
  ) => { publicKey: { x: string }; privateKey: KeyObject };
  const { publicKey, privateKey } = generate(crv.toLowerCase(), { publicKeyEncoding: { format: 'jwk' } });
  return { raw: Buffer.from(publicKey.x, 'base64url'), privateKey };
}

function montgomeryPrivate({ crv }: Montgomery, publicRaw: Uint8Array, raw: Uint8Array): KeyObject {
  return createPrivateKey({ key: { kty: 'OKP', crv, x: base64url(publicRaw), d: base64url(raw) }, format: 'jwk' });
}

/** The OIDs of RFC 9580 §9.2, without tag and length, and OpenSSL's names of the curves. */
const CURVES: ReadonlyMap<string, string> = new Map([
  ['2a8648ce3d030107', 'prime256v1'],
  ['2b81040022', 'secp384r1'],
  ['2b81040023', 'secp521r1'],
  ['2b2403030208010107', 'brainpoolP256r1'],
  ['2b240303020801010b', 'brainpoolP384r1'],
  ['2b240303020801010d', 'brainpoolP512r1'],
]);
const CURVE25519_LEGACY_OID = '2b060104019755010501';

/** What ECDH (algorithm 18) needs to know of a key. */
export interface EcdhKey {
  /** The OID without tag and length. */
  readonly oid: Buffer;
  /** OpenSSL's name, or undefined for Curve25519Legacy. */
  readonly curve: string | undefined;
  /** The public point as it is in the key packet. */
  readonly point: Buffer;
  readonly kdfHash: number;
  readonly kdfCipher: number;
}

/** Reads the parameters of an ECDH key. Throws OpenPGPError `unsupported` for an unknown curve. */
export function ecdhKey(packet: AnyKeyPacket): EcdhKey {
  const { oid, Q, kdfParams } = packet.publicParams as EcdhPublic;
  const hex = Buffer.from(oid.oid).toString('hex');
  const curve = CURVES.get(hex);
  if (curve === undefined && hex !== CURVE25519_LEGACY_OID) {
    throw new OpenPGPError('unsupported', `The elliptic curve with the OID ${hex} is not supported.`);
  }
  return {
    oid: Buffer.from(oid.oid),
    curve,
    point: Buffer.from(Q),
    kdfHash: kdfParams.hash,
    kdfCipher: kdfParams.cipher,
  };
}

const publicKeys = new WeakMap<AnyKeyPacket, KeyObject>();
const privateKeys = new WeakMap<AnyKeyPacket, KeyObject>();

function cached(cache: WeakMap<AnyKeyPacket, KeyObject>, packet: AnyKeyPacket, make: () => KeyObject): KeyObject {
  let key = cache.get(packet);
  if (key === undefined) {
    key = make();
    cache.set(packet, key);
  }
  return key;
}

/** The public key of an RSA, X25519, X448 or Curve25519Legacy packet. */
export function publicKeyObject(packet: AnyKeyPacket): KeyObject {
  return cached(publicKeys, packet, () => {
    switch (packet.algorithm as number) {
      case PublicKeyAlgorithm.rsa:
      case PublicKeyAlgorithm.rsaEncryptOnly: {
        const { n, e } = packet.publicParams as RsaPublic;
        return createPublicKey({ key: { kty: 'RSA', n: base64url(n), e: base64url(e) }, format: 'jwk' });
      }
      case PublicKeyAlgorithm.x25519:
        return montgomeryPublic(X25519, (packet.publicParams as { A: Uint8Array }).A);
      case PublicKeyAlgorithm.x448:
        return montgomeryPublic(X448, (packet.publicParams as { A: Uint8Array }).A);
      default:
        // Curve25519Legacy: the point has the prefix 0x40 (RFC 9580 §9.2.1).
        return montgomeryPublic(X25519, ecdhKey(packet).point.subarray(1));
    }
  });
}

/** The private key of an unlocked RSA, X25519, X448 or Curve25519Legacy packet. Throws OpenPGPError `unusable-key` when locked. */
export function privateKeyObject(packet: AnySecretKeyPacket): KeyObject {
  return cached(privateKeys, packet, () => {
    const params = privateParams(packet);
    switch (packet.algorithm as number) {
      case PublicKeyAlgorithm.rsa:
      case PublicKeyAlgorithm.rsaEncryptOnly:
      case 3:
        return rsaPrivate(packet.publicParams as RsaPublic, params as unknown as RsaPrivate);
      case PublicKeyAlgorithm.x25519:
        return montgomeryPrivate(X25519, (packet.publicParams as { A: Uint8Array }).A, params['k'] ?? NONE);
      case PublicKeyAlgorithm.x448:
        return montgomeryPrivate(X448, (packet.publicParams as { A: Uint8Array }).A, params['k'] ?? NONE);
      default:
        // Curve25519Legacy keeps the scalar as a big-endian number (RFC 9580 §11.2).
        return montgomeryPrivate(X25519, ecdhKey(packet).point.subarray(1), Buffer.from(params['d'] ?? NONE).reverse());
    }
  });
}

const NONE = new Uint8Array();

function privateParams(packet: AnySecretKeyPacket): Readonly<Record<string, Uint8Array | undefined>> {
  if (packet.privateParams === null || !packet.isDecrypted()) {
    throw new OpenPGPError('unusable-key', `The private key ${packet.getFingerprint().toUpperCase()} is locked.`);
  }
  return packet.privateParams as Readonly<Record<string, Uint8Array>>;
}

/** The private key of an unlocked Ed25519 or EdDSALegacy packet. */
export function ed25519PrivateKey(packet: AnySecretKeyPacket): KeyObject {
  return cached(privateKeys, packet, () => {
    const der = Buffer.concat([ED25519_DER, privateParams(packet)['seed'] ?? NONE]);
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  });
}
const ED25519_DER = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Octets of an RSA key's modulus. */
export function rsaModulusSize(packet: AnyKeyPacket): number {
  return (packet.publicParams as RsaPublic).n.length;
}

/** The shared point of an ECDH agreement on a NIST or Brainpool curve: its x coordinate. */
export function ecdhAgree(packet: AnySecretKeyPacket, curve: string, peer: Buffer): Buffer {
  const ecdh = createECDH(curve);
  ecdh.setPrivateKey(Buffer.from(privateParams(packet)['d'] ?? NONE));
  return ecdh.computeSecret(peer);
}

function rsaPrivate({ n, e }: RsaPublic, { d, p, q }: RsaPrivate): KeyObject {
  const [D, P, Q] = [d, p, q].map(toBigInt) as [bigint, bigint, bigint];
  return createPrivateKey({
    key: {
      kty: 'RSA',
      n: base64url(n),
      e: base64url(e),
      d: base64url(d),
      p: base64url(p),
      q: base64url(q),
      dp: base64url(fromBigInt(D % (P - 1n))),
      dq: base64url(fromBigInt(D % (Q - 1n))),
      qi: base64url(fromBigInt(inverse(Q, P))),
    },
    format: 'jwk',
  });
}

/** a^-1 modulo a prime, by the extended Euclidean algorithm. */
function inverse(a: bigint, modulus: bigint): bigint {
  let [r, newR] = [modulus, a % modulus];
  let [t, newT] = [0n, 1n];
  while (newR !== 0n) {
    const quotient = r / newR;
    [r, newR] = [newR, r - quotient * newR];
    [t, newT] = [newT, t - quotient * newT];
  }
  return t < 0n ? t + modulus : t;
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
}

function fromBigInt(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
