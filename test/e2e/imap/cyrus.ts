/** A Cyrus of our own: a second opinion on everything where Dovecot has a way of its own. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../dialogue.js';
import { makeCertificate } from './certificate.js';
import { startDaemon } from './daemon.js';
import { type MailServer, PASSWORD } from './endpoint.js';

const PROGRAMS = '/usr/lib/cyrus/bin';
/** A file system without a disk, for Cyrus waits for its disk at every turn. */
const MEMORY = '/dev/shm';
/** Where test/install lays out what cannot be installed beside Dovecot. */
const UNPACKED = join('/usr/local/lib/postern-test/cyrus-imapd', PROGRAMS);

/**
 * Starts Cyrus on two ports of 127.0.0.1. It runs as Debian's account for it where we are root, else as ourselves. A user's
 * INBOX, with Drafts, Sent and Trash, is made by the first login.
 */
export async function startCyrus(): Promise<MailServer> {
  const root = process.getuid?.() === 0;
  const owner = root ? 'cyrus' : userInfo().username;
  const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'postern-cyrus-'));
  chmodSync(folder, 0o755);
  const [port, tlsPort] = [await freePort(), await freePort()];
  const { ca, certificate, key } = makeCertificate(folder);
  const file = (name: string): string => join(folder, name);
  for (const name of ['conf', 'conf/socket', 'conf/proc', 'conf/db', 'conf/log', 'conf/msg', 'spool', 'sasl'])
    mkdirSync(file(name));
  writeFileSync(file('imapd.conf'), settings(folder, owner, certificate, key));
  writeFileSync(file('cyrus.conf'), services(file('imapd.conf'), port, tlsPort));
  if (root) execFileSync('chown', ['-R', `${owner}:`, folder]);
  const known = new Set<string>();
  const learn = (user: string): void => {
    if (known.has(user)) return;
    known.add(user);
    execFileSync('saslpasswd2', ['-p', '-c', '-f', file('sasl/db'), '-u', 'localhost', user], {
      input: PASSWORD,
    });
    if (root) execFileSync('chown', [`${owner}:`, file('sasl/db')]);
  };
  const log = file('conf/log/master');
  const read = (): string => readFileSync(log, { encoding: 'utf8', flag: 'a+' });
  try {
    const daemon = await startDaemon(
      join(PROGRAMS, 'master'),
      ['-C', file('imapd.conf'), '-M', file('cyrus.conf'), '-p', file('conf/master.pid'), '-L', log],
      { port, env: { PATH: process.env['PATH'], CYRUS_USER: owner, CYRUS_VERBOSE: '1' } },
    );
    return {
      name: 'Cyrus',
      pid: daemon.pid,
      endpoint: (user, tls = 'none') => {
        learn(user);
        const from = { host: 'localhost', port: tls === 'implicit' ? tlsPort : port, tls, ca };
        return { ...from, user, password: PASSWORD };
      },
      log: () => daemon.output() + read(),
      stop: async () => {
        await daemon.stop();
        rmSync(folder, { recursive: true });
      },
    };
  } catch (error) {
    const text = read();
    rmSync(folder, { recursive: true });
    throw new Error(`Cyrus did not start: ${text}`, { cause: error });
  }
}

function settings(folder: string, owner: string, certificate: string, key: string): string {
  return `configdirectory: ${folder}/conf
defaultpartition: default
partition-default: ${folder}/spool
servername: localhost
cyrus_user: ${owner}
admins: cyrus
idlesocket: ${folder}/conf/socket/idle
lmtpsocket: ${folder}/conf/socket/lmtp
notifysocket: ${folder}/conf/socket/notify
allowplaintext: yes
sasl_mech_list: PLAIN LOGIN
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: ${folder}/sasl/db
tls_server_cert: ${certificate}
tls_server_key: ${key}
unixhierarchysep: yes
altnamespace: yes
virtdomains: off
conversations: yes
delete_mode: immediate
expunge_mode: immediate
annotation_allow_undefined: yes
imapidlepoll: 1
timeout: 60
failedloginpause: 0
maxlogins_per_user: 0
autocreate_quota: 4000000
autocreate_inbox_folders: Drafts | Sent | Trash
autocreate_subscribe_folders: Drafts | Sent
xlist-drafts: Drafts
xlist-sent: Sent
xlist-trash: Trash
`;
}

function services(imapd: string, port: number, tlsPort: number): string {
  const program = (name: string): string =>
    [join(PROGRAMS, name), join(UNPACKED, name)].find((path) => existsSync(path)) ?? name;
  const serve = program('imapd');
  return `START {
  recover cmd="${program('ctl_cyrusdb')} -C ${imapd} -r"
}
SERVICES {
  imap cmd="${serve} -C ${imapd}" listen="127.0.0.1:${port}" prefork=0
  imaps cmd="${serve} -s -C ${imapd}" listen="127.0.0.1:${tlsPort}" prefork=0
}
EVENTS {
}
DAEMON {
  idled cmd="${program('idled')} -C ${imapd}"
}
`;
}
