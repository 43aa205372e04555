/** The checksum of ASCII armor (RFC 9580 §6.1), eight octets at a time. */

/** The generator polynomial, without its highest bit. */
const POLYNOMIAL = 0x864cfb;
const INITIAL = 0xb704ce;
const SLICES = 8;

/**
 * At 256 k + octet: what an octet does to the checksum k octets further on. Here and below the checksum's first octet lies in the
 * lowest bits, so that it meets a little-endian word of the message without being turned round. One array that is never replaced:
 * the optimiser then knows where it lies and that no index exceeds it.
 */
const TABLE = new Int32Array(SLICES * 256);
let filled = false;

/** Done when it is first needed: not every message has a checksum, and start-up counts. */
function fillTable(): void {
  for (let octet = 0; octet < 256; octet++) {
    let crc = octet << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ (POLYNOMIAL << 8) : crc << 1;
    TABLE[octet] = turned(crc >>> 8);
  }
  for (let i = 256; i < TABLE.length; i++) {
    const before = entry(i - 256);
    TABLE[i] = (before >>> 8) ^ entry(before & 0xff);
  }
  filled = true;
}

/** Three octets in the opposite order. */
function turned(crc: number): number {
  return ((crc & 0xff) << 16) | (crc & 0xff00) | (crc >>> 16);
}

export class Crc24 {
  #crc = turned(INITIAL);

  update(bytes: Buffer): void {
    if (!filled) fillTable();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const whole = bytes.length - (bytes.length % SLICES);
    let crc = this.#crc;
    let i = 0;
    for (; i < whole; i += SLICES) {
      const first = view.getInt32(i, true) ^ crc;
      const second = view.getInt32(i + 4, true);
      crc =
        entry(0x700 | (first & 0xff)) ^
        entry(0x600 | ((first >>> 8) & 0xff)) ^
        entry(0x500 | ((first >>> 16) & 0xff)) ^
        entry(0x400 | (first >>> 24)) ^
        entry(0x300 | (second & 0xff)) ^
        entry(0x200 | ((second >>> 8) & 0xff)) ^
        entry(0x100 | ((second >>> 16) & 0xff)) ^
        entry(second >>> 24);
    }
    for (; i < bytes.length; i++) crc = (crc >>> 8) ^ entry((crc ^ view.getUint8(i)) & 0xff);
    this.#crc = crc;
  }

  /** The three octets of the checksum. */
  digest(): Buffer {
    const crc = this.#crc;
    return Buffer.of(crc & 0xff, (crc >> 8) & 0xff, crc >> 16);
  }
}

// The indexes are in range by construction; "?? 0" is for the compiler and costs nothing at run time.
function entry(i: number): number {
  return TABLE[i] ?? 0;
}
