/**
 * imap/pipe: a session after login. Two loops, one for each direction, share what is in progress (Context). Commands go to the provider
 * as the table in imap/commands says, responses to the client as they come. The order is the provider's: answers of ours wait for
 * their turn.
 */
import { type Connection, ConnectionError } from '#lib/net/connection';
import { HANDLERS } from '../commands/handlers.js';
import { commandRow } from '../commands/table.js';
import { PIPE_LIMITS } from './limits.js';
import { type Framer, FramingError } from '../wire/framer.js';
import { printable } from '../wire/text.js';
import { ClientViolation, Commands, Unfinished } from './commands.js';
import { Context, type SessionOptions } from './context.js';
import { Responses } from './responses.js';
import { ProviderViolation } from './violation.js';

/** One side as it is after login, with what was read ahead in its framer. */
export interface Side {
  readonly connection: Connection;
  readonly framer: Framer;
}

export interface PipeOptions extends SessionOptions {
  /** Ends the session with BYE when it is aborted; the message of its reason is told. */
  readonly signal: AbortSignal;
  /** Milliseconds without an octet from the client. Default: PIPE_LIMITS.idle. */
  readonly idle?: number;
}

/** Why a session ended. `text` is for the client, where it was not gone, and for the log. */
export interface Ending {
  readonly cause:
    | 'logout'
    | 'client-gone'
    | 'client-idle'
    | 'client-violation'
    | 'provider-gone'
    | 'provider-violation'
    | 'unfinished'
    | 'stopped';
  readonly text: string;
}

/** Serves a session from login to its end, and resolves to the reason. Both connections are ended then. */
export async function pipe(client: Side, provider: Side, options: PipeOptions): Promise<Ending> {
  return new Pipe(client, provider, options).run();
}

class Pipe {
  readonly #context: Context;
  readonly #commands: Commands;
  readonly #responses: Responses;
  readonly #provider: Side;
  readonly #signal: AbortSignal;
  readonly #idle: number;
  #idleTimer: NodeJS.Timeout | undefined;
  /** No further command is read. */
  #closing = false;

  constructor(client: Side, provider: Side, options: PipeOptions) {
    this.#context = new Context(client.connection, provider.connection, options);
    this.#commands = new Commands(this.#context, client.framer, HANDLERS);
    this.#responses = new Responses(this.#context);
    this.#provider = provider;
    this.#signal = options.signal;
    this.#idle = options.idle ?? PIPE_LIMITS.idle;
  }

  async run(): Promise<Ending> {
    let interrupt: (ending: Ending) => void = () => undefined;
    const interrupted = new Promise<Ending>((resolve) => (interrupt = resolve));
    const stop = (): void => {
      interrupt({ cause: 'stopped', text: stopText(this.#signal.reason) });
    };
    this.#signal.addEventListener('abort', stop);
    this.#idleTimer = setTimeout(() => {
      interrupt({ cause: 'client-idle', text: 'Logged out for inactivity.' });
    }, this.#idle);
    const client = this.#fromClient();
    const provider = this.#fromProvider();
    if (this.#signal.aborted) stop();
    try {
      const ending = await Promise.race([client, provider, interrupted]);
      await this.#close(ending, provider);
      return ending;
    } finally {
      clearTimeout(this.#idleTimer);
      this.#signal.removeEventListener('abort', stop);
      const over = new ConnectionError('closed', 'The session is over.');
      this.#commands.own.close(over);
      this.#context.close(over);
      this.#context.client.destroy();
      this.#provider.connection.destroy();
      await Promise.allSettled([client, provider]);
    }
  }

  /** Resolves when the client has gone or has broken the protocol. Rejects for faults of ours only. */
  async #fromClient(): Promise<Ending> {
    const { framer, own } = this.#commands;
    const { queue, toProvider } = this.#context;
    this.#commands.heard = () => {
      this.#idleTimer?.refresh();
    };
    try {
      while (!this.#closing) {
        const fragment = framer.next();
        if (fragment !== undefined) {
          const waits = this.#commands.take(fragment);
          if (waits !== undefined) await waits;
          own.send();
          if (queue.length > PIPE_LIMITS.commandsInProgress) {
            toProvider.flush();
            await queue.atMost(PIPE_LIMITS.commandsInProgress / 2);
          }
          continue;
        }
        if (!(await this.#commands.more())) break;
      }
      return { cause: 'client-gone', text: 'The client closed the connection.' };
    } catch (error) {
      if (error instanceof ConnectionError) return { cause: 'client-gone', text: error.message };
      if (error instanceof ProviderViolation) return { cause: 'provider-violation', text: error.message };
      if (error instanceof ClientViolation || error instanceof FramingError) {
        return { cause: 'client-violation', text: error.message };
      }
      if (error instanceof Unfinished) return { cause: 'unfinished', text: error.message };
      throw error;
    }
  }

  /** Resolves when the provider has gone or has broken the protocol. Rejects for faults of ours only. */
  async #fromProvider(): Promise<Ending> {
    const { connection, framer } = this.#provider;
    const { toClient, toProvider } = this.#context;
    try {
      while (true) {
        const fragment = framer.next();
        if (fragment !== undefined) {
          const waits = this.#responses.take(fragment);
          if (waits !== undefined) await waits;
          continue;
        }
        // It may have ended what our own commands have waited for (IDLE).
        this.#commands.own.send();
        toProvider.flush();
        const room = toClient.ready();
        if (room !== undefined) {
          await room;
          // It takes what it has asked for, slowly: it is not idle.
          this.#idleTimer?.refresh();
        }
        const chunk = await connection.read();
        if (chunk === undefined) break;
        framer.push(chunk);
      }
      if (this.#context.saidBye) return { cause: 'logout', text: 'The mail provider ended the session.' };
      return { cause: 'provider-gone', text: 'The mail provider closed the connection. Connect again.' };
    } catch (error) {
      if (error instanceof ConnectionError) return { cause: 'provider-gone', text: error.message };
      if (error instanceof ProviderViolation || error instanceof FramingError) {
        return { cause: 'provider-violation', text: error.message };
      }
      throw error;
    }
  }

  async #close(ending: Ending, provider: Promise<Ending>): Promise<void> {
    this.#closing = true;
    const deadline = setTimeout(() => {
      this.#context.client.destroy();
      this.#provider.connection.destroy();
    }, PIPE_LIMITS.farewell);
    try {
      if (ending.cause !== 'client-gone') await this.#tellClient(ending);
      await this.#leaveProvider(ending, provider);
      if (ending.cause === 'client-gone') await this.#context.client.end();
    } finally {
      clearTimeout(deadline);
    }
  }

  /** BYE with the reason, unless the provider has said it, or is in the middle of a response: then the cut must be seen. */
  async #tellClient({ text }: Ending): Promise<void> {
    const { client, midResponse, saidBye, toClient } = this.#context;
    if (midResponse || toClient.reserved) {
      client.destroy();
      return;
    }
    if (!saidBye) toClient.add(Buffer.from(`* BYE ${printable(text)}\r\n`, 'latin1'));
    toClient.flush();
    await client.end();
  }

  /**
   * Logs out at the provider when the commands in progress are answered. In the middle of a command the connection is cut instead: half
   * a message must not be stored.
   */
  async #leaveProvider(ending: Ending, provider: Promise<Ending>): Promise<void> {
    const { connection } = this.#provider;
    const { queue } = this.#context;
    if (ending.cause === 'provider-gone' || ending.cause === 'provider-violation' || ending.cause === 'logout') return;
    if (!this.#commands.leave()) return;
    this.#context.toProvider.flush();
    if (ending.cause === 'client-gone') await queue.atMost(0);
    void this.#commands.own.ask('LOGOUT', commandRow('LOGOUT')).catch(() => undefined);
    await provider;
    await connection.end();
  }
}

function stopText(reason: unknown): string {
  return reason instanceof Error ? reason.message : 'Postern is being stopped. Connect again.';
}
