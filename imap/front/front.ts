/**
 * imap/front: a session before login. Nothing of it reaches a provider. There are few commands and small limits, and what a client has
 * said before TLS is forgotten after it (RFC 9051 §6.2, §11.1).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Accepted } from '#lib/accepted';
import { capabilitiesBeforeLogin, capabilitiesForClient } from '../capabilities.js';
import { commandRow } from '../commands/table.js';
import type { Side } from '../pipe/pipe.js';
import type { Refusal } from '../refusal.js';
import {
  type Credentials,
  type SaslStep,
  loginCredentials,
  mechanismNamed,
  saslExchange,
  tokenRefusal,
} from '../sasl.js';
import type { Command, OpaqueCommand } from '../wire/command.js';
import type { AuthenticateCommand } from '../wire/sessioncommand.js';
import { printable } from '../wire/text.js';
import { FramingError } from '../wire/framer.js';
import { LIMITS as WIRE_LIMITS } from '../wire/limits.js';
import { IncomingCommands, UnaskedLiteral } from './incoming.js';
import { FRONT_LIMITS } from './limits.js';

/** What a login comes to. */
export type Verdict<Session> = Granted<Session> | Refusal;

/** There is a session behind it. */
export interface Granted<Session> {
  readonly session: Session;
  /** The provider's. */
  readonly capabilities: readonly string[];
  /** What the provider wants the user to be shown. */
  readonly alerts: readonly string[];
  /** Ends the session, where the client did not stay for it. */
  readonly discard: () => void;
}

/** Decides about a login. Rejects for faults of ours only. */
export type Judge<Session> = (credentials: Credentials, signal: AbortSignal) => Promise<Verdict<Session>>;

/** A client that has logged in. */
export interface Admitted<Session> {
  readonly client: Side;
  readonly session: Session;
}

export interface FrontOptions {
  /** Milliseconds until a client must have logged in. */
  readonly loginTimeout: number;
  /** Commands that may fail, failed logins among them. */
  readonly errorBudget: number;
}

/**
 * Serves a client until it has logged in. Resolves to undefined when it has left or was sent away; its connection is ended then. Rejects
 * with ConnectionError when it is lost.
 */
export async function front<Session>(
  accepted: Accepted,
  judge: Judge<Session>,
  options: FrontOptions,
): Promise<Admitted<Session> | undefined> {
  return new Front(accepted, judge, options).run();
}

/** What a command comes to: what the client has told about itself, that it has left, or nothing. */
type Outcome = Credentials | 'left' | undefined;

/** Ends the session with these words. */
class Farewell extends Error {
  override readonly name = 'Farewell';
}

class Front<Session> {
  readonly #accepted: Accepted;
  readonly #judge: Judge<Session>;
  readonly #options: FrontOptions;
  /** Aborted when the client is not served any more. */
  readonly #over = new AbortController();
  #incoming: IncomingCommands;
  #secure: boolean;
  #failures = 0;
  /** By which a token came: its refusal takes a line more. */
  #tokenMechanism: 'OAUTHBEARER' | 'XOAUTH2' | undefined;

  constructor(accepted: Accepted, judge: Judge<Session>, options: FrontOptions) {
    this.#accepted = accepted;
    this.#judge = judge;
    this.#options = options;
    this.#incoming = new IncomingCommands(accepted.connection, this.#over.signal);
    this.#secure = accepted.secure;
  }

  async run(): Promise<Admitted<Session> | undefined> {
    const { signal } = this.#accepted;
    let dismiss: (text: string) => void = () => undefined;
    const dismissed = new Promise<never>((_, reject) => {
      dismiss = (text) => {
        // Before anything else can happen: a login that is granted in this moment has nobody to go to.
        this.#over.abort();
        reject(new Farewell(text));
      };
    });
    const stop = (): void => {
      dismiss(signal.reason instanceof Error ? signal.reason.message : 'Postern is being stopped.');
    };
    const clock = setTimeout(dismiss, this.#options.loginTimeout, 'Logging in has taken too long.');
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    try {
      return await Promise.race([this.#serve(), dismissed]);
    } catch (error) {
      this.#over.abort();
      if (!(error instanceof Farewell || error instanceof FramingError || error instanceof UnaskedLiteral)) throw error;
      this.#write(`* BYE ${error.message}`);
      // It is not waited for: a client that reads nothing would keep us for ever.
      void this.#incoming.connection.end();
      return undefined;
    } finally {
      clearTimeout(clock);
      signal.removeEventListener('abort', stop);
    }
  }

  async #serve(): Promise<Admitted<Session> | undefined> {
    this.#write(`* OK [CAPABILITY ${this.#capabilities()}] Postern ready.`);
    while (true) {
      // Who reads no answers is not asked for more commands.
      await this.#incoming.connection.drained();
      const incoming = await this.#incoming.next();
      if (incoming.kind === 'end') break;
      if (incoming.kind === 'bad') {
        this.#refuse(incoming.tag ?? '*', 'BAD', incoming.text);
        continue;
      }
      const { command } = incoming;
      const credentials = await this.#carryOut(command);
      if (credentials === 'left') break;
      const session = credentials === undefined ? undefined : await this.#logIn(command.tag, credentials);
      if (session === undefined) continue;
      const { connection, framer } = this.#incoming;
      framer.limit = WIRE_LIMITS.lineOctets;
      return { client: { connection, framer }, session };
    }
    void this.#incoming.connection.end();
    return undefined;
  }

  /** Answers a command. Resolves to what the client has told about itself, where it logs in, or that it has left. */
  async #carryOut(command: Command): Promise<Outcome> {
    const { tag } = command;
    switch (command.kind) {
      case 'login':
        return this.#mayLogIn(tag) ? this.#settle(tag, loginCredentials(command.user, command.password)) : undefined;
      case 'authenticate':
        return this.#mayLogIn(tag) ? this.#authenticate(command) : undefined;
      case 'id':
        this.#write('* ID ("name" "Postern")');
        return this.#ok(tag, 'ID completed');
      case 'opaque':
        return this.#simple(command);
      default:
        return this.#refuse(tag, 'BAD', 'Log in first');
    }
  }

  async #simple({ tag, name, rest }: OpaqueCommand): Promise<Outcome> {
    const isKnown = name === 'CAPABILITY' || name === 'NOOP' || name === 'LOGOUT' || name === 'STARTTLS';
    if (!isKnown) {
      const { reason } = commandRow(name);
      return this.#refuse(tag, 'BAD', reason ?? 'Log in first');
    }
    if (rest.some((part) => !Buffer.isBuffer(part) || part.toString('latin1').trim() !== '')) {
      return this.#refuse(tag, 'BAD', `${name} takes no arguments`);
    }
    switch (name) {
      case 'CAPABILITY':
        this.#write(`* CAPABILITY ${this.#capabilities()}`);
        return this.#ok(tag, 'CAPABILITY completed');
      case 'NOOP':
        return this.#ok(tag, 'NOOP completed');
      case 'LOGOUT':
        this.#write('* BYE Logging out');
        this.#write(`${tag} OK LOGOUT completed.`);
        return 'left';
      case 'STARTTLS':
        return this.#startTLS(tag);
    }
  }

  async #startTLS(tag: string): Promise<Outcome> {
    const { upgrade } = this.#accepted;
    if (this.#secure) return this.#refuse(tag, 'BAD', 'TLS is active already');
    if (upgrade === undefined) return this.#refuse(tag, 'BAD', 'TLS is not offered here');
    // They came before TLS, from whoever, and would be carried out after it.
    if (this.#incoming.framer.pending) throw new Farewell('Octets came after STARTTLS before the handshake.');
    this.#write(`${tag} OK Begin TLS negotiation now.`);
    this.#incoming = new IncomingCommands(await upgrade(), this.#over.signal);
    this.#secure = true;
    return undefined;
  }

  async #authenticate({
    tag,
    mechanism: name,
    initialResponse,
  }: AuthenticateCommand): Promise<Credentials | undefined> {
    const mechanism = mechanismNamed(name);
    if (mechanism === undefined) return this.#refuse(tag, 'NO', 'This mechanism is not supported', 'CANNOT');
    const exchange = saslExchange(mechanism);
    let step = exchange.begin(initialResponse);
    while (step.kind === 'challenge') {
      this.#write(`+ ${step.text}`);
      const line = await this.#incoming.line();
      if (line === undefined) throw new Farewell('The client has left in the middle of AUTHENTICATE.');
      step = line === 'bad' ? exchange.respond(Buffer.from('?')) : exchange.respond(line);
    }
    const credentials = this.#settle(tag, step);
    if (credentials?.kind === 'token' && (mechanism === 'OAUTHBEARER' || mechanism === 'XOAUTH2')) {
      this.#tokenMechanism = mechanism;
    }
    return credentials;
  }

  /** What an exchange has come to; a refusal is answered. */
  #settle(tag: string, step: SaslStep): Credentials | undefined {
    if (step.kind === 'credentials') return step.credentials;
    if (step.kind === 'challenge') throw new Error('An exchange that goes on has come to nothing yet.');
    const isBad = step.reason === 'cancelled' || step.reason === 'syntax';
    return this.#refuse(tag, isBad ? 'BAD' : 'NO', step.text, isBad ? undefined : 'AUTHENTICATIONFAILED');
  }

  /** Answers the login, and resolves to the session where it is granted. */
  async #logIn(tag: string, credentials: Credentials): Promise<Session | undefined> {
    const mechanism = this.#tokenMechanism;
    this.#tokenMechanism = undefined;
    const verdict = await this.#judge(credentials, this.#over.signal).finally(() => {
      credentials.secret.erase();
    });
    if ('session' in verdict) {
      if (this.#over.signal.aborted) {
        verdict.discard();
        return undefined;
      }
      for (const alert of verdict.alerts) this.#write(`* OK [ALERT] ${alert}`);
      const capabilities = capabilitiesForClient(verdict.capabilities, false).join(' ');
      this.#write(`${tag} OK [CAPABILITY ${capabilities}] Logged in.`);
      return verdict.session;
    }
    await sleep(FRONT_LIMITS.failureDelay, undefined, { signal: this.#over.signal });
    if (mechanism !== undefined) {
      // RFC 7628 §3.2.3: the refusal is a challenge, which the client answers with something that does not matter.
      this.#write(`+ ${tokenRefusal(mechanism)}`);
      if ((await this.#incoming.line()) === undefined) throw new Farewell('The client has left.');
    }
    this.#refuse(tag, 'NO', verdict.text, verdict.code);
    return undefined;
  }

  #mayLogIn(tag: string): boolean {
    if (this.#canLogIn) return true;
    this.#refuse(tag, 'NO', 'Logging in needs TLS here; begin with STARTTLS', 'PRIVACYREQUIRED');
    return false;
  }

  get #canLogIn(): boolean {
    // Without TLS and without the offer of it, the listener is one for the loopback interface.
    return this.#secure || this.#accepted.upgrade === undefined;
  }

  #capabilities(): string {
    const canUpgrade = !this.#secure && this.#accepted.upgrade !== undefined;
    return capabilitiesBeforeLogin({ canUpgrade, canLogIn: this.#canLogIn }).join(' ');
  }

  #ok(tag: string, text: string): Outcome {
    this.#write(`${tag} OK ${text}.`);
    return undefined;
  }

  /** Answers with NO or BAD, and ends the session where that was once too often. */
  #refuse(tag: string, status: 'NO' | 'BAD', text: string, code?: string): Credentials | undefined {
    const codeText = code === undefined ? '' : `[${code}] `;
    this.#write(`${tag} ${status} ${codeText}${text.replace(/\.$/, '')}.`);
    this.#failures += 1;
    if (this.#failures >= this.#options.errorBudget) throw new Farewell('Too many commands that failed.');
    return undefined;
  }

  #write(line: string): void {
    this.#incoming.connection.write(Buffer.from(`${printable(line)}\r\n`, 'latin1'));
  }
}
