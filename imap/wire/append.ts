import { TAG } from './characters.js';
import { readCommandHead } from './commandhead.js';
import { WireError } from './error.js';
import type { LineFragment, LiteralFragment, LiteralMark } from './framer.js';
import { Gatherer, isLiteral, type Part } from './part.js';
import { Reader } from './reader.js';
import type { Writer } from './writer.js';

/** What APPEND says of one message before its octets (RFC 9051 §6.3.12). */
export interface AppendMessage {
  readonly flags: readonly string[] | undefined;
  /** As it stands between the quotes. */
  readonly date: Buffer | undefined;
  /** `UTF8 (~{size})` (RFC 6855 §4). */
  readonly utf8: boolean;
  readonly literal: LiteralMark;
}

export type AppendStep =
  /** The name of the mailbox is a literal, which comes next, and is pushed. */
  | { readonly kind: 'mailbox'; readonly literal: LiteralMark }
  /** The octets of a message come next, and are not pushed. */
  | {
      readonly kind: 'message';
      readonly tag: string;
      readonly mailbox: Buffer;
      readonly message: AppendMessage;
      /** What has come since the message before, as it came, with the literal mark. */
      readonly original: readonly Part[];
    }
  /** A message made of pieces (RFC 4469), which is not read any further. The rest has to be skipped. */
  | { readonly kind: 'catenate'; readonly tag: string; readonly literal: LiteralMark | undefined }
  /** The command ends. */
  | { readonly kind: 'end'; readonly original: readonly Part[] };

/**
 * Reads APPEND as it comes, with one message or many (RFC 3502), so that the messages can be streamed. Every fragment is
 * pushed but the octets of messages. Throws WireError, and then the rest has to be skipped.
 */
export class AppendReader {
  #gatherer = new Gatherer();
  #start: { readonly tag: string; readonly mailbox: Buffer } | undefined;
  /** Of the message before, behind which a parenthesis closes. */
  #utf8 = false;
  #messages = 0;

  /** Returns a step behind each line, and undefined behind a piece of one and behind octets of the name of the mailbox. */
  push(fragment: LineFragment | LiteralFragment): AppendStep | undefined {
    this.#gatherer.push(fragment);
    if (fragment.kind === 'literal' || fragment.lineEnd === 0) return undefined;
    const { parts } = this.#gatherer;
    const [line] = parts;
    if (!Buffer.isBuffer(line)) throw new WireError('syntax', 'Expected a line.');
    if (this.#start !== undefined) return this.#next(new Reader(parts), parts, this.#start);
    const { tag, name, end } = readCommandHead(line);
    const reader = new Reader(parts, end);
    if (name !== 'APPEND') throw reader.expected('APPEND');
    reader.space();
    const [, literal] = parts;
    if (reader.atLiteral && isLiteral(literal) && literal.bytes === undefined) {
      if (!this.#gatherer.takes(literal)) throw new WireError('limit', 'The name of a mailbox is too long.');
      return { kind: 'mailbox', literal };
    }
    this.#start = { tag, mailbox: reader.astring('a mailbox') };
    return this.#next(reader, parts, this.#start);
  }

  #next(reader: Reader, parts: readonly Part[], start: { tag: string; mailbox: Buffer }): AppendStep {
    if (this.#utf8) reader.expect(')');
    if (this.#messages > 0 && reader.atEnd) return { kind: 'end', original: parts };
    const message = readMessage(reader);
    if (message === undefined) {
      const last = parts.at(-1);
      return { kind: 'catenate', tag: start.tag, literal: isLiteral(last) ? last : undefined };
    }
    this.#messages += 1;
    this.#utf8 = message.utf8;
    this.#gatherer = new Gatherer();
    return { kind: 'message', ...start, message, original: parts };
  }
}

/** Reads ` (flags) "date" {size}`. Undefined for CATENATE. */
function readMessage(reader: Reader): AppendMessage | undefined {
  reader.space();
  const flags = reader.peek() === 0x28 ? reader.flags() : undefined;
  if (flags !== undefined) reader.space();
  const date = reader.peek() === 0x22 ? reader.quoted('a date') : undefined;
  if (date !== undefined) reader.space();
  if (reader.take('CATENATE ')) return undefined;
  const utf8 = reader.take('UTF8 (');
  const { size, nonSynchronizing, binary } = reader.literal('the literal of a message');
  if (utf8 && !binary) throw reader.expected('a binary literal');
  return { flags, date, utf8, literal: { size, nonSynchronizing, binary } };
}

/** Writes the tag, the name and the mailbox. */
export function writeAppend(writer: Writer, tag: string, mailbox: Buffer): void {
  writer.word(tag, TAG, 'a tag').syntax(' APPEND ').astring(mailbox);
}

/**
 * Writes what stands before a message and the place of its octets, which are as many as `message.literal` says. Whether the
 * literal waits is the writer's decision. Behind the last message the writer's `end` follows.
 */
export function writeAppendMessage(writer: Writer, { flags, date, utf8, literal }: AppendMessage): void {
  writer.space();
  if (flags !== undefined) writer.flags(flags).space();
  if (date !== undefined) writer.quoted(date).space();
  if (utf8) writer.syntax('UTF8 (');
  writer.streamed(literal.size, literal.binary);
  if (utf8) writer.syntax(')');
}
