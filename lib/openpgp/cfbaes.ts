/**
 * CFB with AES by way of other modes. OpenSSL has CFB as a loop over single blocks, and ECB decryption many blocks at a time, CBC
 * encryption in one piece of assembly. Both do the same work as CFB but for an exclusive or, which is done here.
 */
import { createCipheriv } from 'node:crypto';

const BLOCK = 16;
const EMPTY = Buffer.alloc(0);

/** Gives as many whole blocks as there are; `final` gives the rest. */
export interface CfbEncryption {
  update(chunk: Buffer): Buffer;
  final(): Buffer;
}

/**
 * Encryption under an initial vector of zeros; `cipher` as OpenSSL calls it, without the mode. With Y(0) = E(0), CBC makes
 * Y(i) = E(P(i) ^ Y(i-1)) of the plaintext P, and these are the blocks that CFB encrypts with: C(i) = P(i) ^ Y(i-1).
 */
export function cfbByCbc(cipher: string, key: Buffer): CfbEncryption {
  const cbc = createCipheriv(`${cipher}-cbc`, key, Buffer.alloc(BLOCK)).setAutoPadding(false);
  // The first block of zeros meets an initial vector of zeros: this gives Y(0).
  const mask = cbc.update(Buffer.alloc(BLOCK));
  /** [`carried` octets of a block][the chunk]. */
  let work = Buffer.alloc(BLOCK);
  let carried = 0;
  return {
    update(chunk) {
      const size = carried + chunk.length;
      if (work.length < size) work = grown(work, carried, size);
      chunk.copy(work, carried);
      carried = size % BLOCK;
      const whole = size - carried;
      if (whole === 0) return EMPTY;
      const plaintext = work.subarray(0, whole);
      const out = cbc.update(plaintext);
      const last = Buffer.from(out.subarray(whole - BLOCK));
      exclusiveOrWithBlockBefore(out, plaintext);
      for (let i = 0; i < BLOCK; i++) out[i] = (mask[i] ?? 0) ^ (plaintext[i] ?? 0);
      last.copy(mask);
      work.copyWithin(0, whole, size);
      return out;
    },
    final: () => Buffer.from(work.subarray(0, carried).map((octet, i) => octet ^ (mask[i] ?? 0))),
  };
}

/** Decryption under an initial vector of zeros: each block depends on ciphertext only, P(i) = C(i) ^ E(C(i-1)). */
export function cfbByEcb(cipher: string, key: Buffer): (chunk: Buffer) => Buffer {
  const ecb = createCipheriv(`${cipher}-ecb`, key, null).setAutoPadding(false);
  /** [the last whole ciphertext block (first the initial vector, zero)][`carried` octets of the block after it][the chunk]. */
  let work = Buffer.alloc(2 * BLOCK);
  let carried = 0;
  return (chunk) => {
    const size = carried + chunk.length;
    const blocks = Math.ceil(size / BLOCK) * BLOCK;
    if (work.length < BLOCK + blocks) work = grown(work, BLOCK + carried, BLOCK + blocks);
    chunk.copy(work, BLOCK + carried);
    const out = ecb.update(work.subarray(0, blocks));
    exclusiveOr(out, work.subarray(BLOCK, BLOCK + blocks));
    const plaintext = out.subarray(carried, size);
    carried = size % BLOCK;
    work.copyWithin(0, size - carried, BLOCK + size);
    return plaintext;
  };
}

/** A larger buffer with the first `used` octets of the old one. */
function grown(work: Buffer, used: number, size: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(size);
  work.copy(larger, 0, 0, used);
  return larger;
}

/** target[i] ^= mask[i], for buffers of equal length, a multiple of 16. Written out four times, it is three times as fast. */
function exclusiveOr(target: Buffer, mask: Buffer): void {
  const a = words(target);
  const b = words(mask);
  let i = 0;
  for (; i + 3 < a.length; i += 4) {
    a[i] = (a[i] ?? 0n) ^ (b[i] ?? 0n);
    a[i + 1] = (a[i + 1] ?? 0n) ^ (b[i + 1] ?? 0n);
    a[i + 2] = (a[i + 2] ?? 0n) ^ (b[i + 2] ?? 0n);
    a[i + 3] = (a[i + 3] ?? 0n) ^ (b[i + 3] ?? 0n);
  }
  for (; i < a.length; i++) a[i] = (a[i] ?? 0n) ^ (b[i] ?? 0n);
}

/** Each block of `target` but the first becomes the one before it ^ the block of `mask` in its place; from the last one on. */
function exclusiveOrWithBlockBefore(target: Buffer, mask: Buffer): void {
  const a = words(target);
  const b = words(mask);
  let i = a.length - 1;
  for (; i > 4; i -= 4) {
    a[i] = (a[i - 2] ?? 0n) ^ (b[i] ?? 0n);
    a[i - 1] = (a[i - 3] ?? 0n) ^ (b[i - 1] ?? 0n);
    a[i - 2] = (a[i - 4] ?? 0n) ^ (b[i - 2] ?? 0n);
    a[i - 3] = (a[i - 5] ?? 0n) ^ (b[i - 3] ?? 0n);
  }
  for (; i > 1; i--) a[i] = (a[i - 2] ?? 0n) ^ (b[i] ?? 0n);
}

/** The bytes as 64-bit words. Both sides come from allocations of their own, which are aligned. */
function words(bytes: Buffer): BigUint64Array {
  return new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3);
}
