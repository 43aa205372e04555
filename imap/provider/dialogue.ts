import type { Connection } from '#lib/net/connection';
import { Framer, FramingError } from '../wire/framer.js';
import { type Answer, type StatusAnswer, readAnswer } from './answer.js';
import { ProviderError, type ProviderText } from './error.js';
import { LIMITS } from './limits.js';

/** Octets that are to be sent, and must not be seen in an error. */
export type Line = Buffer | string;

/** What a continuation request is answered with, or undefined where none was expected. */
export type Respond = (challenge: string) => Promise<Line | undefined> | Line | undefined;

/** The end of a command, and the untagged responses before it. */
export interface Outcome {
  readonly end: StatusAnswer;
  readonly untagged: readonly Answer[];
}

/** Commands and responses one after another, within limits, on a connection that is not yet anybody's session. */
export class Dialogue {
  readonly peer: string;
  /** Texts that servers might repeat to us and that we repeat to nobody. */
  readonly #secrets: string[] = [];
  readonly #alerts: string[] = [];
  #connection: Connection;
  #framer = newFramer();
  #responses = 0;
  #octets = 0;
  #tags = 0;

  constructor(connection: Connection, peer: string) {
    this.#connection = connection;
    this.peer = peer;
  }

  get connection(): Connection {
    return this.#connection;
  }

  get framer(): Framer {
    return this.#framer;
  }

  /** Texts of alerts (RFC 9051 §7.1: to be shown to the user), safe to be passed on. */
  get alerts(): readonly string[] {
    return this.#alerts;
  }

  /** Goes on over another connection. Nothing that came before is there any more. */
  restart(connection: Connection): void {
    this.#connection = connection;
    this.#framer = newFramer();
    this.#alerts.length = 0;
  }

  /** A text of the provider with one of these in it, a secret in a form that it has on the wire, is passed on to nobody from here on. */
  conceal(...secrets: readonly string[]): void {
    for (const secret of secrets) if (secret.length > 0) this.#secrets.push(secret);
  }

  /** Sends octets as they are. */
  async send(line: Line): Promise<void> {
    if (!this.#connection.write(Buffer.from(line as string, 'latin1'))) await this.#connection.drained();
  }

  /** Sends a command (without tag and line end) and reads up to its end. Rejects with ProviderError or ConnectionError. */
  async command(text: string, respond: Respond = () => undefined): Promise<Outcome> {
    const tag = `P${++this.#tags}`;
    await this.send(`${tag} ${text}\r\n`);
    const untagged: Answer[] = [];
    while (true) {
      const answer = await this.next();
      if (answer.kind === 'continuation') {
        const line = await respond(answer.text);
        if (line === undefined) throw this.protocol('It asked for more where nothing was to follow');
        await this.send(line);
      } else if (answer.kind === 'status' && answer.tag !== undefined) {
        if (answer.tag !== tag) throw this.protocol('It answered a command that was not sent');
        if (answer.status === 'BYE' || answer.status === 'PREAUTH') throw this.protocol('It ended a command wrongly');
        return { end: answer, untagged };
      } else if (answer.kind === 'status' && answer.status === 'BYE') {
        throw this.error('unavailable', `${this.peer} ended the session`, answer);
      } else {
        untagged.push(answer);
      }
    }
  }

  /** The next response. */
  async next(): Promise<Answer> {
    if (++this.#responses > LIMITS.responses) throw this.protocol('It sends too many responses before the login');
    const pieces: Buffer[] = [];
    let size = 0;
    while (true) {
      const fragment = this.#fragment();
      if (fragment === undefined) {
        await this.#more();
        continue;
      }
      if (fragment.kind === 'overlong' || (fragment.kind === 'line' && fragment.bytes.length > LIMITS.lineOctets)) {
        throw this.protocol('It sends a line that is too long');
      }
      size += fragment.bytes.length;
      const announced = fragment.kind === 'line' ? (fragment.literal?.size ?? 0) : 0;
      if (size + announced > LIMITS.responseOctets) throw this.protocol('It sends too long a response');
      if (fragment.kind === 'literal') {
        pieces.push(fragment.bytes);
        continue;
      }
      pieces.push(fragment.bytes.subarray(0, fragment.bytes.length - fragment.lineEnd));
      if (fragment.lineEnd === 0) throw this.protocol('It sends a line that is too long');
      if (fragment.last) return this.#read(Buffer.concat(pieces).toString('latin1'));
    }
  }

  /** An error in which the provider speaks itself. */
  error(kind: ProviderError['kind'], what: string, answer: StatusAnswer): ProviderError {
    const said = this.#said(answer);
    const words = said.text === '' && said.code === undefined ? '' : ` It says "${asWritten(said)}".`;
    return new ProviderError(kind, `${what}.${words}`, { said });
  }

  protocol(what: string, cause?: unknown): ProviderError {
    return new ProviderError(
      'protocol',
      `The server ${this.peer} does not speak IMAP as it should. ${what}. Check host and port, or ask the provider.`,
      { cause },
    );
  }

  #said({ status, code, argument, text }: StatusAnswer): ProviderText {
    return {
      status,
      code: code?.slice(0, 40),
      argument: argument === undefined ? undefined : this.#clean(argument),
      text: this.#clean(text),
    };
  }

  /** Without control characters, and not too long. Nothing at all where a secret is in it: servers repeat commands that they do not like. */
  #clean(octets: string): string {
    const text = Buffer.from(octets, 'latin1').toString('utf8');
    if (this.#secrets.some((secret) => text.toLowerCase().includes(secret.toLowerCase()))) return '';
    return Array.from(text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd]/gu, ' ').trim())
      .slice(0, LIMITS.textLength)
      .join('');
  }

  #read(response: string): Answer {
    const answer = readAnswer(response);
    if (answer === undefined) throw this.protocol('It sends a line that is no response');
    if (answer.kind === 'status' && answer.code === 'ALERT' && this.#alerts.length < LIMITS.alerts) {
      this.#alerts.push(this.#clean(answer.text));
    }
    return answer;
  }

  #fragment(): ReturnType<Framer['next']> {
    try {
      return this.#framer.next();
    } catch (error) {
      if (error instanceof FramingError) throw this.protocol('It announces a literal that is too large', error);
      throw error;
    }
  }

  async #more(): Promise<void> {
    const chunk = await this.#connection.read();
    if (chunk === undefined) {
      throw new ProviderError('unavailable', `The server ${this.peer} ended the connection. Try again later.`);
    }
    this.#octets += chunk.length;
    if (this.#octets > LIMITS.octets) throw this.protocol('It sends too much before the login');
    this.#framer.push(chunk);
  }
}

function asWritten({ code, text }: ProviderText): string {
  return code === undefined ? text : `[${code}] ${text}`;
}

function newFramer(): Framer {
  return new Framer('provider', LIMITS.lineOctets);
}
