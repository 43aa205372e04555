import { ASTRING, ATOM, type CharacterClass, DIGIT, isOf } from './characters.js';
import { WireError } from './error.js';
import { LIMITS } from './limits.js';
import { isLiteral, type Literal, type Part } from './part.js';

/** A place between two octets of parts. */
export interface Place {
  /** Index of the line among the parts. */
  readonly part: number;
  /** Octets of that line before it. */
  readonly at: number;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LF = 0x0a;
const CR = 0x0d;
const BRACKET = 0x5b;
const EMPTY: Buffer = Buffer.alloc(0);
/** A literal mark at the end of a line, before the line end. */
const MARK = /~?\{[0-9]{1,20}\+?\}$/;
const MAX_NUMBER = 0xffff_ffff;
const MAX_NUMBER64 = (1n << 63n) - 1n;

/**
 * Reads the parts of a command, a response or a piece of one from left to right. Everything throws WireError where something
 * else stands than is asked for (`syntax`), or too much of it (`limit`).
 *
 * Words are text, and content (strings) octets.
 */
export class Reader {
  readonly #parts: readonly Part[];
  #part = 0;
  #line: Buffer;
  #at: number;
  /** Where the line's literal mark or line end begins. */
  #end = 0;
  #depth = 0;
  #elements = 0;

  /** From the beginning of the first line, or from `at` octets in it. */
  constructor(parts: readonly Part[], at = 0) {
    this.#parts = parts;
    this.#line = EMPTY;
    this.#at = at;
    this.#openLine();
  }

  #openLine(): void {
    const line = this.#parts[this.#part];
    this.#line = Buffer.isBuffer(line) ? line : EMPTY;
    let end = this.#line.length;
    if (this.#line[end - 1] === LF) end -= this.#line[end - 2] === CR ? 2 : 1;
    if (isLiteral(this.#parts[this.#part + 1])) {
      const mark = MARK.exec(this.#line.toString('latin1', Math.max(0, end - 24), end));
      if (mark !== null) end -= mark[0].length;
    }
    this.#end = end;
  }

  get place(): Place {
    return { part: this.#part, at: this.#at };
  }

  /** Back to a place. */
  back(place: Place): void {
    this.#part = place.part;
    this.#openLine();
    this.#at = place.at;
  }

  /** What stands between a place and here. */
  since(place: Place): readonly Part[] {
    if (place.part === this.#part) return [this.#line.subarray(place.at, this.#at)];
    const parts = this.#parts.slice(place.part, this.#part);
    const [first] = parts;
    if (Buffer.isBuffer(first)) parts[0] = first.subarray(place.at);
    parts.push(this.#line.subarray(0, this.#at));
    return parts;
  }

  /** The error that something else was expected here. */
  expected(what: string): WireError {
    const where = this.#part === 0 ? '' : ` of line ${this.#part / 2 + 1}`;
    return new WireError('syntax', `Expected ${what} at octet ${this.#at}${where}.`);
  }

  /** The next octet, or undefined at the end of the line, which may be a literal. */
  peek(): number | undefined {
    return this.#at < this.#end ? this.#line[this.#at] : undefined;
  }

  /** A literal comes next. */
  get atLiteral(): boolean {
    return this.#at >= this.#end && isLiteral(this.#parts[this.#part + 1]);
  }

  /** Nothing comes any more. */
  get atEnd(): boolean {
    return this.#at >= this.#end && !isLiteral(this.#parts[this.#part + 1]);
  }

  /** Throws where something is left. */
  end(): void {
    if (!this.atEnd) throw this.expected('the end');
  }

  /** Steps over a text of ASCII, in any case, if it comes next. */
  take(text: string): boolean {
    const { length } = text;
    if (this.#end - this.#at < length) return false;
    for (let index = 0; index < length; index++) {
      const wanted = text.charCodeAt(index);
      const octet = this.#line[this.#at + index] ?? 0;
      // A letter differs from itself in another case by one bit.
      if (octet !== wanted && ((octet ^ wanted) !== 0x20 || !isLetter(wanted))) return false;
    }
    this.#at += length;
    return true;
  }

  /** Steps over a text, which has to come next. */
  expect(text: string): void {
    if (!this.take(text)) throw this.expected(text === ' ' ? 'a space' : `"${text}"`);
  }

  /** Something new begins here: a space comes, or the end of the line. */
  wordEnd(): void {
    if (this.#at < this.#end && this.peek() !== SPACE) throw this.expected('a space');
  }

  /** Steps over one space. */
  space(): void {
    if (this.peek() !== SPACE) throw this.expected('a space');
    this.#at += 1;
  }

  /** As many octets of a class as come, at least one, as text. */
  word(characters: CharacterClass, what: string): string {
    const start = this.#at;
    while (this.#at < this.#end && isOf(characters, this.#line[this.#at])) this.#at += 1;
    if (this.#at === start) throw this.expected(what);
    return this.#line.toString('latin1', start, this.#at);
  }

  atom(what = 'an atom'): string {
    return this.word(ATOM, what);
  }

  /** An atom in upper case: a name that is the same in any case. */
  name(what = 'a name'): string {
    return this.word(ATOM, what).toUpperCase();
  }

  /** Of 32 bits. */
  number(what = 'a number'): number {
    const number = Number(this.#digits(what));
    if (number > MAX_NUMBER) throw this.expected(`${what} of 32 bits`);
    return number;
  }

  /** Of 32 bits, and not 0. It does not begin with 0 either (RFC 9051 §9, `nz-number`). */
  positive(what = 'a number other than 0'): number {
    if (this.peek() === 0x30) throw this.expected(what);
    return this.number(what);
  }

  /** Of 63 bits. */
  number64(what = 'a number'): bigint {
    const number = BigInt(this.#digits(what));
    if (number > MAX_NUMBER64) throw this.expected(`${what} of 63 bits`);
    return number;
  }

  /** Octets: of 63 bits, and refused above 2^53, which no message has. */
  octets(what = 'a number of octets'): number {
    const number = Number(this.number64(what));
    if (!Number.isSafeInteger(number)) throw this.expected(`${what} below 2^53`);
    return number;
  }

  #digits(what: string): string {
    const digits = this.word(DIGIT, what);
    if (digits.length > 20) throw this.expected(`${what} of 20 digits at most`);
    return digits;
  }

  /** What a quoted string says. */
  quoted(what = 'a quoted string'): Buffer {
    if (this.peek() !== QUOTE) throw this.expected(what);
    const start = this.#at + 1;
    const line = this.#line;
    let escaped = false;
    for (let at = start; at < this.#end; at++) {
      let octet = line[at];
      if (octet === QUOTE) {
        this.#at = at + 1;
        return escaped ? unescape(line.subarray(start, at)) : line.subarray(start, at);
      }
      if (octet === BACKSLASH) {
        escaped = true;
        at += 1;
        if (at >= this.#end) break;
        octet = line[at];
      }
      if (octet === CR || octet === LF || octet === 0) {
        this.#at = at;
        throw this.expected('another octet in a quoted string');
      }
    }
    throw this.expected('a quoted string that ends');
  }

  /** A literal, whose bytes may be missing. */
  literal(what = 'a literal'): Literal {
    const literal = this.#parts[this.#part + 1];
    if (this.#at < this.#end || !isLiteral(literal)) throw this.expected(what);
    this.#part += 2;
    this.#at = 0;
    this.#openLine();
    return literal;
  }

  /** Quoted, or a literal that is at hand. */
  string(what = 'a string'): Buffer {
    if (!this.atLiteral) return this.quoted(what);
    const { bytes } = this.literal();
    if (bytes === undefined) throw this.expected(`${what} that is at hand`);
    return bytes;
  }

  /** A string, or undefined for NIL. */
  nstring(what = 'a string or NIL'): Buffer | undefined {
    return this.nil() ? undefined : this.string(what);
  }

  /** Steps over NIL, if it comes next and is a whole word. */
  nil(): boolean {
    return this.take('NIL') && (!isOf(ASTRING, this.peek()) || this.#stepBack(3));
  }

  #stepBack(octets: number): false {
    this.#at -= octets;
    return false;
  }

  /** A string, or a word of the class. */
  astring(what = 'a string', characters: CharacterClass = ASTRING): Buffer {
    const octet = this.peek();
    if (octet === undefined || octet === QUOTE) return this.string(what);
    return Buffer.from(this.word(characters, what), 'latin1');
  }

  /** `\Seen`, `$Forwarded`, `\*`, as it is spelled. Keywords with `]`, which RFC 9051 §9 does not allow, are in use. */
  flag(): string {
    const start = this.#at;
    if (this.take('\\') && this.take('*')) return '\\*';
    this.word(ASTRING, 'a flag');
    return this.#line.toString('latin1', start, this.#at);
  }

  /** `(flag flag …)`. */
  flags(): readonly string[] {
    return this.list(() => this.flag());
  }

  /** `(element element …)`, or `()`. */
  list<T>(element: () => T): readonly T[] {
    this.open();
    const elements: T[] = [];
    while (!this.take(')')) {
      if (elements.length > 0) this.space();
      elements.push(this.element(element));
    }
    this.#depth -= 1;
    return elements;
  }

  /** Words behind a space each, up to what is no space. A space at the end of the line is passed over. */
  words<T>(word: () => T): readonly T[] {
    const words: T[] = [];
    while (this.take(' ') && !this.atEnd) words.push(this.element(word));
    return words;
  }

  /** One element of many, which counts towards the limit. */
  element<T>(element: () => T): T {
    this.#elements += 1;
    if (this.#elements > LIMITS.elements) {
      throw new WireError('limit', `There are more than ${LIMITS.elements} elements.`);
    }
    return element();
  }

  /** Steps over `(`. Every `open` has its `close`. */
  open(): void {
    this.expect('(');
    this.nest();
  }

  close(): void {
    this.expect(')');
    this.#depth -= 1;
  }

  /** One level deeper. */
  nest(): void {
    this.#depth += 1;
    if (this.#depth > LIMITS.nesting)
      throw new WireError('limit', `It is nested deeper than ${LIMITS.nesting} levels.`);
  }

  unnest(): void {
    this.#depth -= 1;
  }

  /** Steps over what nobody here knows: a word, a string, or a list of such, with whatever is in it. Returns it. */
  opaque(what = 'a value'): readonly Part[] {
    const start = this.place;
    const depth = this.#depth;
    do {
      const octet = this.peek();
      if (octet === undefined && this.atLiteral) this.literal();
      else if (octet === QUOTE) this.quoted();
      else if (this.take('(')) this.nest();
      else if (octet === 0x29 && this.#depth > depth) this.close();
      else if (octet === SPACE && this.#depth > depth) this.#at += 1;
      else this.#opaqueWord(what);
    } while (this.#depth > depth);
    return this.since(start);
  }

  #opaqueWord(what: string): void {
    const start = this.#at;
    while (this.#at < this.#end) {
      const octet = this.#line[this.#at];
      if (octet === undefined || octet <= SPACE || octet === 0x28 || octet === 0x29 || octet === QUOTE) break;
      this.#at += 1;
    }
    if (this.#at === start) throw this.expected(what);
  }

  /** What comes before an octet of ASCII in this line. */
  upTo(text: string): Buffer {
    const end = this.#line.indexOf(text, this.#at, 'latin1');
    if (end === -1 || end >= this.#end) throw this.expected(`"${text}"`);
    const octets = this.#line.subarray(this.#at, end);
    this.#at = end;
    return octets;
  }

  /** The name of an item in upper case, up to the bracket of its section: `BODY`, `BINARY.PEEK`. */
  itemName(what: string): string {
    const start = this.#at;
    while (this.peek() !== BRACKET && isOf(ATOM, this.peek())) this.#at += 1;
    if (this.#at === start) throw this.expected(what);
    return this.#line.toString('latin1', start, this.#at).toUpperCase();
  }

  /** Steps over the section of an item, brackets included, whatever is in it. */
  opaqueSection(): void {
    this.expect('[');
    while (!this.take(']')) {
      const octet = this.peek();
      if (octet === undefined) this.literal('"]"');
      else if (octet === QUOTE) this.quoted();
      else this.#at += 1;
    }
  }

  /** What is left of the line: text for people, which may hold anything. */
  text(): Buffer {
    const text = this.#line.subarray(this.#at, this.#end);
    this.#at = this.#end;
    return text;
  }

  /** Everything that is left. */
  rest(): readonly Part[] {
    const start = this.place;
    this.text();
    while (this.atLiteral) {
      this.literal();
      this.text();
    }
    return this.since(start);
  }
}

function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

function unescape(quoted: Buffer): Buffer {
  const octets = Buffer.alloc(quoted.length);
  let length = 0;
  for (let at = 0; at < quoted.length; at++) {
    if (quoted[at] === BACKSLASH) at += 1;
    octets[length++] = quoted[at] ?? 0;
  }
  return octets.subarray(0, length);
}
