import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './dialogue.js';
import type { Site } from './site.js';

export interface Dovecot {
  /** Where LMTP listens, on 127.0.0.1. */
  readonly port: number;
  /** The folder of a user: its home. */
  readonly userHome: (user: string) => string;
  /** The folder for the server's temporary files. */
  readonly temporary: string;
  /** Installs one of the Sieve scripts of etc/dovecot, compiled where it belongs to the system. */
  readonly compile: (script: string) => void;
  /** The messages in a user's mailbox, as an IMAP session would read them. */
  readonly fetch: (user: string, mailbox: string) => string[];
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

/** Starts a Dovecot of its own for the site, with etc/dovecot/99-postern.conf. */
export async function startDovecot(site: Site): Promise<Dovecot> {
  const { account, folder } = site;
  const port = await freePort();
  const mail = site.makeFolder('mail');
  const temporary = site.makeFolder('tmp');
  const sieve = join(folder, 'sieve');
  mkdirSync(sieve);
  const fragment = site.install('dovecot/99-postern.conf', {
    '/usr/local/lib/postern': site.library,
    '/etc/dovecot/sieve': sieve,
  });
  const root = process.getuid?.() === 0;
  const configuration = join(folder, 'dovecot.conf');
  const log = join(folder, 'dovecot.log');
  writeFileSync(
    configuration,
    `base_dir = ${join(folder, 'run')}
log_path = ${log}
protocols = lmtp
listen = 127.0.0.1
ssl = no
default_internal_user = ${root ? 'dovecot' : account.name}
default_internal_group = ${root ? 'dovecot' : account.group}
default_login_user = ${root ? 'dovenull' : account.name}
${root ? '' : 'service anvil {\n  chroot =\n}\n'}
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_temp_dir = ${temporary}
recipient_delimiter = +
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=${account.uid} gid=${account.gid} home=${mail}/%u
}
namespace inbox {
  inbox = yes
}
service lmtp {
  inet_listener lmtp {
    port = ${port}
  }
}
!include ${fragment}
`,
  );
  const userHome = (user: string): string => join(mail, user);
  const compile = (script: string): void => {
    const text = readFileSync(join('etc/dovecot', script));
    writeFileSync(join(sieve, script), text);
    execFileSync('sievec', ['-c', configuration, join(sieve, script)], { stdio: 'pipe' });
  };
  compile('postern-before.sieve');
  compile('postern-after.sieve');
  const child = spawn('dovecot', ['-F', '-c', configuration], { stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  try {
    await listening(child, port);
  } catch (error) {
    await stop();
    throw new Error(`Dovecot did not start: ${readFileSync(log, 'utf8')}`, { cause: error });
  }
  return {
    port,
    temporary,
    userHome,
    compile,
    fetch: (user, mailbox) =>
      execFileSync('doveadm', ['-c', configuration, '-f', 'flow', 'fetch', '-u', user, 'flags', 'mailbox', mailbox], {
        encoding: 'utf8',
        stdio: 'pipe',
      })
        .split('\n')
        .filter((line) => line !== ''),
    log: () => readFileSync(log, 'utf8'),
    stop,
  };
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) throw new Error(`it exited with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await sleep(100);
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`nothing listens on port ${port} after 10 seconds`);
}
