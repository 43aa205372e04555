import type { CommandRow } from '../commands/table.js';
import type { Fragment, LineFragment } from '../wire/framer.js';

/** How a command ended (RFC 9051 §7.1). */
export type Completion = 'OK' | 'NO' | 'BAD';

/** What to wait for before going on. Undefined, the usual case, costs no turn of the event loop. */
export type Wait = Promise<void> | undefined;

/** Takes the fragments of one response. */
export type Sink = (fragment: Fragment) => Wait;

/** A command that has not been answered with a tagged response. */
export interface Entry {
  readonly tag: string;
  readonly row: CommandRow;
  /** An answer of ours, which waits until the commands before it have theirs. The provider knows nothing of this command. */
  readonly answer?: string;
  /** Is called when that has been written, before anything else is. */
  readonly answered?: () => void;
  /** Is called when the session ends before that. */
  readonly abandoned?: () => void;
  /** A command of our own, of which the client knows nothing. */
  readonly own?: OwnEntry;
  /** Is given each fragment of it that passes. */
  readonly passed?: (fragment: Fragment) => void;
  /**
   * Is told how it ended, with the tagged response or as much of it as its first fragment holds, and may put another line in its place,
   * or nothing (of no length).
   */
  readonly completed?: (completion: Completion, response: Buffer) => string | undefined;
  /** The commands before it are answered: the provider is at work on this one. */
  begun?: () => void;
}

export interface OwnEntry {
  /** A sink for an untagged response that the command asked for, or undefined for one that is the client's. */
  readonly untagged: (line: LineFragment) => Sink | undefined;
  readonly done: (completion: Completion, line: Buffer) => void;
  readonly failed: (reason: Error) => void;
}

/** A continuation request that somebody waits for. */
interface Awaited {
  readonly entry: Entry;
  /** The client is to see it. */
  readonly forClient: boolean;
  readonly settle: (granted: boolean) => void;
}

/** The commands in progress, in the order in which they were sent: the provider's own order of work. */
export class CommandQueue {
  readonly #entries: Entry[] = [];
  /** In the order of their commands: IDLE does not hold up what comes after it. */
  #awaited: readonly Awaited[] = [];
  #waiting: { readonly condition: () => boolean; readonly resolve: () => void }[] = [];
  /** Why nothing is answered any more. */
  #closed: Error | undefined;

  get length(): number {
    return this.#entries.length;
  }

  get head(): Entry | undefined {
    return this.#entries[0];
  }

  /** The first of the client's commands: the one that is in progress, as the client sees it. */
  get clientHead(): Entry | undefined {
    return this.#entries.find(({ own }) => own === undefined);
  }

  /** Whether a command with message numbers has been sent that the provider has not begun with. */
  get numbersAhead(): boolean {
    return this.#entries.some(({ row, answer }, at) => at > 0 && row.numbers === true && answer === undefined);
  }

  find(tag: string): Entry | undefined {
    return this.#entries.find((entry) => entry.tag === tag && entry.answer === undefined);
  }

  add(entry: Entry): void {
    if (this.#closed !== undefined) {
      abandon(entry, this.#closed);
      return;
    }
    this.#entries.push(entry);
    if (this.#entries.length === 1) this.#begin();
  }

  /** Takes a command out. Nobody waits for its continuation request any more. */
  remove(entry: Entry): void {
    const at = this.#entries.indexOf(entry);
    if (at < 0) return;
    this.#entries.splice(at, 1);
    this.#settle((awaited) => awaited.entry === entry, false);
    if (at === 0) this.#begin();
    this.#waiting = this.#waiting.filter(({ condition, resolve }) => {
      if (!condition()) return true;
      resolve();
      return false;
    });
  }

  /** Resolves when no more than `most` commands are in progress, and when the session is over. */
  atMost(most: number): Promise<void> {
    return this.#until(() => this.#entries.length <= most);
  }

  /** A command of our own is in progress with which the provider may send EXPUNGE. */
  get ownMayExpunge(): boolean {
    return this.#entries.some(({ own, row }) => own !== undefined && row.quiet !== true);
  }

  /** Resolves when no such command is in progress, and when the session is over. */
  ownAnswered(): Promise<void> {
    return this.#until(() => !this.ownMayExpunge);
  }

  /**
   * Resolves when the provider has asked for the rest of this command (true), or has answered it without that (false). `forClient`: the
   * client is to see the request.
   */
  continuation(entry: Entry, forClient: boolean): Promise<boolean> {
    // Answered before all of it was sent.
    if (!this.#entries.includes(entry)) return Promise.resolve(false);
    return new Promise((settle) => {
      this.#awaited = [...this.#awaited, { entry, forClient, settle }];
    });
  }

  /**
   * The provider asks for more: for the first command that waits for it, since it works in their order. Returns whether the client
   * is to see it: not where it is for us, or for nobody.
   */
  continued(): boolean {
    const [first] = this.#awaited;
    this.#settle((awaited) => awaited === first, true);
    return first?.forClient ?? false;
  }

  /** The session is over: whoever waits is told, and whoever comes later. */
  close(reason: Error): void {
    this.#closed = reason;
    this.#settle(() => true, false);
    for (const entry of this.#entries.splice(0)) abandon(entry, reason);
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  async #until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => this.#waiting.push({ condition, resolve }));
  }

  #settle(which: (awaited: Awaited) => boolean, granted: boolean): void {
    const settled = this.#awaited.filter(which);
    if (settled.length === 0) return;
    this.#awaited = this.#awaited.filter((awaited) => !settled.includes(awaited));
    for (const { settle } of settled) settle(granted);
  }

  #begin(): void {
    const head = this.#entries[0];
    head?.begun?.();
    if (head !== undefined) delete head.begun;
  }
}

function abandon({ own, abandoned }: Entry, reason: Error): void {
  own?.failed(reason);
  abandoned?.();
}
