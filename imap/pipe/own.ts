import { randomBytes } from 'node:crypto';
import type { CommandRow } from '../commands/table.js';
import type { LineFragment } from '../wire/framer.js';
import type { Context } from './context.js';
import type { Completion, Sink } from './queue.js';

/** The client's commands, between which ours are sent. */
export interface Between {
  readonly context: Context;
  /** Nothing of a command is on its way, so that a command of our own may be sent. */
  readonly between: boolean;
}

/** How a command of ours ended. */
export interface Answer {
  readonly completion: Completion;
  /** The tagged response, or as much of it as its first fragment holds. */
  readonly line: Buffer;
}

/**
 * Commands of our own between those of the client. The client sees nothing of them: their tags begin with something that nobody can
 * guess, and their responses are taken out.
 *
 * A command that lets the provider send EXPUNGE (any but FETCH, STORE and SEARCH with message numbers, RFC 9051 §7.5.1) may be asked only while
 * the client has a command in progress that allows it too.
 */
export class OwnCommands {
  readonly #commands: Between;
  readonly #prefix = `P${randomBytes(8).toString('hex')}-`;
  #count = 0;
  #waiting: Waiting[] = [];
  /** Why nothing is sent any more. */
  #closed: Error | undefined;

  constructor(commands: Between) {
    this.#commands = commands;
  }

  /**
   * Sends a command: `line` is what follows the tag, without line end and without literals. It waits while the client is in the middle of a
   * command (a literal is on its way, or IDLE). `untagged` gets each untagged response while the provider is at work on it, and
   * takes what belongs to it. Rejects when the session ends before the answer.
   */
  ask(
    line: string,
    row: CommandRow,
    untagged: (line: LineFragment) => Sink | undefined = () => undefined,
  ): Promise<Answer> {
    const { context } = this.#commands;
    const tag = `${this.#prefix}${(this.#count += 1)}`;
    return new Promise((resolve, reject) => {
      const send = (): void => {
        const done = (completion: Completion, response: Buffer): void => {
          resolve({ completion, line: response });
        };
        context.queue.add({ tag, row, own: { untagged, done, failed: reject } });
        context.toProvider.add(Buffer.from(`${tag} ${line}\r\n`, 'latin1'));
        context.toProvider.flush();
      };
      if (this.#closed !== undefined) {
        reject(this.#closed);
        return;
      }
      this.#waiting.push({ send, failed: reject });
      this.send();
    });
  }

  /** Sends what has waited, if that is possible now. */
  send(): void {
    while (this.#commands.between) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next.send();
    }
  }

  /** The session is over: what has not been sent is rejected, and whatever is asked later. */
  close(reason: Error): void {
    this.#closed = reason;
    for (const { failed } of this.#waiting.splice(0)) failed(reason);
  }
}

/** A command that cannot be sent yet. */
interface Waiting {
  readonly send: () => void;
  readonly failed: (reason: Error) => void;
}
