/** AES in EAX mode (RFC 9580 §5.13.3; Bellare, Rogaway, Wagner: "The EAX Mode of Operation"), which OpenSSL does not have. */
import { createCipheriv, timingSafeEqual } from 'node:crypto';
import { type SymmetricAlgorithm, TAG_SIZE } from './algorithm.js';
import { OpenPGPError } from './error.js';

const BLOCK = 16;
const ZERO = Buffer.alloc(BLOCK);

/** Ciphertext followed by its tag. */
export function sealEax(
  cipher: SymmetricAlgorithm,
  key: Buffer,
  nonce: Buffer,
  data: Buffer,
  plaintext: Buffer,
): Buffer {
  const counter = omac(cipher, key, 0, nonce);
  const ciphertext = ctr(cipher, key, counter, plaintext);
  return Buffer.concat([ciphertext, tag(cipher, key, counter, data, ciphertext)]);
}

/** The plaintext. Throws OpenPGPError `tag-mismatch` before any of it exists. */
export function openEax(cipher: SymmetricAlgorithm, key: Buffer, nonce: Buffer, data: Buffer, sealed: Buffer): Buffer {
  const counter = omac(cipher, key, 0, nonce);
  const ciphertext = sealed.subarray(0, sealed.length - TAG_SIZE);
  if (!timingSafeEqual(tag(cipher, key, counter, data, ciphertext), sealed.subarray(ciphertext.length))) {
    throw new OpenPGPError('tag-mismatch', 'An authentication tag does not match.');
  }
  return ctr(cipher, key, counter, ciphertext);
}

function tag(cipher: SymmetricAlgorithm, key: Buffer, counter: Buffer, data: Buffer, ciphertext: Buffer): Buffer {
  return xor(xor(counter, omac(cipher, key, 1, data)), omac(cipher, key, 2, ciphertext));
}

function ctr(cipher: SymmetricAlgorithm, key: Buffer, counter: Buffer, bytes: Buffer): Buffer {
  return createCipheriv(`${cipher.openssl ?? ''}-ctr`, key, counter).update(bytes);
}

/** OMAC1 (CMAC, RFC 4493) of a block that holds `tweak`, followed by the bytes. */
function omac(cipher: SymmetricAlgorithm, key: Buffer, tweak: number, bytes: Buffer): Buffer {
  const name = cipher.openssl ?? '';
  const ecb = createCipheriv(`${name}-ecb`, key, null).setAutoPadding(false);
  const double1 = double(ecb.update(ZERO));
  const first = Buffer.alloc(BLOCK);
  first[BLOCK - 1] = tweak;
  const message = Buffer.concat([first, bytes]);
  const size = Math.floor((message.length - 1) / BLOCK) * BLOCK;
  const last = message.subarray(size);
  const padded = Buffer.alloc(BLOCK);
  last.copy(padded);
  if (last.length < BLOCK) padded[last.length] = 0x80;
  const mask = last.length === BLOCK ? double1 : double(double1);
  const cbc = createCipheriv(`${name}-cbc`, key, ZERO).setAutoPadding(false);
  cbc.update(message.subarray(0, size));
  return cbc.update(xor(padded, mask));
}

/** Doubling in GF(2^128). */
function double(block: Buffer): Buffer {
  const out = Buffer.alloc(BLOCK);
  let carry = 0;
  for (let i = BLOCK - 1; i >= 0; i--) {
    const byte = block[i] ?? 0;
    out[i] = ((byte << 1) & 0xff) | carry;
    carry = byte >> 7;
  }
  if (carry === 1) out[BLOCK - 1] = (out[BLOCK - 1] ?? 0) ^ 0x87;
  return out;
}

function xor(a: Buffer, b: Buffer): Buffer {
  const out = Buffer.from(a);
  for (const [i, byte] of b.entries()) out[i] = (out[i] ?? 0) ^ byte;
  return out;
}
