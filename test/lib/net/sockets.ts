/** Pairs of connected TCP sockets on 127.0.0.1. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

export interface SocketPair {
  /** The side that was accepted. */
  readonly accepted: Socket;
  readonly client: Socket;
  /** Destroys both. */
  readonly close: () => void;
}

export async function socketPair(): Promise<SocketPair> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  server.close();
  const close = (): void => {
    accepted.destroy();
    client.destroy();
  };
  return { accepted, client, close };
}
