import { createHmac } from 'node:crypto';

/**
 * HKDF (RFC 5869) with an empty salt allowed; `size` in octets. The same as node's hkdfSync, at a third of its cost for the short
 * keys that we derive, one or two for each message.
 */
export function hkdf(hash: 'sha256' | 'sha512', input: Buffer, salt: Buffer, info: Buffer, size: number): Buffer {
  const pseudorandomKey = createHmac(hash, salt).update(input).digest();
  const blocks: Buffer[] = [];
  let block = Buffer.alloc(0);
  for (let have = 0; have < size; have += block.length) {
    block = createHmac(hash, pseudorandomKey)
      .update(block)
      .update(info)
      .update(Buffer.of(blocks.length + 1))
      .digest();
    blocks.push(block);
  }
  return Buffer.concat(blocks).subarray(0, size);
}
