/**
 * ASCII armor (RFC 9580 §6), both ways, as synchronous state machines over chunks.
 *
 * We write lines of 76 characters ended by CRLF. The checksum goes with SEIPDv1 only: RFC 9580 §6.1 forbids it where the reader
 * is known not to need it, as with SEIPDv2; but GnuPG 2.2 takes the end line for data where neither checksum nor padding precedes
 * it, and RNP complains. We read any line length and end, ignore the checksum as §6.1 demands, and refuse everything else that
 * is not armor.
 */
import type { ByteStream } from '#lib/bytes/source';
import { Crc24 } from './crc24.js';
import { OpenPGPError } from './error.js';
import { LIMITS } from './limits.js';

/** Characters of a line that we write; RFC 9580 §6 allows 76. */
export const LINE_CHARS = 76;
const LINE_OCTETS = (LINE_CHARS / 4) * 3;
const CRLF = Buffer.from('\r\n');

const BEGIN = '-----BEGIN PGP MESSAGE-----';
const END = '-----END PGP MESSAGE-----';
/** What stands before the base64 data. */
export const ARMOR_HEAD = Buffer.from(`${BEGIN}\r\n\r\n`);
const ARMOR_TAIL = Buffer.from(`${END}\r\n`);

/** "=", four characters, CRLF. */
const CHECKSUM_SIZE = 7;

/** Octets of the armored form of `size` octets, as `ArmorEncoder` writes it. */
export function armoredSize(size: number, checksum: boolean): number {
  const chars = Math.ceil(size / 3) * 4;
  const data = chars + Math.ceil(chars / LINE_CHARS) * CRLF.length;
  return ARMOR_HEAD.length + data + (checksum ? CHECKSUM_SIZE : 0) + ARMOR_TAIL.length;
}

/** Encodes as armor of the type "PGP MESSAGE". */
export class ArmorEncoder {
  readonly #checksum: Crc24 | undefined;
  #started = false;
  #held: Buffer = Buffer.alloc(0);

  constructor(checksum: boolean) {
    this.#checksum = checksum ? new Crc24() : undefined;
  }

  push(chunk: Buffer): Buffer {
    this.#checksum?.update(chunk);
    let bytes = chunk;
    const out: Buffer[] = [];
    if (!this.#started) {
      out.push(ARMOR_HEAD);
      this.#started = true;
    }
    if (this.#held.length > 0) {
      const missing = LINE_OCTETS - this.#held.length;
      if (bytes.length < missing) {
        this.#held = Buffer.concat([this.#held, bytes]);
        return Buffer.concat(out);
      }
      out.push(encodeLines(Buffer.concat([this.#held, bytes.subarray(0, missing)])));
      bytes = bytes.subarray(missing);
    }
    const whole = bytes.length - (bytes.length % LINE_OCTETS);
    // The rest is copied, so that it does not keep the chunk alive.
    this.#held = Buffer.from(bytes.subarray(whole));
    if (whole > 0) out.push(encodeLines(bytes.subarray(0, whole)));
    const [only] = out;
    return out.length === 1 && only !== undefined ? only : Buffer.concat(out);
  }

  end(): Buffer {
    const rest = this.#held;
    return Buffer.concat([
      this.#started ? Buffer.alloc(0) : ARMOR_HEAD,
      ...(rest.length > 0 ? [Buffer.from(rest.toString('base64')), CRLF] : []),
      ...(this.#checksum ? [Buffer.from(`=${this.#checksum.digest().toString('base64')}\r\n`)] : []),
      ARMOR_TAIL,
    ]);
  }
}

/** Base64 of whole lines, each ended by CRLF: all of it is encoded at once and then moved apart from the last line backwards. */
function encodeLines(bytes: Buffer): Buffer {
  const lines = bytes.length / LINE_OCTETS;
  const out = Buffer.allocUnsafeSlow(lines * (LINE_CHARS + 2));
  out.write(bytes.toString('base64'), 'latin1');
  for (let line = lines - 1; line >= 0; line--) {
    const at = line * (LINE_CHARS + 2);
    if (line > 0) out.copyWithin(at, line * LINE_CHARS, (line + 1) * LINE_CHARS);
    out[at + LINE_CHARS] = 13;
    out[at + LINE_CHARS + 1] = 10;
  }
  return out;
}

const LF = 10;
const CR = 13;
const PAD = 0x3d;
const DASH = 0x2d;

/** Six-bit values; 64 for what is not base64. */
const VALUES = new Uint8Array(256).fill(64);
for (const [value, char] of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/').entries()) {
  VALUES[char] = value;
}

type DecoderState = 'before' | 'headers' | 'data' | 'padding' | 'checksum' | 'tail' | 'after';

/**
 * Decodes armor of the type "PGP MESSAGE". Text before it is skipped up to a limit; after it only white space may follow.
 * Throws OpenPGPError `armor`, `truncated`, `trailing-data`.
 */
export class ArmorDecoder {
  #state: DecoderState = 'before';
  /** The line that is being collected, outside the data. */
  #line = '';
  #headerSize = 0;
  /** Sixths of a quantum of four characters: how many, and their bits. */
  #count = 0;
  #bits = 0;
  /** Characters of the present data line so far. */
  #column = 0;
  /** Form of the last whole data line, which the fast path expects of the next ones: characters, and octets of the line end. */
  #lineChars = 0;
  #lineEnd = 0;
  #sawCR = false;

  push(chunk: Buffer): Buffer {
    const out: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case 'data':
          at = this.#data(chunk, at, out);
          break;
        case 'after':
          at = this.#after(chunk, at);
          break;
        default:
          at = this.#collectLine(chunk, at);
      }
    }
    const [only] = out;
    return out.length === 1 && only !== undefined ? only : Buffer.concat(out);
  }

  /** To be called where the input ends. */
  end(): void {
    if (this.#state === 'tail' && this.#line.trimEnd() === END) this.#state = 'after';
    if (this.#state !== 'after') {
      if (this.#state === 'before') throw new OpenPGPError('armor', `No line "${BEGIN}" was found.`);
      throw new OpenPGPError('truncated', `The armored data ends without the line "${END}".`);
    }
  }

  #collectLine(chunk: Buffer, at: number): number {
    const found = chunk.indexOf(LF, at);
    const end = found === -1 ? chunk.length : found;
    this.#line += chunk.toString('latin1', at, end);
    this.#headerSize += end - at;
    if (this.#headerSize > LIMITS.armorHeader) {
      throw new OpenPGPError('armor', `No armored data begins within ${LIMITS.armorHeader} octets.`);
    }
    if (found === -1) return end;
    const line = this.#line.trimEnd();
    this.#line = '';
    this.#endLine(line);
    return end + 1;
  }

  #endLine(line: string): void {
    switch (this.#state) {
      case 'before':
        if (line === BEGIN) this.#state = 'headers';
        return;
      case 'headers':
        if (line === '') {
          this.#state = 'data';
        } else if (!/^[\x21-\x39\x3b-\x7e]+:( |$)/.test(line)) {
          throw new OpenPGPError('armor', 'An armor header is not of the form "Key: Value".');
        }
        return;
      case 'padding':
        if (!/^=?[ \t]*$/.test(line) || (this.#count === 2) !== line.startsWith('=')) {
          throw new OpenPGPError('armor', 'Characters follow the padding of the armored data.');
        }
        this.#count = 0;
        this.#state = 'tail';
        return;
      case 'checksum':
        // RFC 9580 §6.1: a checksum, right or wrong, decides nothing.
        if (!/^[A-Za-z0-9+/]{4}$/.test(line)) throw new OpenPGPError('armor', 'The armor checksum is malformed.');
        this.#state = 'tail';
        return;
      default:
        if (line.startsWith('=')) {
          this.#state = 'checksum';
          this.#endLine(line.slice(1));
        } else if (line === END) {
          this.#state = 'after';
        } else if (line !== '') {
          throw new OpenPGPError('armor', `The line "${END}" is missing after the armored data.`);
        }
    }
  }

  #after(chunk: Buffer, at: number): number {
    for (let i = at; i < chunk.length; i++) {
      if (!isSpace(chunk[i])) throw new OpenPGPError('trailing-data', 'Something follows the armored data.');
    }
    return chunk.length;
  }

  #data(chunk: Buffer, at: number, out: Buffer[]): number {
    if (this.#column === 0 && this.#count === 0 && this.#lineChars > 0) {
      const lineSize = this.#lineChars + this.#lineEnd;
      const decoded =
        decodeLines(chunk, at, chunk.length, this.#lineChars, lineSize) ??
        // Mostly it is the end of the data that is no such line.
        decodeLines(chunk, at, endOfData(chunk, at), this.#lineChars, lineSize);
      if (decoded !== undefined) {
        out.push(decoded);
        return at + (decoded.length / 3 / (this.#lineChars / 4)) * lineSize;
      }
    }
    return this.#dataLine(chunk, at, out);
  }

  /** Decodes up to the end of the present line (or of the chunk), character by character. */
  #dataLine(chunk: Buffer, at: number, out: Buffer[]): number {
    const found = chunk.indexOf(LF, at);
    const end = found === -1 ? chunk.length : found;
    const decoded = Buffer.allocUnsafe((((end - at + 4) / 4) | 0) * 3);
    let size = 0;
    for (let i = at; i < end; i++) {
      const char = chunk[i] ?? 0;
      const value = VALUES[char] ?? 64;
      if (value < 64) {
        this.#bits = ((this.#bits << 6) | value) & 0xffffff;
        this.#column += 1;
        if (++this.#count === 4) {
          decoded[size] = this.#bits >> 16;
          decoded[size + 1] = (this.#bits >> 8) & 0xff;
          decoded[size + 2] = this.#bits & 0xff;
          size += 3;
          this.#count = 0;
        }
      } else if (char === PAD && this.#column === 0 && this.#count === 0) {
        this.#push(out, decoded, size);
        this.#state = 'checksum';
        return i + 1;
      } else if (char === PAD && this.#count >= 2) {
        size = this.#pad(decoded, size);
        this.#push(out, decoded, size);
        return i + 1;
      } else if (char === DASH && this.#column === 0) {
        if (this.#count !== 0) throw new OpenPGPError('armor', 'The armored data ends in the middle of a quantum.');
        this.#push(out, decoded, size);
        this.#state = 'tail';
        return i;
      } else if (!isSpace(char)) {
        throw new OpenPGPError('armor', 'The armored data has a character that is not base64.');
      } else if (char === CR) {
        this.#sawCR = true;
      }
    }
    this.#push(out, decoded, size);
    if (found === -1) return end;
    this.#lineChars = this.#column % 4 === 0 ? this.#column : 0;
    this.#lineEnd = this.#sawCR ? 2 : 1;
    this.#column = 0;
    this.#sawCR = false;
    return end + 1;
  }

  /** The last one or two octets, before padding. What follows in the line is checked at its end. */
  #pad(decoded: Buffer, size: number): number {
    this.#state = 'padding';
    if (this.#count === 2) {
      decoded[size] = (this.#bits >> 4) & 0xff;
      return size + 1;
    }
    decoded[size] = (this.#bits >> 10) & 0xff;
    decoded[size + 1] = (this.#bits >> 2) & 0xff;
    return size + 2;
  }

  #push(out: Buffer[], decoded: Buffer, size: number): void {
    if (size > 0) out.push(decoded.subarray(0, size));
  }
}

function isSpace(char: number | undefined): boolean {
  return char === LF || char === CR || char === 32 || char === 9;
}

/**
 * Decodes the whole lines of one form before `end` at once. Node's decoder passes over what is not base64 (the line ends), so the number of octets it
 * gives tells whether there was anything else; then undefined. It also takes "-" and "_" for "+" and "/", which changes no
 * meaning: what is decoded is authenticated.
 */
function decodeLines(chunk: Buffer, at: number, end: number, lineChars: number, lineSize: number): Buffer | undefined {
  const lines = Math.floor((end - at) / lineSize);
  // The line end must be where it is expected, at least in the first and the last line.
  if (lines < 1 || chunk[at + lineSize - 1] !== LF || chunk[at + lines * lineSize - 1] !== LF) return undefined;
  const decoded = Buffer.from(chunk.toString('latin1', at, at + lines * lineSize), 'base64');
  return decoded.length === (lines * lineChars * 3) / 4 ? decoded : undefined;
}

/** Where a character of the padding, the checksum or the end line first stands. */
function endOfData(chunk: Buffer, at: number): number {
  const marks = [chunk.indexOf(PAD, at), chunk.indexOf(DASH, at)].filter((found) => found !== -1);
  return Math.min(chunk.length, ...marks);
}

/** The decoded octets of an armored stream. */
export async function* dearmor(stream: ByteStream): AsyncGenerator<Buffer, void> {
  const decoder = new ArmorDecoder();
  for await (const chunk of stream) {
    const decoded = decoder.push(chunk);
    if (decoded.length > 0) yield decoded;
  }
  decoder.end();
}
