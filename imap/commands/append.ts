import type { ByteStream } from '#lib/bytes/source';
import type { SealedMessage } from '#lib/message/seal';
import { failureOf } from '../append/failure.js';
import { foresee } from '../append/foresight.js';
import { smallestSealed } from '../append/growth.js';
import { literalOctets, sealIncoming } from '../append/incoming.js';
import { Upload } from '../append/upload.js';
import { ClientViolation, type Commands, type Handler, Unfinished, problemOf } from '../pipe/commands.js';
import { PIPE_LIMITS } from '../pipe/limits.js';
import { type AppendMessage, AppendReader, type AppendStep } from '../wire/append.js';
import type { Shown } from '../messages/shown.js';
import { WireError } from '../wire/error.js';
import { readResponse } from '../wire/response.js';
import { normalise } from '../wire/sequenceset.js';
import type { LineFragment, LiteralMark } from '../wire/framer.js';
import { mailboxKey } from '../wire/mailbox.js';
import { type CommandRow, commandRow } from './table.js';

/**
 * APPEND (RFC 9051 §6.3.12), with one message or many (RFC 3502). What the provider gets is encrypted, but in exempt mailboxes. It is
 * begun when the commands before it are answered, and ends here when all of it has been sent.
 */
export const append: Handler = (line, { tag, name }, commands) => new Append(commands, tag, commandRow(name)).run(line);

type MessageStep = Extract<AppendStep, { readonly kind: 'message' }>;

class Append {
  readonly #commands: Commands;
  readonly #tag: string;
  readonly #row: CommandRow;
  readonly #reader = new AppendReader();
  /** There from the first message on. */
  #upload: Upload | undefined;
  /** What has been learnt of the messages that have been sent; undefined for those of which nothing is. */
  readonly #learnt: (Shown | undefined)[] = [];

  constructor(commands: Commands, tag: string, row: CommandRow) {
    this.#commands = commands;
    this.#tag = tag;
    this.#row = row;
  }

  async run(line: LineFragment): Promise<void> {
    const { context } = this.#commands;
    context.toProvider.flush();
    await context.queue.atMost(0);
    context.inHand = this.#row;
    try {
      await this.#messages(line);
    } finally {
      context.inHand = undefined;
    }
  }

  async #messages(first: LineFragment): Promise<void> {
    for (let line = first; ; line = await this.#line()) {
      const step = await this.#step(line);
      if (step === undefined) return;
      if (step.kind !== 'message') {
        this.#upload?.finish();
        return;
      }
      const { mailbox } = step;
      this.#upload ??= new Upload(this.#commands, {
        tag: this.#tag,
        row: this.#row,
        mailbox,
        completed: (completion, response) => {
          if (completion === 'OK') this.#remember(mailbox, response);
          return undefined;
        },
      });
      if (!(await this.#message(step, this.#upload))) return;
    }
  }

  /** The step behind a line, and behind the name of the mailbox. Undefined where the command is refused and skipped. */
  async #step(first: LineFragment): Promise<AppendStep | undefined> {
    for (let line = first; ; line = await this.#line()) {
      const step = this.#read(line);
      if (step?.kind !== 'mailbox') return step;
      if (!step.literal.nonSynchronizing) this.#commands.context.say('+ Ready for the name.\r\n');
    }
  }

  #read(line: LineFragment): AppendStep | undefined {
    try {
      const problem = problemOf(line);
      if (problem !== undefined) throw new WireError('syntax', problem);
      const step = this.#reader.push(line);
      if (step?.kind === 'catenate') throw new WireError('syntax', 'CATENATE is not supported');
      if (step?.kind === 'mailbox' && step.literal.size > PIPE_LIMITS.mailboxOctets) {
        throw new WireError('limit', 'The name of the mailbox is too long');
      }
      return step;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#refuse(line.literal, error.message);
      return undefined;
    }
  }

  /** The client's next line. */
  async #line(): Promise<LineFragment> {
    while (true) {
      const fragment = await this.#commands.rest();
      if (fragment.kind === 'line') return fragment;
      if (fragment.kind === 'overlong') throw new ClientViolation('A line of a command is too long.');
      // Octets of the name of the mailbox.
      this.#reader.push(fragment);
    }
  }

  /** Refuses the command for its form. Half of it may be at the provider already. */
  #refuse(announced: LiteralMark | undefined, text: string): void {
    if (this.#upload?.begun === true) throw new ClientViolation(`${text.replace(/\.$/, '')}.`);
    void this.#commands.refuse(announced, this.#tag, text);
  }

  /** Takes a message and sends it. Resolves to false where the command is over, and what comes of it is skipped. */
  async #message(step: MessageStep, upload: Upload): Promise<boolean> {
    const { mailbox, message } = step;
    const { account, mailboxEncoding } = this.#commands.context;
    // No octets are nobody's secret, and how the command ends is the provider's to say (RFC 3502 §6.3.11).
    const passes = message.literal.size === 0 || account.exempt.has(mailboxKey(mailbox, mailboxEncoding));
    if (passes) return this.#pass(message, upload);
    if (!message.literal.nonSynchronizing) {
      if (!upload.begun && !(await this.#isWelcome(step))) return false;
      this.#commands.context.say('+ Ready for the message.\r\n');
    }
    return this.#seal(message, upload);
  }

  /** Sends a message as it comes. */
  async #pass(message: AppendMessage, upload: Upload): Promise<boolean> {
    const { literal } = message;
    if (!(await this.#announce(upload, message, !literal.nonSynchronizing, literal))) return false;
    await upload.send(literalOctets(this.#commands));
    this.#learnt.push(undefined);
    return true;
  }

  /** Whether the client may send its message: if not, it has the answer. */
  async #isWelcome(step: MessageStep): Promise<boolean> {
    const { account, literals } = this.#commands.context;
    const { literal } = step.message;
    let size: number;
    try {
      size = await smallestSealed(literal.size, account.seal);
    } catch (error) {
      return this.#fail(error, literal);
    }
    const canWithdraw = literals !== 'none' && account.capabilities.includes('MULTIAPPEND');
    const foresight = await foresee(step, size, this.#commands);
    switch (foresight.kind) {
      case 'welcome':
        return true;
      case 'too-big': {
        const text = `Encrypted, the message has ${size} octets at least; the mail provider takes ${foresight.limit}.`;
        return this.#no('TOOBIG', text, literal);
      }
      case 'no-mailbox':
        return !(await this.#isRefused(step, size, canWithdraw));
      case 'doubtful':
        // Where it could not be withdrawn, the provider is asked when there is a message to send.
        return !canWithdraw || !(await this.#isRefused(step, size, canWithdraw));
    }
  }

  /**
   * Asks the provider itself for the refusal that is expected, with the size that the message will have at least. Should it want the
   * message after all, that is withdrawn.
   */
  async #isRefused({ mailbox, message }: MessageStep, size: number, canWithdraw: boolean): Promise<boolean> {
    const { queue, toProvider } = this.#commands.context;
    let isWithdrawn = false;
    const completed = (): string | undefined => (isWithdrawn ? '' : undefined);
    const attempt = new Upload(this.#commands, { tag: this.#tag, row: this.#row, mailbox, completed });
    const form = { ...message, utf8: false, literal: { ...message.literal, size, binary: false } };
    if (!(await this.#announce(attempt, form, false, message.literal))) return true;
    if (!canWithdraw) {
      throw new Unfinished(
        'The mail provider has changed its mind in the middle of APPEND. Nothing is stored; try again.',
      );
    }
    isWithdrawn = true;
    await attempt.send(blank(size));
    attempt.withdraw();
    toProvider.flush();
    await queue.atMost(0);
    return false;
  }

  async #seal(message: AppendMessage, upload: Upload): Promise<boolean> {
    const { account } = this.#commands.context;
    try {
      const incoming = await sealIncoming(message.literal.size, this.#commands, account.seal);
      try {
        const { form, stream } = await asSent(message, incoming.sealed);
        if (!(await this.#announce(upload, form, false, undefined))) return false;
        await upload.send(stream);
        this.#learnt.push(await incoming.learnt?.());
        return true;
      } finally {
        await incoming.close();
      }
    } catch (error) {
      return this.#fail(error, undefined);
    }
  }

  /** Remembers what has been learnt, by the UIDs that the provider tells (RFC 4315 §3). */
  #remember(mailbox: Buffer, response: Buffer): void {
    const { messages, mailboxEncoding } = this.#commands.context;
    if (messages === undefined || this.#learnt.every((known) => known === undefined)) return;
    const appended = appendedUIDs(response, this.#learnt.length);
    if (appended === undefined) return;
    const saved = appended.uids.flatMap((uid, at) => {
      const known = this.#learnt[at];
      return known === undefined ? [] : [{ uid, known }];
    });
    void messages.saved(mailboxKey(mailbox, mailboxEncoding), appended.uidValidity, saved);
  }

  /** Announces a message to the provider. Where that refuses it, the rest is skipped: `announced`, where nothing has come. */
  async #announce(
    upload: Upload,
    message: AppendMessage,
    forClient: boolean,
    announced: LiteralMark | undefined,
  ): Promise<boolean> {
    try {
      if (await upload.announce(message, forClient)) return true;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#refuse(announced, error.message);
      return false;
    }
    this.#commands.skip(announced);
    return false;
  }

  /** A message cannot be encrypted. Nothing of the command may be stored. */
  #fail(error: unknown, announced: LiteralMark | undefined): false {
    const { code, text } = failureOf(error);
    const { log } = this.#commands.context.account;
    if (code === 'SERVERBUG')
      log.error('message not encrypted', { name: error instanceof Error ? error.name : 'unknown' });
    else log.warn('message not encrypted', { code });
    if (this.#upload?.begun === true) throw new Unfinished(text);
    return this.#no(code, text, announced);
  }

  #no(code: string, text: string, announced: LiteralMark | undefined): false {
    this.#commands.skip(announced);
    void this.#commands.answer(this.#tag, this.#row, `${this.#tag} NO [${code}] ${text}\r\n`);
    return false;
  }
}

/** What a tagged response says of the UIDs of so many messages, in their order. Undefined where it does not. */
function appendedUIDs(
  line: Buffer,
  count: number,
): { readonly uidValidity: number; readonly uids: readonly number[] } | undefined {
  try {
    const response = readResponse([line]);
    const code = response.kind === 'status' ? response.code : undefined;
    if (code?.kind !== 'appenduid' || code.uids === '$') return undefined;
    const ranges = normalise(code.uids, 0);
    if (ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0) !== count) return undefined;
    const uids = ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at));
    return { uidValidity: code.uidvalidity, uids };
  } catch (error) {
    // It passes to the client as it is.
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

interface Sent {
  readonly form: AppendMessage;
  readonly stream: ByteStream;
}

/**
 * How a sealed message is announced. It has neither NUL nor, but for copied header fields, octets above 127, so that it needs no binary
 * literal, and is in UTF8 (RFC 6855 §4) only for those.
 */
async function asSent(message: AppendMessage, sealed: SealedMessage): Promise<Sent> {
  const stream = sealed.stream();
  const literal = { ...message.literal, size: sealed.size };
  if (sealed.kept) return { form: { ...message, literal }, stream };
  if (!message.utf8) return { form: { ...message, literal: { ...literal, binary: false } }, stream };
  const chunks = stream[Symbol.asyncIterator]();
  const first = await chunks.next();
  const header: Buffer = first.done === true ? Buffer.alloc(0) : first.value;
  const utf8 = header.some((octet) => octet > 0x7f);
  return { form: { ...message, utf8, literal: { ...literal, binary: utf8 } }, stream: continued(header, chunks) };
}

async function* continued(first: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void> {
  try {
    yield first;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}

/** Octets that say nothing. */
async function* blank(size: number): AsyncGenerator<Buffer, void> {
  const spaces = Buffer.alloc(Math.min(size, 64 * 1024), ' ');
  for (let left = size; left > 0; left -= spaces.length) yield await Promise.resolve(spaces.subarray(0, left));
}
