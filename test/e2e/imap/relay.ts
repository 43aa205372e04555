/** A TCP relay that hands on what it reads, or what a test makes of it. It shows that tests notice what a proxy might do wrong. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import type { Interpose } from './endpoint.js';
import { ResponseCutter } from './responses.js';

/** What a relay makes of a server's responses, one at a time; each connection has one of its own. */
export type Alter = (response: Buffer) => readonly Buffer[];

/** Sees both sides of each connection. */
export type Watch = (client: Socket, upstream: Socket) => void;

/** A relay of octets; or, with `alter`, of responses. Clear text only, for TLS hides them. */
export function relay(alter?: () => Alter, watch: Watch = () => undefined): Interpose {
  return async (provider) => {
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: false, noDelay: true }, (client) => {
      const upstream = connect({ host: provider.host, port: provider.port, noDelay: true });
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          sockets.delete(socket);
          other.end();
        });
      }
      watch(client, upstream);
      client.pipe(upstream);
      if (alter === undefined) {
        upstream.pipe(client);
        return;
      }
      const change = alter();
      const cutter = new ResponseCutter();
      upstream.on('data', (chunk: Buffer) => {
        for (const response of cutter.push(chunk)) for (const octets of change(response)) client.write(octets);
      });
      upstream.on('end', () => client.end());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return {
      endpoint: { ...provider, host: 'localhost', port },
      close: async () => {
        for (const socket of sockets) socket.destroy();
        server.close();
        await once(server, 'close');
      },
    };
  };
}
