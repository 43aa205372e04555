import type { Connection } from '#lib/net/connection';
import { type Command, readCommand } from '../wire/command.js';
import { tagOf } from '../wire/commandhead.js';
import { WireError } from '../wire/error.js';
import { Framer, type LineFragment, type LiteralMark } from '../wire/framer.js';
import { LIMITS as WIRE_LIMITS } from '../wire/limits.js';
import { Gatherer } from '../wire/part.js';
import { hasStrayOctet } from '../wire/line.js';
import { FRONT_LIMITS } from './limits.js';

/** What comes from a client before login: commands, gathered whole, each with few octets. */
export type Incoming =
  | { readonly kind: 'command'; readonly command: Command }
  /** Something that is none, to be answered with BAD. */
  | { readonly kind: 'bad'; readonly tag: string | undefined; readonly text: string }
  /** The client will send no more. */
  | { readonly kind: 'end' };

/** Whether a line begins one of the commands before login that have strings for arguments. */
function hasStrings(line: Buffer): boolean {
  return /^[^ ]+ (?:LOGIN|AUTHENTICATE|ID) /i.test(line.toString('latin1', 0, 512));
}

/** A client that sends what can be taken for commands and is none: there is no going on. */
export class UnaskedLiteral extends Error {
  override readonly name = 'UnaskedLiteral';

  constructor() {
    super('A literal was sent before it was asked for.');
  }
}

/** Reads what a client sends before login. Rejects with FramingError, ConnectionError and UnaskedLiteral. */
export class IncomingCommands {
  readonly connection: Connection;
  readonly framer = new Framer('client', WIRE_LIMITS.loginLineOctets);

  readonly #over: AbortSignal;

  /** What comes when `over` is aborted is thrown away, and then there is an end. */
  constructor(connection: Connection, over: AbortSignal) {
    this.connection = connection;
    this.#over = over;
  }

  async next(): Promise<Incoming> {
    const gatherer = new Gatherer({ octets: FRONT_LIMITS.commandOctets, literals: FRONT_LIMITS.commandLiterals });
    let tag: string | undefined;
    while (true) {
      const fragment = await this.#fragment();
      if (fragment === undefined) return { kind: 'end' };
      if (fragment.kind === 'overlong') {
        return { kind: 'bad', tag: fragment.first ? tagOf(fragment.bytes) : tag, text: 'The line is too long' };
      }
      if (fragment.kind === 'line') {
        if (fragment.first) tag = tagOf(fragment.bytes);
        if (fragment.first && fragment.literal !== undefined && !hasStrings(fragment.bytes)) {
          return this.#bad(tag, fragment.literal, 'Log in first');
        }
        if (hasStrayOctet(fragment.bytes, fragment.lineEnd)) {
          return this.#bad(tag, fragment.literal, 'The line holds NUL or CR');
        }
        if (fragment.literal !== undefined && !this.#wants(fragment.literal, gatherer)) {
          return this.#bad(tag, fragment.literal, 'The literal is too large');
        }
      }
      try {
        const parts = gatherer.push(fragment);
        if (parts !== undefined) return { kind: 'command', command: readCommand(parts) };
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        return this.#bad(tag, fragment.kind === 'line' ? fragment.literal : undefined, error.message);
      }
      if (fragment.kind === 'line' && fragment.literal?.nonSynchronizing === false) {
        this.connection.write(Buffer.from('+ Send the literal.\r\n'));
      }
    }
  }

  /** A line that is no command: the answer to a challenge. Undefined at the end; `bad` where it is none. */
  async line(): Promise<Buffer | 'bad' | undefined> {
    const fragment = await this.#fragment();
    if (fragment === undefined) return undefined;
    if (fragment.kind !== 'line' || !fragment.last) {
      if (fragment.kind === 'line') this.#skip(fragment.literal);
      return 'bad';
    }
    return fragment.bytes.subarray(0, fragment.bytes.length - fragment.lineEnd);
  }

  async #fragment(): Promise<ReturnType<Framer['next']>> {
    while (true) {
      const fragment = this.framer.next();
      if (fragment !== undefined) return fragment;
      const chunk = await this.connection.read();
      if (chunk === undefined || this.#over.aborted) return undefined;
      this.framer.push(chunk);
    }
  }

  #wants(literal: LiteralMark, gatherer: Gatherer): boolean {
    return literal.size <= WIRE_LIMITS.loginLiteralOctets && gatherer.takes(literal);
  }

  #bad(tag: string | undefined, literal: LineFragment['literal'], text: string): Incoming {
    this.#skip(literal);
    return { kind: 'bad', tag, text: text.replace(/\.$/, '') };
  }

  #skip(literal: LineFragment['literal']): void {
    if (literal?.nonSynchronizing === false && this.framer.pending) throw new UnaskedLiteral();
    this.framer.skip(literal);
  }
}
