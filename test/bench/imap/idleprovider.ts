/**
 * `idleprovider.js ORDERS`: stands for a provider with very many idle sessions, TLS from the first octet. Dovecot takes a process for each, and
 * a thousand of them that start and wake keep two cores busy for minutes. This one knows what a client needs to come to IDLE, and has no
 * messages.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';

/** Milliseconds between two signs of life in IDLE. Dovecot gives one every two minutes (`imap_idle_notify_interval`). */
const NOTIFY = 60_000;
const CAPABILITIES = 'IMAP4rev1 LITERAL+ SASL-IR IDLE UIDPLUS CONDSTORE';

const SELECTED = [
  '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)',
  '* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags permitted.',
  '* 0 EXISTS',
  '* 0 RECENT',
  '* OK [UIDVALIDITY 1] UIDs valid.',
  '* OK [UIDNEXT 1] Predicted next UID.',
];

function serve(socket: Socket): void {
  let rest = '';
  let idle: { readonly tag: string; readonly clock: NodeJS.Timeout } | undefined;
  const write = (...lines: readonly string[]): void => {
    socket.write(lines.map((line) => `${line}\r\n`).join(''));
  };
  const take = (line: string): void => {
    if (idle !== undefined) {
      clearInterval(idle.clock);
      write(`${idle.tag} OK Idle completed.`);
      idle = undefined;
      return;
    }
    const [tag = '*', name = ''] = line.split(' ', 2);
    switch (name.toUpperCase()) {
      case 'LOGIN':
      case 'AUTHENTICATE':
        write(`${tag} OK [CAPABILITY ${CAPABILITIES}] Logged in.`);
        break;
      case 'SELECT':
        write(...SELECTED, `${tag} OK [READ-WRITE] Select completed.`);
        break;
      case 'IDLE':
        write('+ idling');
        idle = {
          tag,
          clock: setInterval(() => {
            write('* OK Still here');
          }, NOTIFY),
        };
        break;
      case 'LOGOUT':
        write('* BYE Logging out', `${tag} OK Logout completed.`);
        socket.end();
        break;
      default:
        write(`${tag} OK ${name} completed.`);
    }
  };
  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearInterval(idle?.clock);
  });
  write(`* OK [CAPABILITY ${CAPABILITIES} AUTH=PLAIN] Ready.`);
}

const { port, folder } = JSON.parse(process.argv[2] ?? '') as { readonly port: number; readonly folder: string };
const read = (name: string): Buffer => readFileSync(join(folder, name));
createServer({ key: read('server.key'), cert: read('server.pem') }, serve).listen(port, '127.0.0.1');
