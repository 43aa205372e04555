/**
 * The block cipher IDEA (X. Lai, "On the Design and Security of Block Ciphers", 1992; unpatented since 2012), forwards only, which
 * is all that CFB needs. Only for reading what PGP wrote in the 1990s.
 */

/** Sub-keys of eight rounds of six and of the output transformation. */
const SUBKEYS = 52;

/** Makes the function that encrypts one block of eight octets in place. `key` has 16 octets. */
export function ideaEncryptor(key: Buffer): (block: Buffer) => void {
  const subkeys = expand(key);
  return (block) => {
    const sub = (i: number) => subkeys[i] ?? 0;
    let [a, b, c, d] = [0, 2, 4, 6].map((at) => block.readUInt16BE(at)) as [number, number, number, number];
    for (let k = 0; k < 48; k += 6) {
      a = multiply(a, sub(k));
      b = (b + sub(k + 1)) & 0xffff;
      c = (c + sub(k + 2)) & 0xffff;
      d = multiply(d, sub(k + 3));
      const left = multiply(a ^ c, sub(k + 4));
      const right = multiply(((b ^ d) + left) & 0xffff, sub(k + 5));
      const sum = (left + right) & 0xffff;
      [a, b, c, d] = [a ^ right, c ^ right, b ^ sum, d ^ sum];
    }
    block.writeUInt16BE(multiply(a, sub(48)), 0);
    block.writeUInt16BE((c + sub(49)) & 0xffff, 2);
    block.writeUInt16BE((b + sub(50)) & 0xffff, 4);
    block.writeUInt16BE(multiply(d, sub(51)), 6);
  };
}

/** Multiplication modulo 2^16 + 1, where 0 stands for 2^16. */
function multiply(x: number, y: number): number {
  if (x === 0) return (0x10001 - y) & 0xffff;
  if (y === 0) return (0x10001 - x) & 0xffff;
  return ((x * y) % 0x10001) & 0xffff;
}

/** Eight sub-keys are the key; the next eight are the key rotated by 25 bits, and so on. */
function expand(key: Buffer): readonly number[] {
  let bits = BigInt(`0x${key.toString('hex')}`);
  const subkeys: number[] = [];
  while (subkeys.length < SUBKEYS) {
    for (let shift = 112n; shift >= 0n && subkeys.length < SUBKEYS; shift -= 16n) {
      subkeys.push(Number((bits >> shift) & 0xffffn));
    }
    bits = ((bits << 25n) | (bits >> 103n)) & ((1n << 128n) - 1n);
  }
  return subkeys;
}
