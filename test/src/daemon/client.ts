import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { type TLSSocket, connect as connectTLS } from 'node:tls';

/** Milliseconds after which a test gives up. */
const PATIENCE = 5_000;

/** A client that reads lines. */
export class Client {
  readonly socket: Socket;
  #received = '';
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      this.#wake();
    });
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  /** The next line, or undefined at the end. */
  async line(): Promise<string | undefined> {
    const signal = AbortSignal.timeout(PATIENCE);
    for (;;) {
      const at = this.#received.indexOf('\n');
      if (at !== -1) {
        const line = this.#received.slice(0, at);
        this.#received = this.#received.slice(at + 1);
        return line;
      }
      if (this.#ended) return undefined;
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        signal.onabort = () => {
          reject(new Error('no line came'));
        };
      });
    }
  }

  /** Writes a line and waits for one. */
  async ask(line: string): Promise<string | undefined> {
    this.socket.write(`${line}\n`);
    return this.line();
  }

  /** TLS over what has been plain so far. */
  async secure(ca: string): Promise<Client> {
    this.socket.removeAllListeners('data');
    const socket = connectTLS({ socket: this.socket, ca, servername: 'localhost' });
    await once(socket, 'secureConnect');
    return new Client(socket);
  }

  close(): void {
    this.socket.destroy();
  }
}

/** A client of a listener on the loopback address. */
export async function plainClient(port: number, host = '127.0.0.1'): Promise<Client> {
  const socket = connect({ port, host });
  await once(socket, 'connect');
  return new Client(socket);
}

/** The same with TLS from the first octet. */
export async function tlsClient(
  port: number,
  ca: string,
  more: object = {},
): Promise<Client & { readonly socket: TLSSocket }> {
  const socket = connectTLS({ port, host: '127.0.0.1', ca, servername: 'localhost', ...more });
  await once(socket, 'secureConnect');
  return new Client(socket) as Client & { readonly socket: TLSSocket };
}
