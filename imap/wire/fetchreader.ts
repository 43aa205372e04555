import { WireError } from './error.js';
import type { LineFragment, LiteralFragment, LiteralMark } from './framer.js';
import { LIMITS } from './limits.js';
import { isLiteral, joined, type Part } from './part.js';
import { mayEndBehindSpace } from './quirks.js';
import { type ItemName, UNKNOWN_NAME, readItemName } from './itemname.js';
import { readResponseHead } from './responsehead.js';

/** An item that has come whole. */
export interface RawItem extends ItemName {
  /** Name and value as they came. */
  readonly item: readonly Part[];
  readonly value: readonly Part[];
}

export interface FetchStep {
  /** The number of the message. */
  readonly number: number;
  /** Items that this fragment has completed. */
  readonly items: readonly RawItem[];
  /** The literal that comes next. */
  readonly next: NextLiteral | undefined;
  /** The response ends here. */
  readonly last: boolean;
}

export interface NextLiteral {
  readonly literal: LiteralMark;
  /** The item that it belongs to. */
  readonly name: ItemName;
  /** It is the whole value of the item, and not a string in a list. */
  readonly isValue: boolean;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;

/**
 * Reads a FETCH response as it comes, so that literals can be streamed while the rest is read. Octets of literals that are pushed are held as
 * part of their item; the others only have their place in it. Everything throws WireError.
 */
export class FetchReader {
  #number: number | undefined;
  #where: 'start' | 'name' | 'value' | 'end' = 'start';
  /** In the name: inside brackets. */
  #inBrackets = false;
  #isQuoted = false;
  #isEscaped = false;
  /** In the value: parentheses that are open. */
  #depth = 0;
  /** The present item: its parts so far, the pieces of its present line, and where its value begins. */
  #parts: Part[] = [];
  #pieces: Buffer[] = [];
  #pieceOctets = 0;
  #value = { part: 0, at: 0 };
  #itemOctets = 0;
  #octets = 0;
  #literal: Buffer[] = [];
  #items: RawItem[] = [];

  /** Returns a step behind a line or piece of one, and undefined behind octets of a literal. */
  push(fragment: LineFragment | LiteralFragment): FetchStep | undefined {
    this.#octets += fragment.bytes.length;
    if (this.#octets > LIMITS.fetchOctets) throw tooMany(LIMITS.fetchOctets);
    if (fragment.kind === 'line') return this.#pushLine(fragment);
    this.#count(fragment.bytes.length);
    this.#literal.push(fragment.bytes);
    const literal = this.#parts.at(-1);
    if (!fragment.last || !isLiteral(literal)) return undefined;
    this.#parts[this.#parts.length - 1] = { ...literal, bytes: Buffer.concat(this.#literal) };
    this.#literal = [];
    return undefined;
  }

  #pushLine(fragment: LineFragment): FetchStep {
    const { bytes, literal, last } = fragment;
    const end = bytes.length - fragment.lineEnd - markOctets(fragment);
    const start = this.#where === 'start' ? this.#open(bytes) : 0;
    const from = this.#scan(bytes, start, end);
    if (this.#where !== 'end') this.#hold(bytes.subarray(from));
    const next = literal === undefined ? undefined : this.#announce(literal);
    if (last && this.#where !== 'end') throw new WireError('syntax', 'Expected the end of a list in a FETCH response.');
    const items = this.#items;
    this.#items = [];
    return { number: this.#number ?? 0, items, next, last };
  }

  /** Reads `* number FETCH (`, and returns where it ends. */
  #open(line: Buffer): number {
    const { number, name, end } = readResponseHead(line);
    if (name !== 'FETCH' || number === undefined || number === 0 || line[end] !== SPACE || line[end + 1] !== OPEN) {
      throw new WireError('syntax', 'Expected a FETCH response.');
    }
    this.#number = number;
    this.#where = 'name';
    return end + 2;
  }

  /** Goes through a line. Returns where the item that has not ended begins in it. */
  #scan(line: Buffer, start: number, end: number): number {
    let from = start;
    let at = start;
    while (at < end) {
      if (this.#isQuoted) at = this.#scanQuoted(line, at, end);
      else if (this.#where === 'value') {
        at = this.#scanValue(line, at, end);
        if (at === end) break;
        if (line[at] === QUOTE) {
          this.#isQuoted = true;
          at += 1;
          continue;
        }
        this.#complete(line.subarray(from, at));
        this.#where = line[at] === CLOSE ? 'end' : 'name';
        at += 1;
        from = at;
      } else if (this.#where === 'name') {
        const octet = line[at] ?? 0;
        const isEmpty = at === from && this.#pieceOctets === 0 && this.#parts.length === 0;
        if (isEmpty && mayEndBehindSpace(octet)) this.#where = 'end';
        else if (octet === SPACE && isEmpty) throw new WireError('syntax', 'Expected an item in a FETCH response.');
        else this.#scanName(octet, at + 1 - from);
        at += 1;
      } else if (line[at] !== SPACE) throw new WireError('syntax', 'Expected the end of a FETCH response.');
      else at += 1;
    }
    return from;
  }

  /** Goes through a quoted string, up to its end or that of the line. */
  #scanQuoted(line: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#isEscaped) at += 1;
    this.#isEscaped = false;
    for (; at < end; at++) {
      const octet = line[at];
      if (octet === BACKSLASH) at += 1;
      else if (octet === QUOTE) {
        this.#isQuoted = false;
        return at + 1;
      }
    }
    this.#isEscaped = at > end;
    return end;
  }

  #scanName(octet: number, octets: number): void {
    if (octet === OPEN_BRACKET) this.#inBrackets = true;
    else if (octet === CLOSE_BRACKET) this.#inBrackets = false;
    else if (this.#inBrackets) this.#isQuoted = octet === QUOTE;
    else if (octet === SPACE) {
      this.#value = { part: this.#parts.length, at: this.#pieceOctets + octets };
      this.#where = 'value';
    } else if (octet < SPACE || octet === QUOTE || octet === OPEN || octet === CLOSE) {
      throw new WireError('syntax', 'Expected the name of an item in a FETCH response.');
    }
  }

  /** Goes through a value, up to what follows it, a quote, or the end of the line. */
  #scanValue(line: Buffer, start: number, end: number): number {
    let depth = this.#depth;
    let at = start;
    for (; at < end; at++) {
      const octet = line[at];
      if (octet === QUOTE) break;
      if (octet === OPEN) {
        depth += 1;
        if (depth > LIMITS.nesting) throw new WireError('limit', `It is nested deeper than ${LIMITS.nesting} levels.`);
      } else if (depth === 0) {
        if (octet === SPACE || octet === CLOSE) break;
      } else if (octet === CLOSE) depth -= 1;
    }
    this.#depth = depth;
    return at;
  }

  /** The item ends with these octets. */
  #complete(bytes: Buffer): void {
    this.#hold(bytes);
    this.#parts.push(joined(this.#pieces));
    const item = this.#parts;
    const { part, at } = this.#value;
    const value = item.slice(part);
    const [first] = value;
    if (Buffer.isBuffer(first)) value[0] = first.subarray(at);
    const [only] = value;
    if (value.length === 1 && only !== undefined && !isLiteral(only) && only.length === 0) {
      throw new WireError('syntax', 'Expected a value in a FETCH response.');
    }
    const { name, section, part: binaryPart, origin, key } = readItemName(item, this.#value);
    this.#items.push({ name, section, part: binaryPart, origin, key, item, value });
    if (this.#items.length > LIMITS.fetchItems) {
      throw new WireError('limit', `There are more than ${LIMITS.fetchItems} items.`);
    }
    this.#parts = [];
    this.#pieces = [];
    this.#pieceOctets = 0;
    this.#itemOctets = 0;
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#count(bytes.length);
    this.#pieces.push(bytes);
    this.#pieceOctets += bytes.length;
  }

  #count(octets: number): void {
    this.#itemOctets += octets;
    if (this.#itemOctets > LIMITS.gatheredOctets) throw tooMany(LIMITS.gatheredOctets);
  }

  /** A literal comes behind the present line. */
  #announce(literal: LiteralMark): NextLiteral {
    const inName = this.#where === 'name' && this.#inBrackets;
    if (this.#isQuoted || (!inName && this.#where !== 'value')) {
      throw new WireError('syntax', 'Expected no literal here in a FETCH response.');
    }
    const line = joined(this.#pieces);
    const isValue = !inName && this.#depth === 0;
    if (isValue && !this.#isAt(line, this.#value)) {
      throw new WireError('syntax', 'Expected no literal in a word of a FETCH response.');
    }
    this.#parts.push(line, literal);
    if (this.#parts.length > 2 * LIMITS.gatheredLiterals) {
      throw new WireError('limit', `There are more than ${LIMITS.gatheredLiterals} literals.`);
    }
    this.#pieces = [];
    this.#pieceOctets = 0;
    return { literal, name: inName ? UNKNOWN_NAME : readItemName(this.#parts, this.#value), isValue };
  }

  /** Whether the literal mark at the end of the present line is where the value begins. */
  #isAt(line: Buffer, value: { readonly part: number; readonly at: number }): boolean {
    return value.part === this.#parts.length && /^~?\{[0-9]+\+?\}\r?\n$/.test(line.toString('latin1', value.at));
  }
}

function tooMany(octets: number): WireError {
  return new WireError('limit', `There are more than ${octets} octets.`);
}

function markOctets({ literal, bytes, lineEnd }: LineFragment): number {
  if (literal === undefined) return 0;
  const line = bytes.toString('latin1', Math.max(0, bytes.length - 32), bytes.length - lineEnd);
  return /~?\{[0-9]+\+?\}$/.exec(line)?.[0].length ?? 0;
}
