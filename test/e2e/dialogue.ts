import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface Envelope {
  readonly from: string;
  readonly to: string;
}

/**
 * Hands a message (with CRLF) to an LMTP server (RFC 2033), and resolves to the last line of the reply that followed the
 * data. Replies other than the expected ones before that are errors.
 */
export async function deliver(port: number, envelope: Envelope, message: Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const lines = replies(socket);
  const ask = async (command: string, code: string): Promise<void> => {
    socket.write(command === '' ? '' : `${command}\r\n`);
    const { value: reply } = await lines.next();
    if (reply?.startsWith(code) !== true) throw new Error(`${command} was answered with ${String(reply)}`);
  };
  try {
    await ask('', '220');
    await ask('LHLO client.example.com', '250');
    await ask(`MAIL FROM:<${envelope.from}>`, '250');
    await ask(`RCPT TO:<${envelope.to}>`, '250');
    await ask('DATA', '354');
    socket.write(Buffer.concat([stuff(message), Buffer.from('.\r\n')]));
    const { value: reply } = await lines.next();
    await ask('QUIT', '221');
    return reply ?? '';
  } finally {
    socket.destroy();
  }
}

/** Dot-stuffing, RFC 5321 §4.5.2. */
export function stuff(message: Buffer): Buffer {
  return Buffer.from(message.toString('latin1').replace(/^\./gm, '..'), 'latin1');
}

/** The last line of each reply. */
async function* replies(socket: Socket): AsyncGenerator<string, undefined> {
  let rest = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString('latin1')).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (/^\d{3} /.test(line)) yield line;
  }
  return undefined;
}

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
