/** A relay that counts what goes between Postern and the provider, and notes the commands. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import type { Endpoint } from '../endpoint.js';

export interface Meter {
  readonly endpoint: Endpoint;
  /** Octets that the provider has sent since the last time, and the commands that it got, without their tags. */
  readonly read: () => { readonly octets: number; readonly commands: readonly string[] };
  readonly close: () => Promise<void>;
}

/** Stands before a provider, without TLS. */
export async function meter(provider: Endpoint): Promise<Meter> {
  const sockets = new Set<Socket>();
  let octets = 0;
  let sent = '';
  const server = createServer({ noDelay: true }, (client) => {
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
      socket.pipe(other);
    }
    client.on('data', (chunk: Buffer) => (sent += chunk.toString('latin1')));
    upstream.on('data', (chunk: Buffer) => (octets += chunk.length));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: { ...provider, host: 'localhost', port },
    read: () => {
      const lines = sent.split('\r\n').slice(0, -1);
      const found = { octets, commands: lines.map((line) => line.slice(line.indexOf(' ') + 1)) };
      octets = 0;
      sent = '';
      return found;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
