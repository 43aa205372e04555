import { ConnectionError } from '#lib/net/connection';
import { type CommandRow, commandRow } from '../commands/table.js';
import type { Provider } from '../messages/provider.js';
import { PIPE_LIMITS } from './limits.js';
import type { Fragment, Framer, LineFragment, LiteralFragment, LiteralMark, OverlongFragment } from '../wire/framer.js';
import { type CommandHead, readCommandHead, tagOf } from '../wire/commandhead.js';
import { WireError } from '../wire/error.js';
import { hasFalseMark, hasStrayOctet } from '../wire/line.js';
import type { Context } from './context.js';
import { OwnCommands } from './own.js';
import { providerOf } from './ownfetch.js';
import type { Entry, Wait } from './queue.js';

const CRLF = Buffer.from('\r\n');
/** What a non-synchronizing literal may have at most where the provider has LITERAL- (RFC 7888 §5). */
const LITERAL_MINUS = 4096;

/** The client breaks the protocol in a way that leaves no safe way to go on. The message is for the client and the log. */
export class ClientViolation extends Error {
  override readonly name = 'ClientViolation';
}

/**
 * A command is half on its way to the provider and cannot be completed: the connection is to be cut, so that nothing of it is carried
 * out. The message is for the client and the log.
 */
export class Unfinished extends Error {
  override readonly name = 'Unfinished';
}

/**
 * A handler of a command that does not simply pass: see imap/commands. No other command of the client is read until what it returns
 * is settled; it may read the rest of its own with `rest`.
 */
export type Handler = (line: LineFragment, head: CommandHead, commands: Commands) => Wait;

/** Takes a line that is no command. It may be the beginning of one that is too long. */
type Interlude = (line: Buffer) => void;

/** The handlers by the treatment that the table names. */
export type Handlers = Readonly<Partial<Record<CommandRow['treatment'], Handler>>>;

/**
 * From the client to the provider: each command passes, is handled by a file in imap/commands, or is refused, as the table there says.
 * Whatever is refused never reaches the provider, and no octet of it is read as another command.
 */
export class Commands {
  readonly context: Context;
  readonly framer: Framer;
  /** Commands of our own between those of the client. */
  readonly own: OwnCommands;
  /** Where messages are read from. */
  readonly provider: Provider;
  /** Is called when octets have come from the client. */
  heard: () => void = () => undefined;
  readonly #handlers: Handlers;
  /** The command whose fragments pass at the moment. */
  #passing: Entry | undefined;
  /** Takes the client's next line in place of the ordinary ways (IDLE). */
  #interlude: Interlude | undefined;
  #refusals = 0;

  constructor(context: Context, framer: Framer, handlers: Handlers) {
    this.context = context;
    this.framer = framer;
    this.own = new OwnCommands(this);
    this.provider = providerOf(this.own, context);
    this.#handlers = handlers;
  }

  /** Nothing of a command is on its way, so that a command of our own may be sent. */
  get between(): boolean {
    return this.#passing === undefined && this.#interlude === undefined;
  }

  /** Takes the next fragment. Throws ClientViolation. */
  take(fragment: Fragment): Wait {
    if (fragment.kind === 'overlong') return this.#overlong(fragment);
    if (fragment.kind === 'literal') return this.#octets(fragment);
    if (!fragment.first) return this.#continue(fragment);
    if (this.#takeInterlude(fragment.bytes)) {
      this.skip(fragment.literal);
      return undefined;
    }
    return this.#begin(fragment);
  }

  /** Reads on, when what was to be written is. Resolves to false when no more will come. */
  async more(): Promise<boolean> {
    const { client, toClient, toProvider } = this.context;
    await toProvider.ready();
    await toClient.ready();
    const chunk = await client.read();
    if (chunk === undefined) return false;
    this.heard();
    this.framer.push(chunk);
    return true;
  }

  /** For a handler: the next fragment of its command, whose end has not come. Rejects with ConnectionError when none comes. */
  async rest(): Promise<Fragment> {
    for (let fragment = this.framer.next(); ; fragment = this.framer.next()) {
      if (fragment !== undefined) return fragment;
      if (!(await this.more())) throw new ConnectionError('closed', 'The client closed the connection.');
    }
  }

  /** For a handler: from here on it writes a command to the provider itself, and nothing else is written until `endSending`. */
  beginSending(entry: Entry): void {
    this.#sent(entry);
    this.#passing = entry;
  }

  /** For a handler: the provider waits for nothing more of the command. */
  endSending(): void {
    this.#passing = undefined;
  }

  /** Answers a command that the provider does not get, when its turn comes. */
  answer(tag: string, row: CommandRow, answer: string): Wait {
    this.context.queue.add({ tag, row, answer });
    this.context.settle();
    return undefined;
  }

  /** Refuses a command, and skips what comes of it (see `skip`). Throws ClientViolation when it was once too often. */
  refuse(announced: LiteralMark | undefined, tag: string | undefined, text: string): Wait {
    this.#countRefusal();
    this.skip(announced);
    return this.#bad(tag, text);
  }

  /** Passes a command on as it comes. */
  pass(line: LineFragment, entry: Entry): Wait {
    this.#sent(entry);
    this.#passing = entry;
    entry.passed?.(line);
    return this.#forward(line, entry, line.bytes);
  }

  /** Passes a command of one line on with another line in its place. */
  passInstead(entry: Entry, line: string): Wait {
    this.#sent(entry);
    this.context.toProvider.add(Buffer.from(line, 'latin1'));
    return undefined;
  }

  /** Gives the client's next line to `take`, whatever it is. */
  interlude(take: Interlude): void {
    this.#interlude = take;
  }

  /** The line is not waited for any more, if this one was to take it. */
  endInterlude(take: Interlude): void {
    if (this.#interlude === take) this.#interlude = undefined;
  }

  /** No more comes from the client. Ends IDLE. False where a command is on its way half, which nothing can end. */
  leave(): boolean {
    if (this.#passing !== undefined) return false;
    if (this.#interlude !== undefined) this.context.toProvider.add(Buffer.from('DONE\r\n'));
    this.#interlude = undefined;
    return true;
  }

  #sent(entry: Entry): void {
    this.#refusals = 0;
    this.context.queue.add(entry);
    // It may be what held EXPUNGEs have waited for.
    this.context.settle();
  }

  #begin(line: LineFragment): Wait {
    const problem = problemOf(line);
    const tagged = tagOf(line.bytes);
    if (problem !== undefined) return this.refuse(line.literal, tagged, problem);
    const head = headOf(line.bytes);
    if (head instanceof WireError) return this.refuse(line.literal, tagged, head.message);
    // Its answer would not be known for what it is.
    if (tagged === undefined) return this.refuse(line.literal, undefined, 'The tag is too long');
    const { tag, name } = head;
    const row = commandRow(name);
    if (row.treatment === 'refuse') return this.refuse(line.literal, tag, row.reason ?? 'This command is refused');
    if (row.numbers === true && this.context.queue.ownMayExpunge) return this.#afterOwn(line);
    // The client counts messages that are gone. RFC 2180 §4.1 and RFC 5530: it is told so, and asks with NOOP.
    if (row.numbers === true && !this.context.held.none) {
      this.skip(line.literal);
      return this.answer(tag, row, `${tag} NO [EXPUNGEISSUED] Some of the messages are gone; NOOP tells which.\r\n`);
    }
    const handler = this.#handlers[row.treatment];
    return handler === undefined ? this.pass(line, { tag, row }) : handler(line, head, this);
  }

  /** An EXPUNGE that came with a command of our own would change what the numbers mean on their way. */
  async #afterOwn(line: LineFragment): Promise<void> {
    await this.context.queue.ownAnswered();
    await this.#begin(line);
  }

  #continue(line: LineFragment): Wait {
    const entry = this.#passing;
    if (entry === undefined) return undefined;
    const problem = problemOf(line);
    if (problem !== undefined) throw new ClientViolation(`${problem}.`);
    entry.passed?.(line);
    return this.#forward(line, entry, line.bytes);
  }

  #octets(literal: LiteralFragment): Wait {
    this.#passing?.passed?.(literal);
    this.context.toProvider.add(literal.bytes);
    return undefined;
  }

  /** A line of a command that passes. What follows a literal that the provider does not want is skipped. */
  #forward(line: LineFragment, entry: Entry, bytes: Buffer): Wait {
    const { literal } = line;
    if (literal === undefined) {
      this.#passing = undefined;
      this.#add(bytes, line.lineEnd);
      return undefined;
    }
    if (literal.nonSynchronizing && this.#takesAtOnce(literal)) {
      this.#add(bytes, line.lineEnd);
      return undefined;
    }
    return this.#await(line, literal, entry, bytes);
  }

  /** Sends a line whose literal has to be asked for, and waits until the provider does. */
  async #await(line: LineFragment, literal: LiteralMark, entry: Entry, bytes: Buffer): Promise<void> {
    const { queue, toProvider } = this.context;
    this.#add(literal.nonSynchronizing ? synchronizing(bytes, line.lineEnd) : bytes, line.lineEnd);
    const granted = queue.continuation(entry, !literal.nonSynchronizing);
    toProvider.flush();
    if (await granted) return;
    this.skip(literal);
    this.#passing = undefined;
  }

  #takesAtOnce({ size }: LiteralMark): boolean {
    const { literals } = this.context;
    return literals === 'plus' || (literals === 'minus' && size <= LITERAL_MINUS);
  }

  /** A client's bare LF goes on as the CRLF that it stands for. */
  #add(bytes: Buffer, lineEnd: number): void {
    const { toProvider } = this.context;
    toProvider.add(lineEnd === 2 ? bytes : bytes.subarray(0, bytes.length - lineEnd));
    if (lineEnd !== 2) toProvider.add(CRLF);
  }

  /**
   * Skips the rest of a refused command: `announced` is the literal at the end of the last line, where nothing of it has come. A client that sends a synchronizing literal unasked has sent octets of a message, perhaps,
   * that we would read as commands: there is no going on with that.
   */
  skip(announced: LiteralMark | undefined): void {
    if (announced?.nonSynchronizing === false && this.framer.pending) {
      throw new ClientViolation('A literal was sent before it was asked for.');
    }
    this.framer.skip(announced);
  }

  /** False where the line is one of the ordinary ones. */
  #takeInterlude(line: Buffer): boolean {
    const take = this.#interlude;
    this.#interlude = undefined;
    take?.(line);
    return take !== undefined;
  }

  #overlong({ bytes, first }: OverlongFragment): Wait {
    // Part of it has gone to the provider, which waits for the rest.
    if (!first) throw new ClientViolation('A line of a command is too long.');
    if (this.#takeInterlude(bytes)) return undefined;
    this.#countRefusal();
    return this.#bad(tagOf(bytes), 'The line is too long');
  }

  #countRefusal(): void {
    this.#refusals += 1;
    if (this.#refusals <= PIPE_LIMITS.refusals) return;
    throw new ClientViolation('Too many commands that cannot be carried out.');
  }

  #bad(tag: string | undefined, text: string): Wait {
    return this.answer(tag ?? '*', commandRow(''), `${tag ?? '*'} BAD ${text.replace(/\.$/, '')}.\r\n`);
  }
}

/** Why a line of a command is passed to nobody. */
export function problemOf(line: LineFragment): string | undefined {
  if (hasStrayOctet(line.bytes, line.lineEnd)) return 'The line holds NUL or CR';
  return hasFalseMark(line) ? 'The line ends in a malformed literal' : undefined;
}

function headOf(line: Buffer): CommandHead | WireError {
  try {
    return readCommandHead(line);
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
}

/** The line with its `{size+}` as `{size}`. */
function synchronizing(line: Buffer, lineEnd: number): Buffer {
  const plus = line.length - lineEnd - 2;
  return Buffer.concat([line.subarray(0, plus), line.subarray(plus + 1)]);
}
