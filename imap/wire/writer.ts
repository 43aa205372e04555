import { isUtf8 } from 'node:buffer';
import { allOf, ASTRING, ATOM, type CharacterClass, QUOTED, QUOTED7 } from './characters.js';
import { WireError } from './error.js';
import { LIMITS } from './limits.js';
import { isLiteral, type Literal, type Part } from './part.js';

export interface WriterOptions {
  /**
   * Literals of up to so many octets are written non-synchronizing: 4,096 towards a server with LITERAL-, Infinity with LITERAL+
   * (RFC 7888 §4, §5), 0 towards one with neither, and towards a client. Undefined: copied ones stay as they came, others wait.
   */
  readonly nonSynchronizing?: number | undefined;
  /** UTF-8 can be quoted: agreed on with UTF8=ACCEPT or IMAP4rev2 (RFC 6855 §3, RFC 9051 §4.3). */
  readonly utf8?: boolean | undefined;
}

const MAX_NUMBER64 = (1n << 63n) - 1n;
/** A literal mark at the end of a line. */
const MARK = /~?\{([0-9]{1,20})\+?\}$/;
/** Octets that are copied by way of text. */
const SHORT = 256;
const CRLF = '\r\n';

/**
 * Writes a command, a response or a piece of one. A line never gets a CR, LF or NUL but the line ends that the writer itself
 * makes. Everything throws WireError (`unwritable`) for what cannot stand there.
 */
export class Writer {
  readonly #options: WriterOptions;
  #parts: Part[] = [];
  /** The present line: pieces, and text that is not among them yet. */
  #pieces: Buffer[] = [];
  #text = '';
  /** The line ends in text for people, in which nothing announces a literal. */
  #isText = false;

  constructor(options: WriterOptions = {}) {
    this.#options = options;
  }

  /** What has been written. */
  get parts(): readonly Part[] {
    return [...this.#parts, this.#line()];
  }

  /** What has been written since this was called last: for a command that is sent while it is written. */
  take(): readonly Part[] {
    const { parts } = this;
    this.#parts = [];
    this.#clear();
    return parts;
  }

  /** Ends the command or response. Refuses a line that would announce a literal. */
  end(): readonly Part[] {
    const line = this.#add(CRLF).#line();
    if (!this.#isText && MARK.test(tailOf(line.subarray(0, -CRLF.length)))) throw refused('a line without a literal');
    return [...this.#parts, line];
  }

  /** What the grammar itself says: names, spaces, parentheses. Printable ASCII, and not the beginning of a literal. */
  syntax(text: string): this {
    if (!/^[ -z|}~]*$/.test(text)) throw refused('a word');
    return this.#add(text);
  }

  space(): this {
    return this.#add(' ');
  }

  word(text: string, characters: CharacterClass, what: string): this {
    if (text === '' || !allOf(characters, octetsOf(text, what))) throw refused(what);
    return this.#add(text);
  }

  atom(text: string, what = 'an atom'): this {
    return this.word(text, ATOM, what);
  }

  /** From 0 to 2^63 - 1. */
  number(number: number | bigint, what = 'a number'): this {
    const isNumber = typeof number === 'bigint' ? number <= MAX_NUMBER64 : Number.isSafeInteger(number);
    if (!isNumber || number < 0) throw refused(what);
    return this.#add(number.toString());
  }

  flag(flag: string): this {
    if (flag === '\\*') return this.#add(flag);
    if (flag.startsWith('\\')) this.#add('\\');
    return this.word(flag.startsWith('\\') ? flag.slice(1) : flag, ASTRING, 'a flag');
  }

  flags(flags: readonly string[]): this {
    return this.list(flags, (flag) => this.flag(flag));
  }

  /** `(element element …)`. */
  list<T>(elements: readonly T[], write: (element: T) => unknown): this {
    this.#add('(');
    this.separated(elements, write);
    return this.#add(')');
  }

  /** The elements with one space between them. */
  separated<T>(elements: readonly T[], write: (element: T) => unknown): this {
    for (const [index, element] of elements.entries()) {
      if (index > 0) this.#add(' ');
      write(element);
    }
    return this;
  }

  /** Quoted, where it can be. */
  string(octets: Buffer): this {
    if (octets.includes(0)) throw refused('a string without NUL');
    const { utf8 } = this.#options;
    const fits = utf8 === true ? allOf(QUOTED, octets) && isUtf8(octets) : allOf(QUOTED7, octets);
    return fits && octets.length <= LIMITS.quotedOctets ? this.quoted(octets) : this.literal(octets);
  }

  quoted(octets: Buffer): this {
    if (!allOf(QUOTED, octets)) throw refused('a quoted string');
    this.#add('"');
    this.#push(escape(octets));
    return this.#add('"');
  }

  /** A string, or NIL for undefined. */
  nstring(octets: Buffer | undefined): this {
    return octets === undefined ? this.#add('NIL') : this.string(octets);
  }

  /** A word, where it can be one. `NIL` is quoted, which some readers need (RFC 9051 §4.5 says that it is a string here). */
  astring(octets: Buffer, characters: CharacterClass = ASTRING): this {
    if (octets.length === 0 || octets.length > LIMITS.quotedOctets || !allOf(characters, octets))
      return this.string(octets);
    const text = octets.toString('latin1');
    return text.toUpperCase() === 'NIL' ? this.quoted(octets) : this.#add(text);
  }

  /** A literal at hand, which can hold anything. */
  literal(bytes: Buffer, binary = false): this {
    return this.#literal({ size: bytes.length, nonSynchronizing: this.#waitsNot(bytes.length, false), binary, bytes });
  }

  /** The place of a literal that is streamed elsewhere. */
  streamed(size: number, binary = false): this {
    if (!Number.isSafeInteger(size) || size < 0) throw refused('the size of a literal');
    return this.#literal({ size, nonSynchronizing: this.#waitsNot(size, false), binary });
  }

  /**
   * What was read, octet by octet, but that a line of it ends in CRLF however it ended, and that its literals wait or do not as
   * this writer's do. It may end with the line end of the whole.
   */
  copy(parts: readonly Part[]): this {
    for (const [index, part] of parts.entries()) {
      if (isLiteral(part)) continue;
      const literal = parts[index + 1];
      const line = withoutLineEnd(part);
      if (line.includes(0) || line.includes(0x0a) || line.includes(0x0d))
        throw refused('octets without CR, LF and NUL');
      if (!isLiteral(literal)) {
        this.#push(line);
        continue;
      }
      const mark = MARK.exec(tailOf(line));
      if (mark === null || Number(mark[1]) !== literal.size) throw refused('a literal after its mark');
      const nonSynchronizing = this.#waitsNot(literal.size, literal.nonSynchronizing);
      if (nonSynchronizing === literal.nonSynchronizing) {
        this.#push(line).#add(CRLF);
        this.#endLine(literal);
      } else {
        this.#push(line.subarray(0, line.length - mark[0].length));
        this.#literal({ ...literal, nonSynchronizing });
      }
    }
    return this;
  }

  /** Text for people (RFC 9051 §9, `text`), to the end of the line. */
  text(octets: Buffer): this {
    if (!allOf(QUOTED, octets)) throw refused('a text');
    this.#push(octets);
    this.#isText = true;
    return this;
  }

  /** What stands in brackets in a response code: text without a bracket. */
  bracketed(octets: Buffer): this {
    if (octets.includes(0x5d) || !allOf(QUOTED, octets)) throw refused('a text in brackets');
    this.#push(octets);
    return this;
  }

  #add(text: string): this {
    this.#text += text;
    return this;
  }

  #push(octets: Buffer): this {
    // One buffer for many short pieces: an envelope has dozens.
    if (octets.length <= SHORT) return this.#add(octets.toString('latin1'));
    this.#pieces.push(Buffer.from(this.#text, 'latin1'), octets);
    this.#text = '';
    return this;
  }

  #line(): Buffer {
    const text = Buffer.from(this.#text, 'latin1');
    return this.#pieces.length === 0 ? text : Buffer.concat([...this.#pieces, text]);
  }

  #clear(): void {
    this.#pieces = [];
    this.#text = '';
  }

  #waitsNot(size: number, asItCame: boolean): boolean {
    const { nonSynchronizing } = this.#options;
    return nonSynchronizing === undefined ? asItCame : size <= nonSynchronizing && nonSynchronizing > 0;
  }

  #literal(literal: Literal): this {
    this.#add(`${literal.binary ? '~' : ''}{${literal.size}${literal.nonSynchronizing ? '+' : ''}}${CRLF}`);
    return this.#endLine(literal);
  }

  #endLine(literal: Literal): this {
    if (literal.bytes !== undefined && literal.bytes.length !== literal.size) throw refused('a literal of its size');
    this.#parts.push(this.#line(), literal);
    this.#clear();
    return this;
  }
}

function refused(what: string): WireError {
  return new WireError('unwritable', `A value cannot be written as ${what}.`);
}

function octetsOf(text: string, what: string): Buffer {
  const octets = Buffer.from(text, 'latin1');
  if (octets.toString('latin1') !== text) throw refused(what);
  return octets;
}

/** As much of the end of a line as a literal mark can be. */
function tailOf(line: Buffer): string {
  return line.toString('latin1', Math.max(0, line.length - 24));
}

function withoutLineEnd(line: Buffer): Buffer {
  if (line.at(-1) !== 0x0a) return line;
  return line.subarray(0, line.at(-2) === 0x0d ? -2 : -1);
}

function escape(octets: Buffer): Buffer {
  if (!octets.includes(0x22) && !octets.includes(0x5c)) return octets;
  return Buffer.from(octets.toString('latin1').replace(/["\\]/g, '\\$&'), 'latin1');
}
