/** Sees to it that there is a Dovecot that the demo can start. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { DemoFailure } from './failure.js';
import { type Terminal, step } from './terminal.js';

const run = promisify(execFile);

const PACKAGES = ['dovecot-core', 'dovecot-imapd'];

/** Where Debian puts the parts that the main program starts. */
const PARTS = '/usr/lib/dovecot';

/** Installs Dovecot where it is missing and we may. Rejects with a DemoFailure where it cannot be had. */
export async function provideDovecot(terminal: Terminal): Promise<void> {
  // Not in the path of an ordinary user of Debian.
  process.env['PATH'] = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin`;
  if (!isInstalled()) await install(terminal);
  const { stdout: version } = await run('dovecot', ['--version']);
  if (!isKnown(version)) throw unknownVersion(version);
}

function isInstalled(): boolean {
  const found = (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'dovecot')));
  return found && (!existsSync(PARTS) || existsSync(join(PARTS, 'imap')));
}

async function install(terminal: Terminal): Promise<void> {
  const command = `apt-get install --no-install-recommends ${PACKAGES.join(' ')}`;
  if (process.getuid?.() !== 0) {
    throw new DemoFailure(`The demo needs Dovecot with IMAP. Install it: sudo ${command}`);
  }
  if (!existsSync('/usr/bin/apt-get')) {
    throw new DemoFailure('The demo needs Dovecot 2.3 with IMAP, and there is no apt-get here. Install it yourself.');
  }
  terminal.write(
    `  Dovecot, which plays the mail provider, is missing. apt-get installs it now:
  the packages ${PACKAGES.join(' and ')}, which stay when the demo ends. Debian
  also starts a service with them that the demo does not need, and that you
  end with: systemctl disable --now dovecot

`,
  );
  try {
    await step(terminal, 'Asking for the list of packages', () => aptGet('update', '-q'));
    const { stdout } = await run('apt-cache', ['policy', 'dovecot-core']);
    const candidate = /Candidate: (?:\d+:)?(\S+)/.exec(stdout)?.[1];
    if (candidate !== undefined && candidate !== '(none)' && !isKnown(candidate)) throw unknownVersion(candidate);
    await step(terminal, `Installing ${PACKAGES.join(' and ')}`, () =>
      aptGet('install', '-q', '-y', '--no-install-recommends', '--no-remove', ...PACKAGES),
    );
  } catch (error) {
    if (error instanceof DemoFailure) throw error;
    const { stderr = '' } = error as { stderr?: string };
    throw new DemoFailure(`apt-get failed. Mend that and try: ${command}\n${stderr.trim()}`, { cause: error });
  }
}

function aptGet(...args: string[]): Promise<unknown> {
  return run('apt-get', args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, maxBuffer: 2 ** 24 });
}

/** Whether the version is one whose configuration we write; 2.4 has another. */
function isKnown(version: string): boolean {
  return version.startsWith('2.3.');
}

function unknownVersion(version: string): DemoFailure {
  const [number = ''] = version.trim().split(' ');
  return new DemoFailure(
    `The demo needs Dovecot 2.3, and this is ${number}. Run it on Debian 12 or Ubuntu 24.04, or in a container of one.`,
  );
}
