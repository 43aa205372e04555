/**
 * The demo: a provider and Postern on this machine, a message that a mail program saves through Postern, and what each of the
 * two holds of it.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '#test/e2e/dialogue';
import { type Daemon, startDaemon } from '#test/e2e/imap/daemon';
import { startDovecot } from '#test/e2e/imap/dovecot';
import { type MailServer, PASSWORD } from '#test/e2e/imap/endpoint';
import { type Login, type Seen, saveAndRead } from './client.js';
import { DemoFailure } from './failure.js';
import { ATTACHMENT, GUEST_LIST, SUBJECT, TEXT, message } from './message.js';
import { provideDovecot } from './provider.js';
import { type Panel, type Terminal, sideBySide, step } from './terminal.js';

const MAIN = 'dist/src/main.js';
const HOST = '127.0.0.1';
const USER = 'alice@example.com';

/** How many lines of what is encrypted are shown. */
const ARMOR_LINES = 5;

export interface Demo {
  /** What must go on running while somebody looks. */
  readonly servers: readonly (Pick<MailServer, 'pid' | 'stop'> & { readonly name: string })[];
}

/**
 * Starts everything below a folder, which is empty at first, and shows it. `interrupted` throws where the user does not want to wait for the
 * next step; what was started until then has been given to `started`.
 */
export async function runDemo(
  terminal: Terminal,
  folder: string,
  started: (server: { readonly stop: () => Promise<void> }) => void,
  interrupted: () => void,
): Promise<Demo> {
  if (!existsSync(MAIN)) throw new DemoFailure('Postern is not built. Build it: npm ci');
  const { write, bold } = terminal;
  write(`\n${bold('Postern: a demo on this machine alone')}\n\n`);
  await provideDovecot(terminal);
  interrupted();
  const dovecot = await step(terminal, 'Starting Dovecot, which plays the mail provider', () =>
    startDovecot({ format: 'maildir', within: folder }),
  );
  started(dovecot);
  interrupted();
  const password = randomBytes(6).toString('hex');
  const fingerprint = await step(terminal, 'Making a user with a vault and a key: postern user add', () =>
    addUser(folder, dovecot.endpoint('alice').port, password),
  );
  interrupted();
  const port = await freePort();
  const postern = await step(terminal, 'Starting Postern between the two: postern serve', () => serve(folder, port));
  started(postern);
  interrupted();
  const login: Login = { host: HOST, port, user: USER, password };
  const seen = await step(terminal, 'Saving a message with an attachment, and reading it', async () =>
    check(await saveAndRead(login, message(new Date()))),
  );
  const mail = join(dovecot.folder, 'mail');
  const stored = await step(terminal, "Looking for it in the provider's files", () => look(mail));
  write(`\n${sideBySide([storedPanel(stored), seenPanel(seen)], terminal)}\n`);
  write(`  None of the provider's ${stored.files} files has the subject, the text or the name of the
  attachment. The key that opens it is in Postern's vault: ${fingerprint.slice(-16)}.

`);
  write(instructions(login, mail, terminal));
  return {
    servers: [
      { name: 'Dovecot', pid: dovecot.pid, stop: dovecot.stop },
      { name: 'Postern', pid: postern.pid, stop: postern.stop },
    ],
  };
}

/** Makes the user as anybody would, and gives the fingerprint of the key. */
async function addUser(folder: string, port: number, password: string): Promise<string> {
  const passwordFile = join(folder, 'password');
  const providerFile = join(folder, 'provider-password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  writeFileSync(providerFile, `${PASSWORD}\n`, { mode: 0o600 });
  const provider = ['--imap-host', HOST, '--imap-port', String(port), '--imap-tls', 'none', '--provider-user', 'alice'];
  const secrets = ['--password-file', passwordFile, '--provider-password-file', providerFile];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...[MAIN, '--home', join(folder, 'home'), 'user', 'add', USER],
    ...[...provider, ...secrets, '--json'],
  ]);
  return /"fingerprint": "([0-9A-Fa-f]+)"/.exec(stdout)?.[1] ?? '';
}

function serve(folder: string, port: number): Promise<Daemon> {
  const configuration = join(folder, 'postern.toml');
  writeFileSync(configuration, `[[listen]]\nport = ${port}\ntls = "none"\n`);
  const args = [MAIN, '--home', join(folder, 'home'), 'serve', '--config', configuration];
  return startDaemon(process.execPath, args, { port });
}

/** Does not show what is not so. */
function check(seen: Seen): Seen {
  const { subject, text, attachment } = seen;
  if (subject !== SUBJECT || text.trimEnd() !== TEXT.join('\r\n') || attachment.name !== ATTACHMENT)
    throw new Error('What the mail program read is not the message that it saved.');
  if (!attachment.octets.equals(GUEST_LIST)) throw new Error('The attachment is not what was saved.');
  return seen;
}

interface Stored {
  /** The file with the message. */
  readonly path: string;
  readonly text: string;
  /** How many files the provider has. */
  readonly files: number;
}

/** Finds the message among the provider's files. Rejects where any of them shows something of it. */
function look(mail: string): Promise<Stored> {
  const files = readdirSync(mail, { recursive: true, encoding: 'utf8' })
    .map((name) => join(mail, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => ({ path, text: readFileSync(path, 'latin1') }));
  const secrets = [SUBJECT, ATTACHMENT, GUEST_LIST.toString('base64'), ...TEXT];
  const shows = files.find(({ text }) => secrets.some((secret) => secret.length > 10 && text.includes(secret)));
  if (shows !== undefined) return Promise.reject(new Error(`${shows.path} has something of the message in clear.`));
  const stored = files.find(({ text }) => text.includes('-----BEGIN PGP MESSAGE-----'));
  if (stored === undefined) return Promise.reject(new Error("The message is not among the provider's files."));
  return Promise.resolve({ ...stored, files: files.length });
}

/** The header, and the beginning of what is encrypted. */
function storedPanel({ text }: Stored): Panel {
  const lines = text.split(/\r?\n/);
  const armor = lines.findIndex((line) => line.startsWith('-----BEGIN PGP MESSAGE-----'));
  const end = armor + ARMOR_LINES;
  return {
    title: 'What the provider holds',
    lines: [...lines.slice(0, lines.indexOf('')), '', ...lines.slice(armor, end), `(${lines.length - end} more lines)`],
    exact: true,
  };
}

function seenPanel({ from, subject, text, attachment }: Seen): Panel {
  return {
    title: 'What the mail program sees',
    lines: [
      `From:    ${from}`,
      `Subject: ${subject}`,
      '',
      ...text.trimEnd().split(/\r?\n/),
      '',
      `Attachment: ${attachment.name}, ${attachment.octets.length} octets`,
    ],
  };
}

function instructions({ host, port, user, password }: Login, mail: string, { bold }: Terminal): string {
  return `  ${bold('Try it with your own mail program')} (IMAP; it cannot send yet):

    Server      ${host}
    Port        ${port}
    Security    none (it is this machine)
    User name   ${user}
    Password    ${password}

  What it saves there is encrypted too. The provider's files are below
  ${mail}
`;
}
