/**
 * imap/wire: octets to typed commands and responses and back. Pure: no sockets, no policy. First comes framing (this file): the
 * stream is split into fragments of lines and literals before any grammar looks at it, so that the octets of a literal are never
 * read as a command or a response, whatever stands around them.
 */
import { LIMITS } from './limits.js';

/** What stands at the end of a line that a literal follows: `{size}`, `{size+}`, `~{size}` (RFC 9051 §4.3, RFC 7888, RFC 3516). */
export interface LiteralMark {
  /** Octets. */
  readonly size: number;
  /** `{size+}`: the sender does not wait for a continuation request. */
  readonly nonSynchronizing: boolean;
  /** `~{size}`: literal8, which may hold NUL. */
  readonly binary: boolean;
}

/** A line, or the piece of one up to a literal or to the limit. */
export interface LineFragment {
  readonly kind: 'line';
  /** With its line end, where it has one. Without, the rest of the line follows in another fragment. */
  readonly bytes: Buffer;
  /** Octets of the line end: CRLF, a bare LF, or none. */
  readonly lineEnd: 0 | 1 | 2;
  /** The first fragment of a command or response. */
  readonly first: boolean;
  /** The literal that follows. */
  readonly literal: LiteralMark | undefined;
  /** The command or response ends here. */
  readonly last: boolean;
}

/** Octets of a literal, as they come: never more than one chunk of input. */
export interface LiteralFragment {
  readonly kind: 'literal';
  readonly bytes: Buffer;
  /** The literal ends here, and a line fragment follows. A literal of no octets has one empty fragment. */
  readonly last: boolean;
}

/** A command with a line longer than the limit. It is not handed out: it has been skipped, literals and all. */
export interface OverlongFragment {
  readonly kind: 'overlong';
  /** How its overlong line begins: enough for a tag. */
  readonly bytes: Buffer;
  /** The overlong line is the command's first. If not, fragments of the command have been handed out before. */
  readonly first: boolean;
}

export type Fragment = LineFragment | LiteralFragment | OverlongFragment;

/** A stream that cannot be framed any further: where the next command or response begins is not known. */
export class FramingError extends Error {
  override readonly name = 'FramingError';
}

const CR = 0x0d;
const LF = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const CLOSING_BRACE = 0x7d;
const EMPTY: Buffer = Buffer.alloc(0);
/** Octets at the end of a line that can be a literal mark: `~{`, 20 digits, `+}`, CRLF. */
const MARK_ROOM = 32;
const MARK = /(~?)\{([0-9]{1,20})(\+?)\}$/;
/** Pieces of an unfinished line that are held apart; more are joined. */
const PIECES = 64;

/**
 * Splits what one side sends. Of a `client`, a command with a line longer than the limit is skipped, and a mark inside a quoted
 * string announces nothing (the line is malformed, and the grammar says so). Of a `provider`, a line longer than the limit comes
 * in several fragments, and free text that ends like a mark announces nothing.
 *
 * A line ends in LF, with or without CR before it: more than RFC 9051 §2.2 allows, and what every server takes.
 */
export class Framer {
  readonly #isClient: boolean;
  #limit: number;
  #chunk: Buffer = EMPTY;
  #at = 0;
  /** What has come of a line whose end has not. */
  #held: Buffer[] = [];
  #heldOctets = 0;
  /** Octets of the present literal that have not come. Undefined between literals. */
  #missing: number | undefined;
  /** The next line fragment begins a command or response. */
  #first = true;
  /** What earlier fragments of the present line leave behind. */
  #line: LineState | undefined;
  /** The rest of the present command is not handed out. What is, at its end, where its line was too long. */
  #skipping = false;
  #overlong: OverlongFragment | undefined;

  constructor(side: 'client' | 'provider', limit: number = LIMITS.lineOctets) {
    this.#isClient = side === 'client';
    this.#limit = limit;
  }

  /** Another limit from here on, in octets of a line. */
  set limit(octets: number) {
    this.#limit = octets;
  }

  /** Takes the next chunk of input. */
  push(chunk: Buffer): void {
    this.#chunk = this.#at < this.#chunk.length ? Buffer.concat([this.#chunk.subarray(this.#at), chunk]) : chunk;
    this.#at = 0;
  }

  /** Octets have come that no fragment has handed out. */
  get pending(): boolean {
    return this.#at < this.#chunk.length || this.#heldOctets > 0;
  }

  /** Nothing of a command or response has come that has not ended. */
  get atBoundary(): boolean {
    return this.#first && !this.pending && !this.#skipping;
  }

  /** Takes out what has come and has not been handed out: for who goes on reading without this framer. */
  takeRest(): Buffer {
    const rest = Buffer.concat([...this.#held, this.#chunk.subarray(this.#at)]);
    this.#held = [];
    this.#heldOctets = 0;
    this.#chunk = EMPTY;
    this.#at = 0;
    return rest;
  }

  /** The next fragment, or undefined where more input is needed. Throws FramingError. */
  next(): Fragment | undefined {
    while (true) {
      const fragment = this.#missing === undefined ? this.#nextLine() : this.#nextLiteral(this.#missing);
      if (fragment === undefined || !this.#skipping) return fragment;
      if (fragment.kind === 'line' && (fragment.last || fragment.literal?.nonSynchronizing === false)) {
        const overlong = this.#endSkipping();
        if (overlong !== undefined) return overlong;
      }
    }
  }

  /**
   * Skips the rest of the command whose last fragment so far was taken. A synchronizing literal that was announced at the end of it
   * will not come, because the client is not asked for it, and neither will a rest.
   */
  skip(announced?: LiteralMark): void {
    if (this.#first) return;
    this.#skipping = true;
    if (announced?.nonSynchronizing === false) this.#endSkipping();
  }

  #endSkipping(): OverlongFragment | undefined {
    const overlong = this.#overlong;
    this.#overlong = undefined;
    this.#skipping = false;
    this.#missing = undefined;
    this.#first = true;
    return overlong;
  }

  #nextLiteral(missing: number): LiteralFragment | undefined {
    if (missing > 0 && this.#at >= this.#chunk.length) return undefined;
    const bytes = this.#chunk.subarray(this.#at, this.#at + missing);
    this.#at += bytes.length;
    const last = bytes.length === missing;
    this.#missing = last ? undefined : missing - bytes.length;
    return { kind: 'literal', bytes, last };
  }

  #nextLine(): LineFragment | undefined {
    const chunk = this.#chunk;
    const end = chunk.indexOf(LF, this.#at) + 1;
    if (end === 0) {
      this.#hold(chunk.subarray(this.#at));
      this.#at = chunk.length;
      return this.#heldOctets > this.#limit ? this.#piece(this.#takeHeld()) : undefined;
    }
    const rest = chunk.subarray(this.#at, end);
    this.#at = end;
    const bytes = this.#heldOctets === 0 ? rest : this.#takeHeld(rest);
    // The limit holds wherever the chunks are cut.
    if (bytes.length > this.#limit + 2 && this.#isClient) this.#tooLong(bytes, this.#first);
    return this.#lineEnd(bytes);
  }

  #lineEnd(bytes: Buffer): LineFragment {
    const lineEnd = bytes.at(-2) === CR || (bytes.length === 1 && this.#line?.tail.at(-1) === CR) ? 2 : 1;
    const literal = this.#mark(bytes);
    const first = this.#first;
    this.#line = undefined;
    this.#missing = literal?.size;
    this.#first = literal === undefined;
    return { kind: 'line', bytes, lineEnd, first, literal, last: literal === undefined };
  }

  /** A fragment that is not the end of its line. */
  #piece(bytes: Buffer): LineFragment {
    const first = this.#first;
    this.#first = false;
    if (this.#isClient) this.#tooLong(bytes, first);
    const before = this.#line;
    const tail = Buffer.concat([before?.tail ?? EMPTY, bytes.subarray(-MARK_ROOM)]).subarray(-MARK_ROOM);
    this.#line = {
      tail: Buffer.from(tail),
      quoted: this.#isClient && endsQuoted(bytes, before?.quoted ?? false),
      isText: before?.isText ?? (first && isFreeText(bytes)),
    };
    return { kind: 'line', bytes, lineEnd: 0, first, literal: undefined, last: false };
  }

  #tooLong(bytes: Buffer, first: boolean): void {
    this.#overlong ??= { kind: 'overlong', bytes: Buffer.from(bytes.subarray(0, MARK_ROOM * 8)), first };
    this.#skipping = true;
  }

  /** The literal mark at the end of a line. */
  #mark(bytes: Buffer): LiteralMark | undefined {
    const before = this.#line;
    const tail = bytes.length < MARK_ROOM && before !== undefined ? Buffer.concat([before.tail, bytes]) : bytes;
    const end = tail.length - (tail.at(-2) === CR ? 2 : 1);
    if (tail[end - 1] !== CLOSING_BRACE) return undefined;
    const [, tilde, digits, plus] = MARK.exec(tail.toString('latin1', Math.max(0, end - MARK_ROOM), end)) ?? [];
    if (digits === undefined) return undefined;
    if (this.#isClient ? endsQuoted(bytes, before?.quoted ?? false) : this.#announcesNothing(bytes, plus)) {
      return undefined;
    }
    const size = Number(digits);
    if (!Number.isSafeInteger(size)) throw new FramingError(`A literal of ${digits} octets is too large.`);
    return { size, nonSynchronizing: plus === '+', binary: tilde === '~' };
  }

  /** Servers send no non-synchronizing literals (RFC 7888 §3), and none in free text. */
  #announcesNothing(bytes: Buffer, plus: string | undefined): boolean {
    return plus === '+' || (this.#line?.isText ?? (this.#first && isFreeText(bytes)));
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#held.push(bytes);
    this.#heldOctets += bytes.length;
    if (this.#held.length > PIECES) this.#held = [Buffer.concat(this.#held)];
  }

  #takeHeld(rest: Buffer = EMPTY): Buffer {
    const bytes = Buffer.concat([...this.#held, rest]);
    this.#held = [];
    this.#heldOctets = 0;
    return bytes;
  }
}

interface LineState {
  /** Its last octets so far. */
  readonly tail: Buffer;
  /** Of a client's line: a quoted string is open. */
  readonly quoted: boolean;
  /** Of a provider's line: what ends it is free text. */
  readonly isText: boolean;
}

/** Whether a quoted string (RFC 9051 §9, `quoted`) is open at the end of a line or of a piece of one. */
function endsQuoted(bytes: Buffer, quoted: boolean): boolean {
  let open = quoted;
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at];
    if (octet === QUOTE) open = !open;
    else if (octet === BACKSLASH && open) at++;
  }
  return open;
}

/**
 * A status response or a continuation request whose human-readable text has begun (RFC 9051 §7.1, §7.6): no literal follows that. In the code
 * before it one can (BADCHARSET).
 */
function isFreeText(line: Buffer): boolean {
  const start = line.toString('latin1', 0, 1024);
  if (start.startsWith('+')) return true;
  const [status] = /^[^ ]+ (?:OK|NO|BAD|BYE|PREAUTH) /i.exec(start) ?? [];
  if (status === undefined) return false;
  return line[status.length] !== 0x5b || line.includes(0x5d, status.length);
}
