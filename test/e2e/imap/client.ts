/** A raw IMAP client: it sends octets, cut as a test wants them, and reads whole responses. It understands nothing. */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { type TLSSocket, connect as connectTLS } from 'node:tls';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';
import type { Endpoint } from './endpoint.js';
import { ResponseCutter } from './responses.js';

/** How octets are handed to the network: as they are, each for itself, or in pieces of 1 to 40 octets. */
export type Cuts = 'whole' | 'octets' | { readonly seed: number };

const ENDS = ['end', 'close', 'error'] as const;

/** How long a response may take. */
const PATIENCE = 20_000;

/** The error of a connection that ends while a response is waited for. */
export class ConnectionEnded extends Error {
  override readonly name = 'ConnectionEnded';
}

export class Connection {
  /** Responses that nobody has asked for yet. */
  readonly #waiting: Buffer[] = [];
  #cutter = new ResponseCutter();
  #socket: Socket | TLSSocket;
  #input: Readable;
  #output: Writable;
  #ended = false;
  #unlisten: () => void = () => undefined;
  #wake: () => void = () => undefined;
  readonly #endpoint: Endpoint;

  constructor(socket: Socket | TLSSocket, endpoint: Endpoint) {
    this.#socket = socket;
    this.#input = socket;
    this.#output = socket;
    this.#endpoint = endpoint;
    this.#listen();
  }

  /** Sends octets. Pieces are put on the network one by one. */
  async write(octets: Buffer, cuts: Cuts = 'whole'): Promise<void> {
    for (const piece of cut(octets, cuts)) {
      if (this.#ended || this.#output.destroyed) return;
      // A loss is seen when the response is read.
      const lost = (): void => undefined;
      if (!this.#output.write(piece)) await Promise.race([once(this.#output, 'drain'), this.#end()]).catch(lost);
      else if (cuts !== 'whole') await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The next response, with its literals and its last CRLF. Rejects with `ConnectionEnded` at the end, or when none comes. */
  async read(patience: number = PATIENCE): Promise<Buffer> {
    const end = Date.now() + patience;
    while (true) {
      const response = this.#waiting.shift();
      if (response !== undefined) return response;
      if (this.#ended) throw new ConnectionEnded(`The server closed the connection${this.#unfinished()}.`);
      if (Date.now() >= end) throw new Error(`No response came in ${patience / 1000} seconds${this.#unfinished()}.`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, end - Date.now());
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Responses up to the tagged one, that included. */
  async readTo(tag: string): Promise<Buffer[]> {
    const responses: Buffer[] = [];
    while (true) {
      const response = await this.read();
      responses.push(response);
      if (response.toString('latin1', 0, tag.length + 1) === `${tag} `) return responses;
    }
  }

  /** Sends a command line and resolves to the responses up to its tagged one. */
  async run(tag: string, command: string | Buffer): Promise<Buffer[]> {
    await this.write(Buffer.concat([Buffer.from(`${tag} `), Buffer.from(command), Buffer.from('\r\n')]));
    return this.readTo(tag);
  }

  /** The responses that have come and that nobody has read. */
  take(): Buffer[] {
    return this.#waiting.splice(0);
  }

  /** Whether the server has ended the connection. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Begins TLS on the connection, after the server has agreed. */
  async startTLS(): Promise<void> {
    this.#unlisten();
    this.#socket = await secure(this.#endpoint, this.#socket);
    this.#input = this.#output = this.#socket;
    this.#listen();
  }

  /** Begins compression in both directions (RFC 4978), after the server has agreed. */
  startCompression(): void {
    this.#unlisten();
    // Each write must reach the server at once.
    const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });
    // A server's stream need not end before the connection does: as an error, that would cost what was read last.
    const inflate = createInflateRaw({ flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH });
    deflate.pipe(this.#socket);
    this.#input = this.#socket.pipe(inflate);
    this.#output = deflate;
    this.#cutter = new ResponseCutter();
    this.#listen();
  }

  close(): void {
    this.#ended = true;
    this.#socket.destroy();
    this.#wake();
  }

  #listen(): void {
    const input = this.#input;
    const onEnd = (): void => {
      this.#ended = true;
      this.#wake();
    };
    const onData = (chunk: Buffer): void => {
      this.#waiting.push(...this.#cutter.push(chunk));
      this.#wake();
    };
    input.on('data', onData);
    for (const event of ENDS) input.on(event, onEnd);
    this.#unlisten = () => {
      input.off('data', onData);
      for (const event of ENDS) input.off(event, onEnd);
    };
    // Errors come with the end, which is what a test sees.
    for (const stream of [input, this.#output, this.#socket]) stream.on('error', () => undefined);
  }

  async #end(): Promise<void> {
    await once(this.#socket, 'close');
  }

  #unfinished(): string {
    const rest = this.#cutter.unfinished;
    return rest.length === 0 ? '' : ` in the middle of ${JSON.stringify(rest.toString('latin1', 0, 200))}`;
  }
}

/** Connects, with TLS where the endpoint has it from the beginning; STARTTLS is for the caller. */
export async function open(endpoint: Endpoint): Promise<Connection> {
  const socket = connect({ host: endpoint.host, port: endpoint.port, noDelay: true });
  await once(socket, 'connect');
  return new Connection(endpoint.tls === 'implicit' ? await secure(endpoint, socket) : socket, endpoint);
}

/** Connects, reads the greeting, begins TLS where the endpoint says so, and logs in. */
export async function login(endpoint: Endpoint): Promise<Connection> {
  const connection = await open(endpoint);
  await connection.read();
  if (endpoint.tls === 'starttls') {
    await expectOK(connection, 'tls', 'STARTTLS');
    await connection.startTLS();
  }
  await expectOK(connection, 'login', `LOGIN "${endpoint.user}" "${endpoint.password}"`);
  return connection;
}

/** Runs a command that must succeed. */
export async function expectOK(connection: Connection, tag: string, command: string | Buffer): Promise<Buffer[]> {
  const responses = await connection.run(tag, command);
  const last = responses.at(-1)?.toString('latin1') ?? '';
  if (!last.startsWith(`${tag} OK`)) throw new Error(`${command.toString().slice(0, 100)} was answered with ${last}`);
  return responses;
}

async function secure(endpoint: Endpoint, socket: Socket): Promise<TLSSocket> {
  const tls = connectTLS({ socket, servername: 'localhost', ca: readFileSync(endpoint.ca) });
  await once(tls, 'secureConnect');
  return tls;
}

/** The pieces that octets are sent in. */
export function cut(octets: Buffer, cuts: Cuts): Buffer[] {
  if (cuts === 'whole') return [octets];
  const next = cuts === 'octets' ? (): number => 1 : random(cuts.seed + octets.length);
  const found: Buffer[] = [];
  for (let at = 0; at < octets.length;) {
    const size = cuts === 'octets' ? 1 : 1 + Math.floor(next() * 40);
    found.push(octets.subarray(at, at + size));
    at += size;
  }
  return found;
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
