import type { ByteStream } from '#lib/bytes/source';
import type { CommandRow } from '../commands/table.js';
import type { Commands } from '../pipe/commands.js';
import type { Entry } from '../pipe/queue.js';
import { type AppendMessage, writeAppend, writeAppendMessage } from '../wire/append.js';
import { isLiteral, literalBytes } from '../wire/part.js';
import { Writer } from '../wire/writer.js';

export interface UploadOptions {
  /** The client's own, so that the provider's answer is the client's. */
  readonly tag: string;
  readonly row: CommandRow;
  readonly mailbox: Buffer;
  /** As of an entry. */
  readonly completed?: Entry['completed'];
}

/** Octets of a literal that needs no request, by how the provider takes such literals. */
const WITHOUT_REQUEST = { plus: Infinity, minus: 4096, none: 0 } as const;

/**
 * APPEND towards the provider. Each message is announced with a synchronizing literal, so that the provider can refuse it before any of
 * it is sent. The last octets of a message are kept back until it is known what follows it: where that cannot be sent, the
 * provider's connection ends in the middle of a literal, and nothing is stored.
 */
export class Upload {
  readonly #commands: Commands;
  readonly #mailbox: Buffer;
  readonly #entry: Entry;
  #begun = false;
  #answered = false;
  /** What stands between the octets that were sent and whatever follows them. */
  #keptBack: Buffer[] = [];

  constructor(commands: Commands, { tag, row, mailbox, completed }: UploadOptions) {
    this.#commands = commands;
    this.#mailbox = mailbox;
    this.#entry = {
      tag,
      row,
      completed: (completion, response) => {
        this.#answered = true;
        return completed?.(completion, response);
      },
    };
  }

  /** Part of the command has gone to the provider. */
  get begun(): boolean {
    return this.#begun;
  }

  /**
   * Announces a message. Resolves to whether the provider wants it; if not, the client has its answer, and the provider waits for nothing.
   * `forClient`: the client waits for the provider's request. Throws WireError for what cannot be written, before anything is sent.
   */
  async announce(message: AppendMessage, forClient: boolean): Promise<boolean> {
    const { queue, toProvider, literals, mailboxEncoding } = this.#commands.context;
    const utf8 = mailboxEncoding === 'utf-8';
    const start = new Writer({ nonSynchronizing: WITHOUT_REQUEST[literals], utf8 });
    if (!this.#begun) writeAppend(start, this.#entry.tag, this.#mailbox);
    const writer = new Writer({ nonSynchronizing: 0, utf8 });
    writeAppendMessage(writer, message);
    if (!this.#begun) {
      this.#begun = true;
      this.#commands.beginSending(this.#entry);
    } else if (this.#answered) {
      this.finish();
      return false;
    }
    this.#sendKeptBack();
    for (const part of [...start.parts, ...writer.parts]) {
      if (!isLiteral(part)) {
        // What follows the place of the message: nothing, or the end of a parenthesis.
        if (this.#keptBack.length > 0) this.#keptBack.push(part);
        else toProvider.add(part);
        continue;
      }
      const isMessage = part.bytes === undefined;
      if (!part.nonSynchronizing) {
        const granted = queue.continuation(this.#entry, isMessage && forClient);
        toProvider.flush();
        if (!(await granted)) {
          this.#commands.endSending();
          return false;
        }
      }
      if (isMessage) this.#keptBack.push(Buffer.alloc(0));
      else toProvider.add(literalBytes(part));
    }
    return true;
  }

  /** Sends the octets that were announced, as fast as the provider takes them. */
  async send(stream: ByteStream): Promise<void> {
    const { toProvider } = this.#commands.context;
    for await (const chunk of stream) {
      const [last] = this.#keptBack.splice(0, 1, chunk);
      if (last === undefined) throw new Error('No message was announced.');
      toProvider.add(last);
      await toProvider.ready();
    }
  }

  /** Ends the command. */
  finish(): void {
    this.#sendKeptBack();
    this.#commands.context.toProvider.add(Buffer.from('\r\n'));
    this.#commands.endSending();
  }

  /** Ends the command so that nothing of it is stored, where the provider has MULTIAPPEND (RFC 3502 §6.3.11) and LITERAL+ or -. */
  withdraw(): void {
    this.#sendKeptBack();
    this.#commands.context.toProvider.add(Buffer.from(' {0+}\r\n\r\n'));
    this.#commands.endSending();
  }

  #sendKeptBack(): void {
    for (const octets of this.#keptBack.splice(0)) this.#commands.context.toProvider.add(octets);
  }
}
