import type { ByteStream } from '#lib/bytes/source';
import { HeaderCollector } from './collector.js';
import { type MimeLimits, mimeLimits } from './limits.js';

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;

/** One field of a header, in the bytes it came in. */
export interface HeaderField {
  /**
   * The name as written, as latin1 text, without white space before the colon. Empty for a line that is no field: one without
   * a colon, or a continuation line at the very top of the header.
   */
  readonly name: string;
  /** The whole field: name, colon, folding and its line end, if it has one. */
  readonly raw: Buffer;
  /** What comes after the colon, folding included, without the last line end. Of a line that is no field, the line. */
  readonly body: Buffer;
}

/** Keeps offsets only; the slices are made when asked for. */
class Field implements HeaderField {
  readonly name: string;
  readonly #block: Buffer;
  readonly start: number;
  readonly #bodyStart: number;
  readonly end: number;

  constructor(block: Buffer, start: number, firstLineEnd: number, end: number) {
    this.#block = block;
    this.start = start;
    this.end = end;
    const colon = isBlank(block[start]) ? -1 : block.subarray(start, firstLineEnd).indexOf(COLON);
    let nameEnd = start + Math.max(colon, 0);
    while (nameEnd > start && isBlank(block[nameEnd - 1])) nameEnd--;
    this.name = block.toString('latin1', start, nameEnd);
    this.#bodyStart = nameEnd > start ? start + colon + 1 : start;
  }

  get raw(): Buffer {
    return this.#block.subarray(this.start, this.end);
  }

  get body(): Buffer {
    return this.#block.subarray(this.#bodyStart, this.end - lineEndLength(this.#block, this.#bodyStart, this.end));
  }
}

/**
 * A header block (RFC 5322 §2.2). It keeps its bytes: `raw` is what was parsed, and the only edits are to put a field on top
 * and to take fields out, each giving a new header in which every other byte is as it was. A line ends at LF, with or without
 * CR before it; a bare CR and NUL are ordinary octets of a line.
 */
export class Header {
  /** Exactly what was parsed, or what the edits made of it; with the blank line if there is one. */
  readonly raw: Buffer;
  #fields: readonly Field[] | undefined;
  #byName: ReadonlyMap<string, readonly HeaderField[]> | undefined;

  private constructor(raw: Buffer) {
    this.raw = raw;
  }

  /**
   * Takes any bytes: a header up to and including its blank line, or without one. The bytes are not copied and must not
   * change. What follows the blank line stays in `raw` but is no field.
   */
  static parse(raw: Buffer): Header {
    return new Header(raw);
  }

  /** The fields and the lines that are none, in order. Their `raw` joined, and the blank line, are the header. */
  get fields(): readonly HeaderField[] {
    return this.#parsed();
  }

  /** Whether a blank line ends the fields. */
  get terminated(): boolean {
    return this.#fieldsEnd() < this.raw.length;
  }

  /** The first field of that name, in any case. */
  get(name: string): HeaderField | undefined {
    return this.#named(name)[0];
  }

  /** All fields of that name, in any case, from the top. */
  all(name: string): readonly HeaderField[] {
    return this.#named(name);
  }

  has(name: string): boolean {
    return this.#named(name).length > 0;
  }

  /**
   * The text of the first field of that name without folding and without white space around it (RFC 5322 §2.2.3), one
   * character an octet (latin1).
   */
  unfolded(name: string): string | undefined {
    const field = this.get(name);
    return field && unfold(field.body);
  }

  /**
   * A header with the given field, or fields, on top. Whole lines are asked for, each with its line end, the first one with
   * a name and none of them blank: anything else would change what the fields below mean, and is refused with a TypeError.
   *
   * Where this header begins with a continuation line, that line now continues the new field. Take it away first, with
   * `remove('')`, where the new field is one that a reader trusts.
   */
  prepend(field: Buffer): Header {
    const added = Header.parse(field).fields;
    const length = added.reduce((sum, { raw }) => sum + raw.length, 0);
    if (length !== field.length || field.at(-1) !== LF || added.some(({ name }) => name === ''))
      throw new TypeError('A header field to be added must have a name, a colon and a line end, and no blank line.');
    return new Header(Buffer.concat([field, this.raw]));
  }

  /**
   * A header without the fields of that name (in any case; the empty name stands for lines that are no fields), or without
   * those the function is true of. The same header where there are none.
   */
  remove(test: string | ((field: HeaderField) => boolean)): Header {
    const lower = typeof test === 'string' ? test.toLowerCase() : undefined;
    const goes = typeof test === 'string' ? (field: HeaderField) => field.name.toLowerCase() === lower : test;
    const kept: Buffer[] = [];
    let keptFrom = 0;
    for (const field of this.#parsed()) {
      if (!goes(field)) continue;
      kept.push(this.raw.subarray(keptFrom, field.start));
      keptFrom = field.end;
    }
    if (keptFrom === 0) return this;
    kept.push(this.raw.subarray(keptFrom));
    return new Header(Buffer.concat(kept));
  }

  #fieldsEnd(): number {
    return this.#parsed().at(-1)?.end ?? 0;
  }

  #named(name: string): readonly HeaderField[] {
    this.#byName ??= groupByName(this.#parsed());
    return this.#byName.get(name.toLowerCase()) ?? [];
  }

  #parsed(): readonly Field[] {
    return (this.#fields ??= parseFields(this.raw));
  }
}

function parseFields(block: Buffer): Field[] {
  const fields: Field[] = [];
  let start = 0;
  while (start < block.length && !isBlankLine(block, start)) {
    const firstLineEnd = lineEnd(block, start);
    let end = firstLineEnd;
    while (isBlank(block[end])) end = lineEnd(block, end);
    fields.push(new Field(block, start, firstLineEnd, end));
    start = end;
  }
  return fields;
}

function groupByName(fields: readonly HeaderField[]): Map<string, HeaderField[]> {
  const groups = new Map<string, HeaderField[]>();
  for (const field of fields) {
    const name = field.name.toLowerCase();
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [field]);
    else group.push(field);
  }
  return groups;
}

/** The body of a field as latin1 text: without its line ends (RFC 5322 §2.2.3) and the white space around it. */
export function unfold(body: Buffer): string {
  let start = 0;
  let end = body.length;
  // By hand: a regular expression for the end would look at every run of white space anew from each of its places.
  while (start < end && isSpace(body[start])) start++;
  while (end > start && isSpace(body[end - 1])) end--;
  return body.toString('latin1', start, end).replace(/\r?\n/g, '');
}

function isSpace(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB || octet === CR || octet === LF;
}

/** Where the line that begins at `start` ends: after its LF, or at the end of the block. */
function lineEnd(block: Buffer, start: number): number {
  const lf = block.indexOf(LF, start);
  return lf < 0 ? block.length : lf + 1;
}

function isBlankLine(block: Buffer, start: number): boolean {
  return block[start] === LF || (block[start] === CR && block[start + 1] === LF);
}

/** 2 where the bytes `start` to `end` end in CRLF, 1 for a bare LF, else 0. */
function lineEndLength(block: Buffer, start: number, end: number): number {
  if (end <= start || block[end - 1] !== LF) return 0;
  return end - 1 > start && block[end - 2] === CR ? 2 : 1;
}

function isBlank(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB;
}

/** A stream's header and what follows it. */
export interface SplitMessage {
  /** Up to and including the blank line; all there is where the stream ends before one. */
  readonly header: Header;
  /**
   * The rest, to be read once. Leaving its loop early, or calling `return` on its iterator without reading, releases the stream.
   */
  readonly body: ByteStream;
  /**
   * False where the header went over a limit. `header` has then the lines that fit, and the body begins with the first one
   * that does not: header and body joined are the message all the same, but a reader with other limits finds further fields.
   */
  readonly complete: boolean;
}

/** Reads a stream up to the end of its header. Rejects only if the stream does. */
export async function splitHeader(
  stream: ByteStream,
  limits: number | Partial<MimeLimits> = {},
): Promise<SplitMessage> {
  const { headerOctets, headerFields } = mimeLimits(typeof limits === 'number' ? { headerOctets: limits } : limits);
  const collector = new HeaderCollector(headerOctets, headerFields);
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Buffer | undefined;
  while (rest === undefined) {
    const next = await chunks.next();
    if (next.done === true) break;
    const chunk: Buffer = next.value;
    let at = 0;
    while (at < chunk.length && collector.state === 'open') at = collector.push(chunk, at);
    if (collector.state !== 'open') rest = chunk.subarray(at);
  }
  const { block, overflow } = collector.take();
  return {
    header: Header.parse(block),
    body: rest === undefined ? followedBy([overflow]) : followedBy([overflow, rest], chunks),
    complete: collector.state !== 'limit',
  };
}

/** The given chunks that are not empty, then those of the iterator, which is released even if nothing is ever read. */
function followedBy(first: readonly Buffer[], then?: AsyncIterator<Buffer>): ByteStream {
  const waiting = first.filter((chunk) => chunk.length > 0);
  const end = { done: true, value: undefined } as const;
  const iterator: AsyncIterableIterator<Buffer> = {
    [Symbol.asyncIterator]: () => iterator,
    next: async () => {
      const value = waiting.shift();
      return value === undefined ? ((await then?.next()) ?? end) : { done: false, value };
    },
    return: async () => {
      waiting.length = 0;
      await then?.return?.();
      return end;
    },
  };
  return iterator;
}
