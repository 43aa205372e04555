/**
 * A writer of OpenPGP messages for tests: slow, plain, whole in memory, and able to write what no good program would. It shares
 * no code with lib/openpgp, so that the two can be checked against each other.
 */
import {
  type KeyObject,
  type CipherGCMTypes,
  type CipherOCBTypes,
  createCipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  constants,
  diffieHellman,
  hkdfSync,
  publicEncrypt,
} from 'node:crypto';
import { deflateRawSync, deflateSync } from 'node:zlib';
import { seededBytes } from './payload.js';

/** Packet type IDs, RFC 9580 §5. */
export const Tag = {
  pkesk: 1,
  signature: 2,
  onePass: 4,
  compressed: 8,
  sed: 9,
  marker: 10,
  literal: 11,
  userID: 13,
  seipd: 18,
  mdc: 19,
  librePGPAEAD: 20,
  padding: 21,
} as const;

export const Aead = { eax: 1, ocb: 2, gcm: 3 } as const;
export type AeadID = (typeof Aead)[keyof typeof Aead];

export interface TestSessionKey {
  readonly algorithm: number;
  readonly key: Buffer;
}

/** A session key that is the same in every run. */
export function testSessionKey(seed: string, algorithm = 9): TestSessionKey {
  return { algorithm, key: seededBytes(`session key ${seed}`, algorithm === 9 ? 32 : algorithm === 8 ? 24 : 16) };
}

// Packets

/** A packet with a definite length in the shortest form of RFC 9580 §4.2.1. */
export function packet(tag: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0xc0 | tag), newLength(body.length), body]);
}

/** A packet whose header says `length`, whatever the body has. */
export function packetSaying(tag: number, length: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0xc0 | tag), newLength(length), body]);
}

/** A packet in partial body lengths: pieces of 2^exponent octets, the rest with a definite length. */
export function partialPacket(tag: number, body: Buffer, exponents: readonly number[] = [9]): Buffer {
  const parts: Buffer[] = [Buffer.of(0xc0 | tag)];
  let at = 0;
  for (let i = 0; ; i++) {
    const exponent = exponents[Math.min(i, exponents.length - 1)] ?? 9;
    if (body.length - at < 2 ** exponent) break;
    parts.push(Buffer.of(0xe0 | exponent), body.subarray(at, at + 2 ** exponent));
    at += 2 ** exponent;
  }
  parts.push(newLength(body.length - at), body.subarray(at));
  return Buffer.concat(parts);
}

/** A packet in the old format (RFC 9580 §4.2.2). `lengthType` 3 is the indeterminate length. */
export function oldPacket(tag: number, body: Buffer, lengthType: 0 | 1 | 2 | 3): Buffer {
  const length = Buffer.alloc([1, 2, 4, 0][lengthType] ?? 0);
  if (length.length > 0) length.writeUIntBE(body.length, 0, length.length);
  return Buffer.concat([Buffer.of(0x80 | (tag << 2) | lengthType), length, body]);
}

/** Cuts a row of packets of definite length in the current format, headers included. */
export function splitPackets(bytes: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes.readUInt8(at + 1);
    const [head, length] =
      first < 192
        ? [2, first]
        : first < 224
          ? [3, ((first - 192) << 8) + bytes.readUInt8(at + 2) + 192]
          : [6, bytes.readUInt32BE(at + 2)];
    packets.push(bytes.subarray(at, at + head + length));
    at += head + length;
  }
  return packets;
}

function newLength(size: number): Buffer {
  if (size < 192) return Buffer.of(size);
  if (size < 8384) return Buffer.of(192 + ((size - 192) >> 8), (size - 192) & 0xff);
  const length = Buffer.alloc(5, 0xff);
  length.writeUInt32BE(size, 1);
  return length;
}

export function literalBody(payload: Buffer, format = 'b', name = ''): Buffer {
  const fileName = Buffer.from(name, 'latin1');
  return Buffer.concat([Buffer.from(format, 'latin1'), Buffer.of(fileName.length), fileName, Buffer.alloc(4), payload]);
}

export function literal(payload: Buffer): Buffer {
  return packet(Tag.literal, literalBody(payload));
}

/** A Compressed Data packet, ZIP (1) or ZLIB (2), or 0 for none. */
export function compressed(algorithm: 0 | 1 | 2, content: Buffer): Buffer {
  const data = algorithm === 0 ? content : algorithm === 1 ? deflateRawSync(content) : deflateSync(content);
  return packet(Tag.compressed, Buffer.concat([Buffer.of(algorithm), data]));
}

// SEIPD version 1

const AES = new Map([
  [7, { name: 'aes-128', keySize: 16 }],
  [8, { name: 'aes-192', keySize: 24 }],
  [9, { name: 'aes-256', keySize: 32 }],
]);

function aes(sessionKey: TestSessionKey): { readonly name: string; readonly keySize: number } {
  const cipher = AES.get(sessionKey.algorithm);
  if (cipher === undefined) throw new Error(`The test writer has no cipher ${sessionKey.algorithm}.`);
  return cipher;
}

/** CFB over the random prefix with its two repeated octets, and the plaintext (RFC 9580 §5.13.1). */
export function cfb(sessionKey: TestSessionKey, plaintext: Buffer): Buffer {
  const cipher = createCipheriv(`${aes(sessionKey).name}-cfb`, sessionKey.key, Buffer.alloc(16));
  return cipher.update(Buffer.concat([PREFIX, plaintext]));
}

const PREFIX = Buffer.concat([seededBytes('prefix', 16), seededBytes('prefix', 16).subarray(14)]);

/** The Modification Detection Code packet that ends `plaintext`. */
export function mdc(plaintext: Buffer): Buffer {
  const hash = createHash('sha1').update(PREFIX).update(plaintext).update(Buffer.of(0xd3, 0x14)).digest();
  return Buffer.concat([Buffer.of(0xd3, 0x14), hash]);
}

/** The body of a SEIPDv1 packet. `end` takes the place of the right MDC packet. */
export function seipd1Body(sessionKey: TestSessionKey, plaintext: Buffer, end = mdc(plaintext)): Buffer {
  return Buffer.concat([Buffer.of(1), cfb(sessionKey, Buffer.concat([plaintext, end]))]);
}

// SEIPD version 2

export interface Seipd2Parts {
  /** Version, cipher, AEAD mode, chunk size octet, salt. */
  readonly header: Buffer;
  /** Each with its tag. */
  readonly chunks: readonly Buffer[];
  readonly finalTag: Buffer;
}

/** The parts of a SEIPDv2 packet (RFC 9580 §5.13.2), to be put together as they should be or not. */
export function seipd2Parts(
  sessionKey: TestSessionKey,
  plaintext: Buffer,
  aead: AeadID,
  chunkSizeOctet: number,
): Seipd2Parts {
  const salt = seededBytes('salt', 32);
  const info = Buffer.of(0xd2, 2, sessionKey.algorithm, aead, chunkSizeOctet);
  const { name, keySize } = aes(sessionKey);
  const ivSize = { 1: 8, 2: 7, 3: 4 }[aead];
  const derived = Buffer.from(hkdfSync('sha256', sessionKey.key, salt, info, keySize + ivSize));
  const key = derived.subarray(0, keySize);
  const nonce = (index: number): Buffer => {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(index));
    return Buffer.concat([derived.subarray(keySize), counter]);
  };
  const chunkSize = 2 ** (chunkSizeOctet + 6);
  const chunks: Buffer[] = [];
  for (let at = 0; at < plaintext.length; at += chunkSize) {
    chunks.push(aeadEncrypt(aead, name, key, nonce(chunks.length), info, plaintext.subarray(at, at + chunkSize)));
  }
  const total = Buffer.alloc(8);
  total.writeBigUInt64BE(BigInt(plaintext.length));
  const finalTag = aeadEncrypt(aead, name, key, nonce(chunks.length), Buffer.concat([info, total]), Buffer.alloc(0));
  return { header: Buffer.concat([info.subarray(1), salt]), chunks, finalTag };
}

export function seipd2Body({ header, chunks, finalTag }: Seipd2Parts): Buffer {
  return Buffer.concat([header, ...chunks, finalTag]);
}

function aeadEncrypt(aead: AeadID, cipher: string, key: Buffer, nonce: Buffer, aad: Buffer, text: Buffer): Buffer {
  if (aead === Aead.eax) return eaxEncrypt(cipher, key, nonce, aad, text);
  const run =
    aead === Aead.ocb
      ? createCipheriv(`${cipher}-ocb` as CipherOCBTypes, key, nonce, { authTagLength: 16 })
      : createCipheriv(`${cipher}-gcm` as CipherGCMTypes, key, nonce, { authTagLength: 16 });
  run.setAAD(aad, { plaintextLength: text.length });
  return Buffer.concat([run.update(text), run.final(), run.getAuthTag()]);
}

/** EAX as its authors wrote it down (Bellare, Rogaway, Wagner): CTR with three OMACs. */
function eaxEncrypt(cipher: string, key: Buffer, nonce: Buffer, aad: Buffer, text: Buffer): Buffer {
  const start = omac(cipher, key, 0, nonce);
  const body = createCipheriv(`${cipher}-ctr`, key, start).update(text);
  const tag = xor(xor(start, omac(cipher, key, 1, aad)), omac(cipher, key, 2, body));
  return Buffer.concat([body, tag]);
}

function omac(cipher: string, key: Buffer, domain: number, message: Buffer): Buffer {
  const ecb = (block: Buffer): Buffer => {
    const run = createCipheriv(`${cipher}-ecb`, key, null);
    run.setAutoPadding(false);
    return run.update(block);
  };
  const double = (block: Buffer): Buffer => {
    const doubled = BigInt.asUintN(128, BigInt(`0x${block.toString('hex')}`) << 1n);
    const value = (block[0] ?? 0) & 0x80 ? doubled ^ 0x87n : doubled;
    return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
  };
  const single = double(ecb(Buffer.alloc(16)));
  const text = Buffer.concat([Buffer.alloc(15), Buffer.of(domain), message]);
  const whole = text.length % 16 === 0;
  const padded = whole ? text : Buffer.concat([text, Buffer.of(0x80), Buffer.alloc(15 - (text.length % 16))]);
  let state: Buffer = Buffer.alloc(16);
  for (let at = 0; at < padded.length; at += 16) {
    let block: Buffer = padded.subarray(at, at + 16);
    if (at + 16 === padded.length) block = xor(block, whole ? single : double(single));
    state = ecb(xor(state, block));
  }
  return state;
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((octet, i) => octet ^ (b[i] ?? 0)));
}

// Session keys for recipients

/** What a PKESK packet needs to know of a subkey. Fingerprint in hex. */
export interface TestSubkey {
  readonly version: 4 | 6;
  readonly fingerprint: string;
  /** Raw X25519 public key, or the modulus and exponent. */
  readonly x25519?: Buffer;
  readonly rsa?: { readonly n: Buffer; readonly e: Buffer };
}

/** The head of a PKESK packet of version 3 (a key ID) or 6 (a fingerprint, empty for a hidden recipient). */
export function pkeskHead(version: 3 | 6, subkey: TestSubkey, hidden = false): Buffer {
  const fingerprint = Buffer.from(subkey.fingerprint, 'hex');
  if (version === 3) {
    const keyID = subkey.version === 6 ? fingerprint.subarray(0, 8) : fingerprint.subarray(12);
    return Buffer.concat([Buffer.of(3), hidden ? Buffer.alloc(8) : keyID]);
  }
  if (hidden) return Buffer.of(6, 0);
  return Buffer.concat([Buffer.of(6, fingerprint.length + 1, subkey.version), fingerprint]);
}

/** A PKESK packet for an X25519 subkey (RFC 9580 §5.1.6). */
export function pkeskX25519(version: 3 | 6, subkey: TestSubkey, sessionKey: TestSessionKey, hidden = false): Buffer {
  if (subkey.x25519 === undefined) throw new Error('Not an X25519 subkey.');
  const secret = x25519PrivateKey(seededBytes(`ephemeral ${subkey.fingerprint}`, 32));
  const ephemeral = rawPublicKey(secret);
  const shared = diffieHellman({ privateKey: secret, publicKey: x25519PublicKey(subkey.x25519) });
  const input = Buffer.concat([ephemeral, subkey.x25519, shared]);
  const wrapKey = Buffer.from(hkdfSync('sha256', input, Buffer.alloc(0), 'OpenPGP X25519', 16));
  const wrap = createCipheriv('id-aes128-wrap', wrapKey, Buffer.alloc(8, 0xa6));
  const wrapped = Buffer.concat([wrap.update(sessionKey.key), wrap.final()]);
  const fields = version === 3 ? Buffer.concat([Buffer.of(sessionKey.algorithm), wrapped]) : wrapped;
  const body = [pkeskHead(version, subkey, hidden), Buffer.of(25), ephemeral, Buffer.of(fields.length), fields];
  return packet(Tag.pkesk, Buffer.concat(body));
}

/** What a PKESK of version 3 encrypts for RSA: algorithm, key, checksum (RFC 9580 §5.1.3). */
export function checkedSessionKey({ algorithm, key }: TestSessionKey): Buffer {
  const sum = key.reduce((total, octet) => (total + octet) & 0xffff, 0);
  return Buffer.concat([Buffer.of(algorithm), key, Buffer.of(sum >> 8, sum & 0xff)]);
}

/** A PKESK packet of version 3 for an RSA subkey. `block` is the whole padded block; the default is right PKCS#1 padding. */
export function pkeskRSA(subkey: TestSubkey, sessionKey: TestSessionKey, block?: (size: number) => Buffer): Buffer {
  if (subkey.rsa === undefined) throw new Error('Not an RSA subkey.');
  const { n, e } = subkey.rsa;
  const key = createPublicKey({
    format: 'jwk',
    key: { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') },
  });
  const padded = block?.(n.length) ?? pkcs1(checkedSessionKey(sessionKey), n.length);
  const value = publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, padded);
  return packet(Tag.pkesk, Buffer.concat([pkeskHead(3, subkey), Buffer.of(1), mpi(value)]));
}

/** 00 02, non-zero octets, 00, the message. */
export function pkcs1(message: Buffer, size: number): Buffer {
  const filler = seededBytes('pkcs1', size - 3 - message.length).map((octet) => octet || 1);
  return Buffer.concat([Buffer.of(0, 2), filler, Buffer.of(0), message]);
}

export function mpi(value: Buffer): Buffer {
  let start = 0;
  while (start < value.length && value[start] === 0) start++;
  const number = value.subarray(start);
  const bits = number.length === 0 ? 0 : number.length * 8 - Math.clz32(number[0] ?? 0) + 24;
  return Buffer.concat([Buffer.of(bits >> 8, bits & 0xff), number]);
}

function x25519PrivateKey(seed: Buffer): KeyObject {
  const head = Buffer.from('302e020100300506032b656e04220420', 'hex');
  return createPrivateKey({ key: Buffer.concat([head, seed]), format: 'der', type: 'pkcs8' });
}

function x25519PublicKey(raw: Buffer): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'X25519', x: raw.toString('base64url') } });
}

function rawPublicKey(secret: KeyObject): Buffer {
  return Buffer.from(createPublicKey(secret).export({ format: 'jwk' }).x ?? '', 'base64url');
}

// Armor

export interface ArmorOptions {
  readonly eol?: string;
  /** `right` by default. */
  readonly checksum?: 'right' | 'wrong' | 'none';
  readonly headers?: readonly string[];
}

export function armored(data: Buffer, { eol = '\n', checksum = 'right', headers = [] }: ArmorOptions = {}): Buffer {
  const base64 = data.toString('base64');
  const lines = ['-----BEGIN PGP MESSAGE-----', ...headers, ''];
  for (let at = 0; at < base64.length; at += 64) lines.push(base64.slice(at, at + 64));
  if (checksum !== 'none') {
    const sum = crc24(data) ^ (checksum === 'wrong' ? 1 : 0);
    lines.push(`=${Buffer.of(sum >> 16, (sum >> 8) & 0xff, sum & 0xff).toString('base64')}`);
  }
  lines.push('-----END PGP MESSAGE-----', '');
  return Buffer.from(lines.join(eol), 'latin1');
}

/** RFC 9580 §6.1.1, bit by bit. */
export function crc24(data: Buffer): number {
  let crc = 0xb704ce;
  for (const octet of data) {
    crc ^= octet << 16;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x800000 ? (crc << 1) ^ 0x1864cfb : crc << 1;
  }
  return crc & 0xffffff;
}
