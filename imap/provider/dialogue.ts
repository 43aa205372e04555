import type { Connection } from '#lib/net/connection';
import { TAG } from '../wire/characters.js';
import { WireError } from '../wire/error.js';
import { type Fragment, Framer, FramingError } from '../wire/framer.js';
import { Gatherer, type Part, isLiteral, literalBytes } from '../wire/part.js';
import { type Response, readResponse } from '../wire/response.js';
import type { ResponseCode } from '../wire/responsecode.js';
import type { StatusResponse } from '../wire/status.js';
import { Writer } from '../wire/writer.js';
import { ProviderError, type ProviderText } from './error.js';
import { LIMITS } from './limits.js';

export interface CommandOptions {
  /**
   * Gives the line that answers a continuation request which no literal waits for, without its line end, or undefined where none was
   * expected. The challenge is as it came.
   */
  readonly respond?: (challenge: string) => Promise<string | undefined> | string | undefined;
  /** As in `WriterOptions`. Default 0: literals wait. */
  readonly nonSynchronizing?: number;
}

/** The end of a command, and the untagged responses before it. */
export interface Outcome {
  readonly end: StatusResponse;
  readonly untagged: readonly Response[];
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

  /** Sends a command, which `write` writes behind its tag, and reads up to its end. Rejects with ProviderError or ConnectionError. */
  async command(write: (writer: Writer) => unknown, options: CommandOptions = {}): Promise<Outcome> {
    const { respond, nonSynchronizing = 0 } = options;
    const tag = `P${++this.#tags}`;
    const writer = new Writer({ nonSynchronizing }).word(tag, TAG, 'a tag').space();
    write(writer);
    const pieces = piecesOf(writer.end());
    await this.#send(pieces.shift() ?? Buffer.alloc(0));
    const untagged: Response[] = [];
    while (true) {
      const response = await this.next();
      if (response.kind === 'continuation') {
        const piece = pieces.shift() ?? asLine(await respond?.(response.text.toString('latin1')));
        if (piece === undefined) throw this.protocol('It asked for more where nothing was to follow');
        await this.#send(piece);
      } else if (response.kind === 'status' && response.tag !== undefined) {
        const { status } = response;
        if (response.tag !== tag) throw this.protocol('It answered a command that was not sent');
        if (status === 'BYE' || status === 'PREAUTH') throw this.protocol('It ended a command wrongly');
        return { end: response, untagged };
      } else if (response.kind === 'status' && response.status === 'BYE') {
        throw this.error('unavailable', `The server ${this.peer} ended the session`, response);
      } else {
        untagged.push(response);
      }
    }
  }

  /** The next response. */
  async next(): Promise<Response> {
    if (++this.#responses > LIMITS.responses) throw this.protocol('It sends too many responses before the login');
    const gatherer = new Gatherer({ octets: LIMITS.responseOctets });
    try {
      while (true) {
        const fragment = this.#framer.next();
        if (fragment === undefined) {
          await this.#more();
          continue;
        }
        const parts = this.#gather(gatherer, fragment);
        if (parts !== undefined) return this.#read(parts);
      }
    } catch (error) {
      if (error instanceof FramingError || error instanceof WireError) {
        const what =
          error instanceof WireError && error.code === 'syntax' ? 'a malformed response' : 'too long a response';
        throw this.protocol(`It sends ${what}`, error);
      }
      throw error;
    }
  }

  #gather(gatherer: Gatherer, fragment: Fragment): readonly Part[] | undefined {
    if (fragment.kind === 'line') {
      if (fragment.lineEnd === 0 || fragment.bytes.length > LIMITS.lineOctets) {
        throw this.protocol('It sends a line that is too long');
      }
      // Before it has come, and whether it comes or not.
      if (fragment.literal !== undefined && !gatherer.takes(fragment.literal)) {
        throw this.protocol('It sends too long a response');
      }
    }
    return gatherer.push(fragment);
  }

  #read(parts: readonly Part[]): Response {
    const response = readResponse(parts);
    if (response.kind === 'status' && nameOf(response.code) === 'ALERT' && this.#alerts.length < LIMITS.alerts) {
      this.#alerts.push(this.#clean(response.text));
    }
    return response;
  }

  async #send(octets: Buffer): Promise<void> {
    if (!this.#connection.write(octets)) await this.#connection.drained();
  }

  /** An error in which the provider speaks itself. */
  error(kind: ProviderError['kind'], what: string, answer: StatusResponse): ProviderError {
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

  #said({ status, code, text }: StatusResponse): ProviderText {
    const argument = code?.kind === 'other' ? code.argument : undefined;
    return {
      status,
      code: nameOf(code)?.slice(0, 40),
      argument: argument === undefined ? undefined : this.#clean(argument),
      text: this.#clean(text),
    };
  }

  /** Without control characters, and not too long. Nothing at all where a secret is in it: servers repeat commands that they do not like. */
  #clean(octets: Buffer): string {
    const text = octets.toString('utf8');
    if (this.#secrets.some((secret) => text.toLowerCase().includes(secret.toLowerCase()))) return '';
    return Array.from(text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd]/gu, ' ').trim())
      .slice(0, LIMITS.textLength)
      .join('');
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

/** What can be sent at once, and what only when it is asked for: a synchronizing literal and what follows it. */
function piecesOf(parts: readonly Part[]): Buffer[] {
  const pieces: Buffer[][] = [[]];
  for (const part of parts) {
    if (isLiteral(part) && !part.nonSynchronizing) pieces.push([]);
    pieces.at(-1)?.push(isLiteral(part) ? literalBytes(part) : part);
  }
  return pieces.map((piece) => Buffer.concat(piece));
}

function asLine(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(`${text}\r\n`, 'latin1');
}

/** The name of a response code, in upper case. */
export function nameOf(code: ResponseCode | undefined): string | undefined {
  return code?.kind === 'other' ? code.name : code?.kind.toUpperCase();
}

/** Capabilities in upper case, from a CAPABILITY response or code (RFC 9051 §7.2.2); undefined for other responses. */
export function capabilitiesOf(response: Response): readonly string[] | undefined {
  if (response.kind === 'capability') return response.capabilities;
  return response.kind === 'status' && response.code?.kind === 'capability' ? response.code.capabilities : undefined;
}

function asWritten({ code, text }: ProviderText): string {
  return code === undefined ? text : `[${code}] ${text}`;
}

function newFramer(): Framer {
  return new Framer('provider', LIMITS.lineOctets);
}
