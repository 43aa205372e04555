/** The checksum of ASCII armor (RFC 9580 §6.1), eight octets at a time. */

/** The generator polynomial, without its highest bit. */
const POLYNOMIAL = 0x864cfb;
const INITIAL = 0xb704ce;
const SLICES = 8;

type Tables = readonly [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];

/** Made when they are first needed: not every message has a checksum, and start-up counts. */
let tables: Tables | undefined;

/** [k][octet]: what an octet does to the checksum k octets further on. The checksum lies in the upper 24 of 32 bits. */
function makeTables(): Tables {
  const first = new Int32Array(256);
  for (let octet = 0; octet < 256; octet++) {
    let crc = octet << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ (POLYNOMIAL << 8) : crc << 1;
    first[octet] = crc;
  }
  const further = (before: Int32Array) => before.map((crc) => (crc << 8) ^ (first[crc >>> 24] ?? 0));
  const all = [first];
  for (let slice = 1; slice < SLICES; slice++) all.push(further(all[slice - 1] ?? first));
  return all as unknown as Tables;
}

export class Crc24 {
  #crc = INITIAL << 8;

  update(bytes: Buffer): void {
    tables ??= makeTables();
    const [T0, T1, T2, T3, T4, T5, T6, T7] = tables;
    let crc = this.#crc;
    const whole = bytes.length - (bytes.length % SLICES);
    let i = 0;
    for (; i < whole; i += SLICES) {
      crc ^= (at(bytes, i) << 24) | (at(bytes, i + 1) << 16) | (at(bytes, i + 2) << 8) | at(bytes, i + 3);
      crc =
        entry(T7, crc >>> 24) ^
        entry(T6, (crc >>> 16) & 0xff) ^
        entry(T5, (crc >>> 8) & 0xff) ^
        entry(T4, crc & 0xff) ^
        entry(T3, at(bytes, i + 4)) ^
        entry(T2, at(bytes, i + 5)) ^
        entry(T1, at(bytes, i + 6)) ^
        entry(T0, at(bytes, i + 7));
    }
    for (; i < bytes.length; i++) crc = (crc << 8) ^ entry(T0, (crc >>> 24) ^ at(bytes, i));
    this.#crc = crc;
  }

  /** The three octets of the checksum. */
  digest(): Buffer {
    const crc = this.#crc >>> 8;
    return Buffer.of(crc >> 16, (crc >> 8) & 0xff, crc & 0xff);
  }
}

// The indexes are in range by construction; "?? 0" is for the compiler and costs nothing at run time.
function at(bytes: Buffer, i: number): number {
  return bytes[i] ?? 0;
}
function entry(table: Int32Array, i: number): number {
  return table[i] ?? 0;
}
