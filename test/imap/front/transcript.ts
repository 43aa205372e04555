import { type FrontOptions, type Verdict, front } from '#imap/front/front';
import { SILENT } from '#lib/log';
import { type Connection, ConnectionError } from '#lib/net/connection';
import { type MemoryConnection, connectionPair } from '#test/lib/net/memory';
import { type Cut, playSteps } from '../transcript.js';

/** How a front comes to its end: a session, the client's leave, or a lost connection. */
export type FrontEnding = 'session' | 'left' | 'lost';

/**
 * Plays a transcript, whose form transcripts/README.md tells, against a front whose judge and whose daemon are sides of the transcript
 * too.
 */
export async function replay(text: string, cut: Cut, options: Partial<FrontOptions> = {}): Promise<FrontEnding> {
  const [clientSide, client] = connectionPair();
  const [judgeSide, judge] = connectionPair();
  const [daemonSide, daemon] = connectionPair();
  const tls = /^#! tls (implicit|starttls|none)$/m.exec(text)?.[1] ?? 'implicit';
  const stop = new AbortController();
  void lineOf(daemonSide).then((reason) => {
    if (reason !== '') stop.abort(new Error(reason));
  });
  const session = front(
    {
      id: 'x',
      connection: clientSide,
      secure: tls === 'implicit',
      peer: { address: '192.0.2.1', port: 1 },
      log: SILENT,
      signal: stop.signal,
      ...(tls === 'starttls' ? { upgrade: () => upgraded(clientSide) } : {}),
    },
    async ({ kind, user, secret }, signal) => {
      signal.addEventListener('abort', () => judgeSide.write(Buffer.from('aborted\r\n')));
      judgeSide.write(Buffer.from(`${kind} ${user} ${secret.reveal()}\r\n`, 'latin1'));
      return verdict(await lineOf(judgeSide), judgeSide);
    },
    {
      loginTimeout: Number(/^#! timeout ([0-9]+)$/m.exec(text)?.[1] ?? 60_000),
      errorBudget: Number(/^#! budget ([0-9]+)$/m.exec(text)?.[1] ?? 100),
      ...options,
    },
  ).then(
    (admitted): FrontEnding => (admitted === undefined ? 'left' : 'session'),
    (error: unknown): FrontEnding => {
      if (error instanceof ConnectionError) return 'lost';
      throw error;
    },
  );
  const told = session.then((ending) => daemonSide.write(Buffer.from(`${ending}\r\n`)));
  await playSteps(text, cut, { C: client, J: judge, D: daemon });
  await told;
  return session;
}

/** STARTTLS as the daemon does it, but for TLS. */
function upgraded(connection: MemoryConnection): Promise<Connection> {
  if (connection.waiting === 0) return Promise.resolve(connection);
  connection.destroy();
  return Promise.reject(new ConnectionError('injected', 'Octets came before the TLS handshake.'));
}

function verdict(line: string, side: Connection): Verdict<string> {
  const [word = '', code = '', ...text] = line.split(' ');
  if (word === 'fault') throw new Error('The judge has failed.');
  if (word !== 'OK') return { code, text: text.join(' '), reason: 'denied' };
  return {
    session: 'session',
    capabilities: ['IMAP4rev1', 'IDLE', 'CATENATE'],
    alerts: text.length > 0 ? [text.join(' ')] : [],
    discard: () => side.write(Buffer.from('discarded\r\n')),
  };
}

async function lineOf(connection: Connection): Promise<string> {
  let line = '';
  while (!line.endsWith('\r\n')) {
    const chunk = await connection.read().catch(() => undefined);
    if (chunk === undefined) return '';
    line += chunk.toString('latin1');
  }
  return line.trimEnd();
}
