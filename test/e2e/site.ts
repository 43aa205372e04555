/**
 * test/e2e: real mail servers, configured with the very files of etc/, and the built program behind them. A site is a
 * temporary folder that looks to a mail server like an installed system: the program, the keyrings, the samples.
 *
 * Mail servers run as the account that is testing, or, where that is root, as Debian's account for mail: Exim refuses to
 * deliver as root, and root reads files that others may not.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type SpawnSyncReturns, execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, join } from 'node:path';

/** Whom the servers run as. */
export interface Account {
  readonly name: string;
  readonly group: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * What the program does when it is called: `work`; die of SIGKILL before all of the message has been read (`killed-reading`), or
 * after part of the encrypted message has been written (`killed-writing`); exit with 75 (`tempfail`); or do nothing for
 * ever (`hang`).
 */
export type Mode = 'work' | 'killed-reading' | 'killed-writing' | 'tempfail' | 'hang';

export interface Site {
  readonly folder: string;
  readonly account: Account;
  /** Keyring of the filter: certificates only. */
  readonly home: string;
  /** The text of a file of etc/, with the given strings replaced; each must occur. */
  readonly sample: (sample: string, replace: Readonly<Record<string, string>>) => string;
  /** Installs such a text in the site and returns its path. */
  readonly install: (sample: string, replace: Readonly<Record<string, string>>, mode?: number) => string;
  /** The folder where `postern-encrypt` is installed. */
  readonly library: string;
  readonly setMode: (mode: Mode) => void;
  /** Installs postern-encrypt, with this time to do its work in. */
  readonly installFilter: (seconds?: number) => void;
  /** What the mail server gave to the filter the last time. */
  readonly handed: () => Buffer;
  /** Makes a folder that belongs to the account. */
  readonly makeFolder: (name: string) => string;
  /** Makes what is below a folder the account's. */
  readonly give: (path: string) => void;
  /** Runs a program as the account. */
  readonly run: (command: string, args: readonly string[], options?: RunOptions) => SpawnSyncReturns<Buffer>;
  /** Stops what runs for the site and removes it. */
  readonly close: () => void;
}

export interface RunOptions {
  readonly input?: Buffer | string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The program as `npm run build` left it. */
const MAIN = join(process.cwd(), 'dist/src/main.js');
/** Folder for what the harness itself keeps: the switch, and a copy of what the filter was given. */
const STATE = 'harness';
const PASSPHRASE = 'correct horse battery staple';

export const ALICE = 'alice@example.com';
/** Known to the servers, but without a certificate in the filter's keyring until `importCertificate` puts it there. */
export const CAROL = 'carol@example.com';

/** Makes a site whose filter knows a certificate of alice, made by GnuPG. */
export function openSite(): Site {
  const account = mailAccount();
  const folder = mkdtempSync(join(tmpdir(), 'postern-e2e-'));
  chmodSync(folder, 0o755);
  const makeFolder = (name: string): string => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true, mode: 0o755 });
    own(path, account);
    return path;
  };
  const program = installProgram(join(folder, 'program'));
  const state = makeFolder(STATE);
  const library = join(folder, 'lib');
  const home = makeFolder('home');
  mkdirSync(library);
  const site: Site = {
    folder,
    account,
    home,
    library,
    makeFolder,
    sample,
    install: (name, replace, mode = 0o644) => {
      const path = join(name === 'postern-encrypt' ? library : folder, basename(name));
      writeFileSync(path, sample(name, replace), { mode });
      chmodSync(path, mode);
      own(path, account);
      return path;
    },
    setMode: (mode) => {
      writeFileSync(join(state, 'mode'), mode);
    },
    installFilter: (seconds = 240) => {
      const path = `${join(folder, 'bin')}:/usr/local/bin:`;
      site.install(
        'postern-encrypt',
        { '/usr/local/bin:': path, '/var/lib/postern': home, ' 240 ': ` ${seconds} ` },
        0o755,
      );
    },
    handed: () => readFileSync(join(state, 'handed')),
    give: (path) => {
      own(path, account);
      for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' })) own(join(path, name), account);
    },
    run: (command, args, options = {}) =>
      spawnSync(command, args, {
        input: options.input ?? '',
        env: { PATH: '/usr/sbin:/usr/bin:/bin', ...options.env },
        cwd: folder,
        timeout: 30_000,
        ...(process.getuid?.() === 0 ? { uid: account.uid, gid: account.gid } : {}),
      }),
    close: () => {
      spawnSync('gpgconf', ['--kill', 'all'], { env: gnupgEnvironment(folder) });
      rmSync(folder, { recursive: true });
    },
  };
  try {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'postern'), switchScript(program, state), { mode: 0o755 });
    site.installFilter();
    site.setMode('work');
    makeKeys(folder);
    importCertificate(site, ALICE);
  } catch (error) {
    site.close();
    throw error;
  }
  return site;
}

function sample(name: string, replace: Readonly<Record<string, string>>): string {
  let text = readFileSync(join('etc', name), 'utf8');
  for (const [from, to] of Object.entries(replace)) {
    assert.ok(text.includes(from), `etc/${name} no longer has ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** Gives a certificate to the filter. */
export function importCertificate(site: Site, address: string): void {
  const file = join(site.folder, `${address}.asc`);
  const { status, stderr } = site.run(join(site.folder, 'bin/postern'), ['--home', site.home, 'key', 'import', file]);
  assert.equal(status, 0, stderr.toString());
}

/** Takes a certificate away from the filter again. */
export function deleteCertificate(site: Site, address: string): void {
  const { status, stderr } = site.run(join(site.folder, 'bin/postern'), [
    '--home',
    site.home,
    'key',
    'delete',
    '--yes',
    address,
  ]);
  assert.equal(status, 0, stderr.toString());
}

/** What gpg says of whom a stored message is encrypted to. */
export function recipientsOf(site: Site, message: Buffer): string {
  const { stderr } = spawnSync('gpg', ['--batch', '--list-only', '--decrypt'], {
    env: gnupgEnvironment(site.folder),
    input: message.subarray(message.indexOf('-----BEGIN PGP MESSAGE-----')),
  });
  return stderr.toString();
}

/** What stands where the program would be: it does what the file `mode` says. */
function switchScript(program: string, state: string): string {
  return `#!/bin/sh
state='${state}'
set -- '${process.execPath}' '${program}' "$@"
case $(cat "$state/mode") in
work) case $* in
  *' encrypt '*) tee "$state/handed" | "$@" ;;
  *) exec "$@" ;;
  esac ;;
killed-reading)
  pipe="$state/pipe.$$"
  mkfifo "$pipe"
  "$@" < "$pipe" & pid=$!
  # More than a pipe holds: the program has read some of it by then.
  { head -c 100000; kill -KILL $pid; cat > /dev/null; } > "$pipe"
  rm "$pipe"
  wait $pid
  kill -KILL $$ ;;
killed-writing) "$@" | { head -c 1000; kill -KILL $$; } ;;
tempfail) cat > /dev/null; exit 75 ;;
hang) exec sleep 60 ;;
esac
`;
}

/** Copies the program with the packages that it needs to where every account may read it. */
function installProgram(folder: string): string {
  for (const part of ['src', 'lib']) cpSync(join('dist', part), join(folder, 'dist', part), { recursive: true });
  cpSync('package.json', join(folder, 'package.json'));
  const queue = dependencies('package.json');
  const done = new Set<string>();
  for (const name of queue) {
    if (done.has(name)) continue;
    done.add(name);
    const from = join('node_modules', name);
    cpSync(from, join(folder, from), {
      recursive: true,
      // openpgp's bundles for browsers are most of it.
      filter: (source) => !/\.map$|\/openpgp\/dist\/(?:lightweight|types|openpgp[^/]*)$/.test(source),
    });
    queue.push(...dependencies(join(from, 'package.json')));
  }
  spawnSync('chmod', ['-R', 'a+rX', folder]);
  return join(folder, 'dist/src/main.js');
}

function dependencies(manifest: string): string[] {
  const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies?: Record<string, string> };
  return Object.keys(dependencies);
}

/** Makes alice's key with GnuPG, exports the certificate, and gives the private key to a Postern of her own. */
function makeKeys(folder: string): void {
  const env = gnupgEnvironment(folder);
  mkdirSync(env['GNUPGHOME'] ?? '', { mode: 0o700 });
  // The least that GnuPG takes: by default it works for a tenth of a second on each use of a passphrase.
  writeFileSync(join(folder, 'gnupg/gpg-agent.conf'), 's2k-count 65536\n');
  const gpg = (...args: string[]): Buffer =>
    execFileSync('gpg', ['--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', PASSPHRASE, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  for (const address of [ALICE, CAROL]) {
    gpg('--quick-generate-key', address, 'future-default', 'default', 'never');
    writeFileSync(join(folder, `${address}.asc`), gpg('--armor', '--export', address), { mode: 0o644 });
  }
  writeFileSync(join(folder, 'alice.key'), gpg('--armor', '--export-secret-keys', ALICE), { mode: 0o600 });
  writeFileSync(join(folder, 'passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
  owner(folder, ['key', 'import', '--passphrase-file', join(folder, 'passphrase'), join(folder, 'alice.key')]);
}

function gnupgEnvironment(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, GNUPGHOME: join(folder, 'gnupg'), LC_ALL: 'C' };
}

/** Runs Postern as alice, who has the private key. */
function owner(folder: string, args: readonly string[], input?: Buffer): Buffer {
  return execFileSync(process.execPath, [MAIN, '--home', join(folder, 'alice'), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(input === undefined ? {} : { input }),
  });
}

/** Decrypts a stored message with `postern decrypt`, which knows it as ours by the filter's origin key. */
export function decrypt(site: Site, message: Buffer): Buffer {
  const passphrase = ['--passphrase-file', join(site.folder, 'passphrase')];
  return owner(site.folder, ['decrypt', '--origin-key', join(site.home, 'origin.key'), ...passphrase], message);
}

/** Decrypts a stored message as somebody without Postern would: cuts out the armor and gives it to gpg. */
export function decryptWithGnuPG(site: Site, message: Buffer): Buffer {
  const start = message.indexOf('-----BEGIN PGP MESSAGE-----');
  assert.notEqual(start, -1, 'the message holds no armor');
  return execFileSync(
    'gpg',
    ['--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', PASSPHRASE, '--decrypt'],
    { env: gnupgEnvironment(site.folder), input: message.subarray(start), stdio: ['pipe', 'pipe', 'pipe'] },
  );
}

/** The messages in a Maildir folder's `new` and `cur`. None where there is no such folder. */
export function messagesIn(maildir: string): Buffer[] {
  return ['new', 'cur']
    .map((name) => join(maildir, name))
    .filter((path) => existsSync(path))
    .flatMap((path) => readdirSync(path).map((name) => readFileSync(join(path, name))));
}

/** What in a site is not the mail server's: the harness, the program, the filter's keyring. */
const NOT_SERVERS: readonly string[] = [STATE, 'program', 'home'];

/** The files of a site that hold the text, wherever a server could have left it, but for what is below `except`. */
export function filesWith(site: Site, text: string, except: readonly string[] = []): string[] {
  return readdirSync(site.folder)
    .filter((name) => ![...NOT_SERVERS, ...except].includes(name))
    .flatMap((name) => filesBelow(join(site.folder, name)))
    .filter((path) => readFileSync(path).includes(text));
}

function filesBelow(path: string): string[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return readdirSync(path).flatMap((name) => filesBelow(join(path, name)));
  return stats?.isFile() === true ? [path] : [];
}

/** A message whose subject and body can be found again where they do not belong, longer than a pipe holds. */
export function sampleMessage(secret: string, lineEnd: '\r\n' | '\n'): Buffer {
  const header = [
    'From: Bob <bob@example.com>',
    `To: Alice <${ALICE}>`,
    `Subject: subject ${secret}`,
    'Date: Sat, 21 Nov 2026 06:00:00 +0000',
    `Message-ID: <${createHash('sha256').update(secret).digest('hex')}@example.com>`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    'MIME-Version: 1.0',
    '',
  ];
  const body = Array.from({ length: 4000 }, (_, i) => `${i % 7 === 0 ? '.' : ''}${i} body ${secret}, dünn und weit  `);
  return Buffer.from([...header, ...body, ''].join(lineEnd));
}

/** The system's account for mail if we are root, else ourselves. */
export function mailAccount(): Account {
  const name = process.getuid?.() === 0 ? 'mail' : userInfo().username;
  const id = (option: string): string => execFileSync('id', [option, name], { encoding: 'utf8' }).trim();
  return {
    name,
    group: execFileSync('id', ['-gn', name], { encoding: 'utf8' }).trim(),
    uid: +id('-u'),
    gid: +id('-g'),
  };
}

/** Makes a file the account's, where we may. */
export function own(path: string, account: Account): void {
  if (process.getuid?.() === 0) chownSync(path, account.uid, account.gid);
}

/** Fails, with the place where they part, if two byte strings differ. */
export function assertSameBytes(actual: Buffer, expected: Buffer): void {
  if (actual.equals(expected)) return;
  const at = expected.findIndex((octet, i) => octet !== actual[i]);
  const near = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1', Math.max(0, at - 20), at + 40));
  const sizes = `${actual.length} and ${expected.length} octets`;
  assert.fail(`the bytes (${sizes}) part at octet ${at}: ${near(actual)} instead of ${near(expected)}`);
}

/** The message with CRLF, as IMAP shows it: Maildir files have LF. */
export function withCRLF(message: Buffer): Buffer {
  return Buffer.from(message.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1');
}
