/** Packet framing (RFC 9580 §4.2): headers, lengths, partial lengths; reading by pulling, writing as functions. */
import { setImmediate } from 'node:timers/promises';
import type { ByteStream } from '#lib/bytes/source';
import { OpenPGPError } from './error.js';
import { LIMITS } from './limits.js';

/** Reads a stream by counts instead of by chunks. */
export class ByteReader {
  readonly #iterator: AsyncIterator<Buffer, unknown>;
  #chunk: Buffer = Buffer.alloc(0);
  #ended = false;
  /** Packets whose headers were read. */
  packets = 0;

  constructor(stream: ByteStream) {
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  /** Octets that were taken from the stream and not yet read. */
  get buffered(): number {
    return this.#chunk.length;
  }

  // What is there already is given at once: a small message is mostly read from one chunk, and promises are what it would cost.

  /** True where nothing is left. */
  atEnd(): boolean | Promise<boolean> {
    return this.#chunk.length > 0 ? false : this.#pullToEnd();
  }

  /** At least one and at most `limit` octets, as they lie there. Undefined at the end. */
  some(limit: number): Buffer | undefined | Promise<Buffer | undefined> {
    return this.#chunk.length > 0 ? this.#take(limit) : this.#pullSome(limit);
  }

  /** Exactly `count` octets. Throws OpenPGPError `truncated` where there are fewer. */
  exactly(count: number): Buffer | Promise<Buffer> {
    return this.#chunk.length >= count ? this.#take(count) : this.#collect(count);
  }

  octet(): number | Promise<number> {
    return this.#chunk.length > 0 ? this.#take(1).readUInt8() : this.#pullOctet();
  }

  /** Tells the producer that no more is wanted. */
  async close(): Promise<void> {
    this.#chunk = EMPTY;
    if (this.#ended) return;
    this.#ended = true;
    await this.#iterator.return?.();
  }

  #take(limit: number): Buffer {
    const chunk = this.#chunk;
    if (chunk.length <= limit) {
      this.#chunk = EMPTY;
      return chunk;
    }
    this.#chunk = chunk.subarray(limit);
    return chunk.subarray(0, limit);
  }

  async #pullSome(limit: number): Promise<Buffer | undefined> {
    return (await this.#pullToEnd()) ? undefined : this.#take(limit);
  }

  async #pullOctet(): Promise<number> {
    return (await this.#collect(1)).readUInt8();
  }

  async #collect(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = count; missing > 0;) {
      const part = await this.some(missing);
      if (part === undefined) throw truncated();
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts, count);
  }

  async #pullToEnd(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      if (this.#ended) return true;
      await this.#pull();
    }
    return false;
  }

  async #pull(): Promise<void> {
    const result = await this.#iterator.next();
    if (result.done === true) this.#ended = true;
    else this.#chunk = result.value;
  }
}

const EMPTY = Buffer.alloc(0);

function truncated(): OpenPGPError {
  return new OpenPGPError('truncated', 'The OpenPGP data ends in the middle of a packet.');
}

/** A packet whose body is still to be read. The body must be read to its end before the next packet is asked for. */
export interface Packet {
  /** Packet type ID. */
  readonly tag: number;
  /** Octets of the body where the header tells them, undefined for partial and indeterminate lengths. */
  readonly length: number | undefined;
  readonly body: AsyncGenerator<Buffer, void>;
}

/**
 * Packet types whose length may be partial, RFC 9580 §4.2.1.4: literal, compressed and the encrypted ones. Only these may have an
 * indeterminate length in the old format, too.
 */
const STREAMABLE: ReadonlySet<number> = new Set([8, 9, 11, 18, 20]);

/** The next packet, or undefined where the data ends. Throws OpenPGPError `malformed`, `truncated`, `limit`. */
export async function readPacket(reader: ByteReader): Promise<Packet | undefined> {
  if (await reader.atEnd()) return undefined;
  if (++reader.packets > LIMITS.packets) {
    throw new OpenPGPError('limit', `The message has more than ${LIMITS.packets} packets in a row.`);
  }
  const header = await reader.octet();
  if ((header & 0x80) === 0) {
    throw new OpenPGPError('malformed', 'This is not OpenPGP data: a packet header was expected.');
  }
  return (header & 0x40) === 0 ? readOldFormat(reader, header) : readNewFormat(reader, header & 0x3f);
}

async function readNewFormat(reader: ByteReader, tag: number): Promise<Packet> {
  const first = await readLength(reader);
  if (first.partial) {
    if (!STREAMABLE.has(tag))
      throw new OpenPGPError('malformed', `A packet of type ${tag} may not have a partial length.`);
    // RFC 9580 §4.2.1.4: the first partial length must be at least 512 octets.
    if (first.length < 512)
      throw new OpenPGPError('malformed', 'The first partial length of a packet is below 512 octets.');
    return { tag, length: undefined, body: partialBody(reader, first.length) };
  }
  return { tag, length: first.length, body: definiteBody(reader, first.length) };
}

interface Length {
  readonly partial: boolean;
  readonly length: number;
}

/** The length in one octet, definite or partial; undefined for a longer one, of which the octet is the first. */
function shortLength(first: number): Length | undefined {
  if (first < 192) return { partial: false, length: first };
  return first >= 224 && first < 255 ? { partial: true, length: 2 ** (first & 0x1f) } : undefined;
}

async function readLength(reader: ByteReader): Promise<Length> {
  return restOfLength(reader, await reader.octet());
}

async function restOfLength(reader: ByteReader, first: number): Promise<Length> {
  const short = shortLength(first);
  if (short !== undefined) return short;
  if (first < 224) return { partial: false, length: ((first - 192) << 8) + (await reader.octet()) + 192 };
  return { partial: false, length: (await reader.exactly(4)).readUInt32BE() };
}

async function readOldFormat(reader: ByteReader, header: number): Promise<Packet> {
  const tag = (header >> 2) & 0x0f;
  const lengthType = header & 0x03;
  if (lengthType === 3) {
    if (!STREAMABLE.has(tag))
      throw new OpenPGPError('malformed', `A packet of type ${tag} may not have an open length.`);
    return { tag, length: undefined, body: openBody(reader) };
  }
  const length = (await reader.exactly(1 << lengthType)).readUIntBE(0, 1 << lengthType);
  return { tag, length, body: definiteBody(reader, length) };
}

async function* definiteBody(reader: ByteReader, length: number): AsyncGenerator<Buffer, void> {
  for (let left = length; left > 0;) {
    const chunk = await reader.some(left);
    if (chunk === undefined) throw truncated();
    left -= chunk.length;
    yield chunk;
  }
}

/** Parts of fewer octets are put together: by itself each would cost more than what is in it. */
const SMALL_PART = 2048;
/** So many at once let others run. */
const MANY_PARTS = 512;

async function* partialBody(reader: ByteReader, first: number): AsyncGenerator<Buffer, void> {
  let part: Length = { partial: true, length: first };
  let small: Buffer[] = [];
  let smallSize = 0;
  for (;;) {
    const isSmall = part.length < SMALL_PART;
    if (isSmall) {
      const octets = reader.exactly(part.length);
      small.push(octets instanceof Promise ? await octets : octets);
      smallSize += part.length;
    }
    if (smallSize > 0 && (smallSize >= SMALL_PART || !isSmall || !part.partial)) {
      yield Buffer.concat(small, smallSize);
      if (small.length > MANY_PARTS) await setImmediate();
      small = [];
      smallSize = 0;
    }
    if (!isSmall) yield* definiteBody(reader, part.length);
    if (!part.partial) return;
    const next = reader.octet();
    const octet = next instanceof Promise ? await next : next;
    part = shortLength(octet) ?? (await restOfLength(reader, octet));
  }
}

async function* openBody(reader: ByteReader): AsyncGenerator<Buffer, void> {
  for (;;) {
    const chunk = await reader.some(Infinity);
    if (chunk === undefined) return;
    yield chunk;
  }
}

/** The body of a packet that is to be held whole. Throws OpenPGPError `limit` above `limit` octets. */
export async function gatherBody(packet: Packet, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of packet.body) {
    size += chunk.length;
    if (size > limit) {
      throw new OpenPGPError('limit', `A packet of type ${packet.tag} is larger than the limit of ${limit} octets.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** A packet header in the current format with a definite length in as few octets as possible. */
export function packetHeader(tag: number, length: number): Buffer {
  return Buffer.concat([Buffer.of(0xc0 | tag), encodeLength(length)]);
}

/** Octets of `packetHeader` for a body of this length. */
export function packetHeaderSize(length: number): number {
  return length < 192 ? 2 : length < 8384 ? 3 : 6;
}

/** The largest body that a definite length can tell, in octets. */
export const LARGEST_BODY = 2 ** 32 - 1;

function encodeLength(length: number): Buffer {
  if (length < 192) return Buffer.of(length);
  if (length < 8384) return Buffer.of(192 + ((length - 192) >> 8), (length - 192) & 0xff);
  const octets = Buffer.alloc(5, 0xff);
  octets.writeUInt32BE(length, 1);
  return octets;
}

/** Exponent of the partial lengths that we write: 2^16 octets. */
const PARTIAL_EXPONENT = 16;

/**
 * Frames a body of unknown length as partial lengths. The packet's tag octet comes out with the first piece.
 */
export class PartialLengthWriter {
  #tag: number | undefined;
  #held: Buffer[] = [];
  #heldSize = 0;

  constructor(tag: number) {
    this.#tag = tag;
  }

  push(chunk: Buffer): Buffer {
    const size = 2 ** PARTIAL_EXPONENT;
    this.#held.push(chunk);
    this.#heldSize += chunk.length;
    if (this.#heldSize < size) return EMPTY;
    const bytes = this.#held.length === 1 ? chunk : Buffer.concat(this.#held);
    const out: Buffer[] = [];
    let at = 0;
    for (; at + size <= bytes.length; at += size) {
      this.#openWith(out);
      out.push(Buffer.of(0xe0 | PARTIAL_EXPONENT), bytes.subarray(at, at + size));
    }
    this.#held = [bytes.subarray(at)];
    this.#heldSize = bytes.length - at;
    return Buffer.concat(out);
  }

  end(): Buffer {
    const out: Buffer[] = [];
    this.#openWith(out);
    out.push(encodeLength(this.#heldSize), ...this.#held);
    return Buffer.concat(out);
  }

  #openWith(out: Buffer[]): void {
    if (this.#tag === undefined) return;
    out.push(Buffer.of(0xc0 | this.#tag));
    this.#tag = undefined;
  }
}

/** A multiprecision integer (RFC 9580 §3.2) from big-endian octets. */
export function encodeInteger(bytes: Buffer): Buffer {
  const start = bytes.findIndex((octet) => octet !== 0);
  const value = start === -1 ? EMPTY : bytes.subarray(start);
  const bits = value.length === 0 ? 0 : value.length * 8 - (Math.clz32(value[0] ?? 0) - 24);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(bits);
  return Buffer.concat([head, value]);
}

/** The multiprecision integer at an offset, and the offset after it. Throws OpenPGPError `malformed`. */
export function readInteger(bytes: Buffer, at: number): readonly [value: Buffer, next: number] {
  const end = at + 2 + (at + 2 <= bytes.length ? Math.ceil(bytes.readUInt16BE(at) / 8) : 0);
  if (end > bytes.length || at + 2 > bytes.length) {
    throw new OpenPGPError('malformed', 'A packet ends in the middle of an integer.');
  }
  return [bytes.subarray(at + 2, end), end];
}
