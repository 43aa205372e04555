import type { Connection } from '#lib/net/connection';
import type { Account } from '../account.js';
import type { CommandRow } from '../commands/table.js';
import type { Messages } from '../messages/messages.js';
import { Selected } from '../selected.js';
import { HeldExpunges } from './expunges.js';
import type { MailboxEncoding } from '../wire/mailbox.js';
import { Outlet } from './outlet.js';
import { CommandQueue } from './queue.js';

/** How a provider takes non-synchronizing literals (RFC 7888): of any size, of 4,096 octets at most, or not at all. */
export type LiteralSupport = 'plus' | 'minus' | 'none';

/** What a session is given when it begins. */
export interface SessionOptions {
  readonly literals: LiteralSupport;
  readonly account: Account;
  /** What messages are opened with. Undefined: everything passes as it is stored. */
  readonly messages?: Messages;
}

/** What the two directions of a session share. */
export class Context {
  readonly queue: CommandQueue;
  /** The mailbox that is selected. Replaced, not changed, when another one is. */
  selected = new Selected();
  held = new HeldExpunges();
  /** How the provider spells names of mailboxes by now. */
  mailboxEncoding: MailboxEncoding = 'utf-7';
  client: Connection;
  readonly toClient: Outlet;
  readonly toProvider: Outlet;
  readonly literals: LiteralSupport;
  readonly account: Account;
  readonly messages: Messages | undefined;
  /** A command of the client that a handler is at work on, and of which the provider knows nothing yet. */
  inHand: CommandRow | undefined;
  /** What the client is to be told as soon as no response is on its way to it. */
  #unsaid: Buffer[] = [];
  /** COMPRESS is in use towards the client. */
  compressed = false;
  /** The provider is in the middle of a response: nothing else may be written to the client. */
  midResponse = false;
  /** Who waits for the end of that response. */
  #turn: { readonly begin: () => void; readonly failed: (reason: Error) => void } | undefined;
  /** BYE has been passed on or said. */
  saidBye = false;

  constructor(client: Connection, provider: Connection, { literals, account, messages }: SessionOptions) {
    this.client = client;
    this.toClient = new Outlet(client);
    this.toProvider = new Outlet(provider);
    this.literals = literals;
    this.account = account;
    this.messages = messages;
    this.queue = new CommandQueue();
  }

  /**
   * Reserves the way to the client for a response of ours, as soon as no other one is going out. `toClient.put` writes it, and
   * `toClient.release` ends it.
   */
  async reserveClient(): Promise<void> {
    if (this.midResponse) {
      await new Promise<void>((resolve, failed) => {
        const begin = (): void => {
          // At once: the next response of the provider may follow in the same chunk.
          this.toClient.reserve();
          resolve();
        };
        this.#turn = { begin, failed };
      });
    } else this.toClient.reserve();
  }

  /** A response of the provider has ended. */
  responseEnded(): void {
    this.midResponse = false;
    const turn = this.#turn;
    this.#turn = undefined;
    turn?.begin();
    this.settle();
  }

  /** The session is over: whoever waits for an answer or a turn is told. */
  close(reason: Error): void {
    this.queue.close(reason);
    this.#turn?.failed(reason);
  }

  /** Tells the client something that waits for no command's turn: that it may send a literal. */
  say(line: string): void {
    this.#unsaid.push(Buffer.from(line, 'latin1'));
    this.settle();
  }

  /** Writes what has waited for its turn: what is to be said, held EXPUNGEs, and answers of ours. */
  settle(): void {
    if (this.midResponse) return;
    for (const line of this.#unsaid.splice(0)) this.toClient.add(line);
    for (let { head } = this.queue; head?.answer !== undefined; { head } = this.queue) {
      this.toClient.add(Buffer.from(head.answer, 'latin1'));
      this.queue.remove(head);
      head.answered?.();
    }
    if (!this.held.none && this.mayExpunge) for (const line of this.held.release()) this.toClient.add(line);
  }

  /** Another mailbox is selected, or none. Returns what makes that undone. */
  select(mailbox: Selected): () => void {
    const { selected, held } = this;
    this.selected = mailbox;
    this.held = new HeldExpunges();
    return () => {
      // The count came in the meantime, and was of the mailbox before.
      const { count } = this.selected.numbering;
      this.selected = selected;
      this.held = held;
      if (count > 0) selected.numbering.exists(count);
    };
  }

  /** Whether the client may have an EXPUNGE now: a command is in progress, and it is none of those that §7.5.1 names. */
  get mayExpunge(): boolean {
    const running = this.queue.clientHead?.row ?? this.inHand;
    return running !== undefined && running.quiet !== true;
  }
}
