/** Providers that follow a script, the hostile ones among them. */
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Endpoint } from '#lib/net/dial';
import { socketConnection } from '#lib/net/socket';
import { secureServer } from '#lib/net/tlsserver';
import type { Connection } from '#lib/net/connection';

/** What a script has in hand. */
export interface Peer {
  /** Sends octets as they are. */
  readonly send: (text: string) => void;
  /** The next line of the client, without its line end. Rejects at the end. */
  readonly line: () => Promise<string>;
  /** So many octets. */
  readonly octets: (count: number) => Promise<string>;
  /** Reads a command, sends what `answer` makes of its tag, and gives the command without its tag. */
  readonly command: (answer?: (tag: string, command: string) => string) => Promise<string>;
  /** The server's side of a TLS handshake. `clear` is sent at the same moment, in clear, before it. */
  readonly secure: (context: SecureContext, clear?: string) => Promise<void>;
  /** Breaks the connection off. */
  readonly drop: () => void;
}

export interface Fake {
  readonly port: number;
  readonly endpoint: Endpoint;
  /** The lines that the client has sent. */
  readonly heard: readonly string[];
  /** Resolves when the client has gone. */
  readonly gone: Promise<void>;
  readonly close: () => void;
}

/** Starts one that serves one client at a time by the script. It stays silent after the end of it. */
export async function fakeProvider(script: (peer: Peer) => Promise<void> | void): Promise<Fake> {
  const heard: string[] = [];
  const sockets: Socket[] = [];
  let leave: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => (leave = resolve));
  const server: Server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.push(socket);
    const { peer, drained } = peerOver(socket, heard);
    void (async (): Promise<void> => {
      try {
        await script(peer);
      } catch {
        // The client went first, or the script was not followed: the test sees what the client makes of it.
      }
      await drained();
      leave();
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port, endpoint: { host: '127.0.0.1', port, tls: 'none' }, heard, gone, close };
}

function peerOver(socket: Socket, heard: string[]): { readonly peer: Peer; readonly drained: () => Promise<void> } {
  let over = socketConnection(socket);
  let connection: Connection = over;
  let held = Buffer.alloc(0);
  const more = async (): Promise<void> => {
    const chunk = await connection.read();
    if (chunk === undefined) throw new Error('The client has gone.');
    held = Buffer.concat([held, chunk]);
  };
  const octets = async (count: number): Promise<string> => {
    while (held.length < count) await more();
    const taken = held.subarray(0, count).toString('latin1');
    held = held.subarray(count);
    return taken;
  };
  const line = async (): Promise<string> => {
    while (!held.includes('\r\n')) await more();
    const text = (await octets(held.indexOf('\r\n') + 2)).slice(0, -2);
    heard.push(text);
    return text;
  };
  const send = (text: string): void => {
    connection.write(Buffer.from(text, 'latin1'));
  };
  const drained = async (): Promise<void> => {
    while (await connection.read().catch(() => undefined));
    connection.destroy();
  };
  const peer: Peer = {
    send,
    line,
    octets,
    command: async (answer = (tag) => `${tag} OK done\r\n`) => {
      const [tag = '', ...words] = (await line()).split(' ');
      send(answer(tag, words.join(' ')));
      return words.join(' ');
    },
    secure: async (context, clear) => {
      const { socket: plain } = over.detach();
      if (clear !== undefined) plain.write(clear);
      over = socketConnection((await secureServer(plain, { context })).socket);
      connection = over;
      held = Buffer.alloc(0);
    },
    drop: () => {
      socket.resetAndDestroy();
    },
  };
  return { peer, drained };
}
