import { type Command, Option } from 'commander';
import { type HeaderPolicy, HEADER_POLICIES } from '#lib/message/policy';
import type { Recipient } from '#lib/openpgp/recipient';
import type { Keyring } from '#lib/keys/keyring';
import type { Context } from '../command.js';
import { Exit, Failure } from '../exit.js';
import type { OwnKeys } from '../maildir/ownkeys.js';
import { sizeText } from '../maildir/progress.js';
import type { Conversion } from '../maildir/replace.js';
import type { RunResult } from '../maildir/run.js';
import type { FolderStatus } from '../maildir/status.js';
import { print } from '../output.js';
import { markingKey, recognisingKey } from '../originkey.js';
import { type PassphraseOptions, addPassphraseOptions, passphrasesFrom } from '../passphrase.js';

interface CommonOptions extends PassphraseOptions {
  readonly folder: readonly string[];
  readonly json?: true;
}

interface EncryptOptions extends CommonOptions {
  readonly to: readonly string[];
  readonly audit?: readonly string[];
  readonly headers?: HeaderPolicy;
  readonly compatible?: true;
  readonly originKey?: string;
  readonly verify?: true;
  readonly dryRun?: true;
}

interface DecryptOptions extends CommonOptions {
  readonly originKey?: string;
  readonly all?: true;
  readonly original?: true;
  readonly dryRun?: true;
}

export function define(command: Command, context: Context): void {
  command.addHelpText(
    'after',
    `
Examples:
  $ postern maildir status ~/Maildir
  $ postern maildir encrypt ~/Maildir --to alice@example.com --dry-run
  $ postern maildir encrypt ~/Maildir --to alice@example.com
  $ postern maildir decrypt ~/Maildir --folder Sent`,
  );
  const encryptCommand = common(
    command.command('encrypt').description('encrypt every message that is not encrypted to its owner yet'),
  )
    .requiredOption(
      '--to <recipient>',
      'whose mail it is: address, fingerprint or certificate file; repeatable',
      collect,
    )
    .option('--audit <certificate>', 'encrypt to this certificate as well; repeatable', collect)
    .addOption(
      new Option('--headers <policy>', 'what of the header stays readable outside (default: standard)').choices(
        HEADER_POLICIES,
      ),
    )
    .option(
      '--compatible',
      'encrypt so that every OpenPGP program can read it (SEIPDv1), whatever the certificates say',
    )
    .option('--origin-key <file>', 'mark messages as ours with this key (default: origin.key in the state folder)')
    .option('--verify', 'open each message again and compare, before the original goes; needs the private key')
    .option('--dry-run', 'say what would be done, and change nothing');
  addPassphraseOptions(encryptCommand)
    .addHelpText(
      'after',
      `
Works in place, while Dovecot serves and delivers. It can be interrupted at any moment and started again. Each message gets a
new UID. The old messages are deleted, but their blocks may survive on the disk, and Dovecot's caches keep their subjects until
they are purged; see postern-maildir(1).

Example:
  $ postern maildir encrypt /var/mail/alice --to alice@example.com --folder INBOX --folder Sent`,
    )
    .action((folder: string, options: EncryptOptions) => encrypt(folder, options, context));

  const decryptCommand = common(
    command.command('decrypt').description('put the original in the place of every message that we have encrypted'),
  )
    .option('--all', 'also what others have encrypted to us: the view that postern decrypt gives')
    .option('--original', 'also what bears no mark of ours: what was encrypted, nothing judged, added or removed')
    .option('--origin-key <file>', 'recognise our own messages by this key (default: origin.key in the state folder)')
    .option('--dry-run', 'say what would be done, and change nothing');
  addPassphraseOptions(decryptCommand)
    .addHelpText(
      'after',
      `
Example:
  $ postern maildir decrypt ~/Maildir --passphrase-file ./passphrase`,
    )
    .action((folder: string, options: DecryptOptions) => decrypt(folder, options, context));

  common(command.command('status').description('count messages by whom they are encrypted to'))
    .addHelpText(
      'after',
      `
Ours is what is encrypted to a private key in the keyring. Nothing is decrypted.

Example:
  $ postern maildir status --json ~/Maildir`,
    )
    .action((folder: string, options: CommonOptions) => status(folder, options, context));
}

function common(command: Command): Command {
  return command
    .argument('<dir>', 'a Maildir, Maildir++ or Dovecot LAYOUT=fs, or a folder of Maildirs')
    .option(
      '--folder <name>',
      'only this folder, as a client shows it (INBOX is <dir> itself); repeatable',
      collect,
      [],
    )
    .option('--json', 'give the result as JSON');
}

function collect(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}

async function encrypt(folder: string, options: EncryptOptions, context: Context): Promise<void> {
  const { encrypting } = await import('../maildir/conversion.js');
  const keyring = await openKeyring(context);
  const originKey = await markingKey(context.home(), options.originKey);
  const stop = new AbortController();
  const keys = options.verify === true ? await ownKeys(keyring, options, stop) : undefined;
  const conversion = encrypting(
    {
      recipients: await recipientsOf(keyring, options.to),
      audit: await recipientsOf(keyring, options.audit ?? []),
      ...(options.headers === undefined ? {} : { policy: options.headers }),
      ...(options.compatible === undefined ? {} : { compatible: true }),
      ...(originKey === undefined ? {} : { originKey }),
    },
    keys,
  );
  await convert(folder, options, { conversion, stop, keys, verb: 'encrypted' });
}

async function decrypt(folder: string, options: DecryptOptions, context: Context): Promise<void> {
  const { decrypting } = await import('../maildir/conversion.js');
  if (options.all === true && options.original === true)
    throw new Failure(Exit.usage, 'Both --all and --original are given; give one of them.');
  const originKey = await recognisingKey(context.home(), options.originKey);
  const stop = new AbortController();
  const keys = await ownKeys(await openKeyring(context), options, stop);
  const others = options.all === true ? 'view' : options.original === true ? 'original' : 'leave';
  const conversion = decrypting({ keys, others, ...(originKey === undefined ? {} : { originKey }) });
  await convert(folder, options, { conversion, stop, keys, verb: 'decrypted' });
}

async function openKeyring(context: Context): Promise<Keyring> {
  const { Keyring } = await import('#lib/keys/keyring');
  return new Keyring(context.home());
}

async function ownKeys(keyring: Keyring, options: PassphraseOptions, stop: AbortController): Promise<OwnKeys> {
  const { OwnKeys } = await import('../maildir/ownkeys.js');
  return new OwnKeys(keyring, passphrasesFrom(options), stop);
}

async function recipientsOf(keyring: Keyring, names: readonly string[]): Promise<readonly Recipient[]> {
  const { findCertificate } = await import('#lib/keys/find');
  const { chooseRecipient } = await import('#lib/openpgp/recipient');
  const recipients: Recipient[] = [];
  for (const name of names) recipients.push(await chooseRecipient((await findCertificate(keyring, name)).certificate));
  return recipients;
}

interface Work {
  readonly conversion: Conversion;
  readonly stop: AbortController;
  readonly keys: OwnKeys | undefined;
  readonly verb: 'encrypted' | 'decrypted';
}

async function convert(
  folder: string,
  options: CommonOptions & { readonly dryRun?: true },
  { conversion, stop, keys, verb }: Work,
): Promise<void> {
  const { exitCodeOf, runConversion } = await import('../maildir/run.js');
  const { Progress } = await import('../maildir/progress.js');
  const progress = process.stderr.isTTY && options.json !== true ? new Progress(process.stderr) : undefined;
  // What is under way is finished or undone; a second signal is the system's.
  const interrupt = (): void => {
    stop.abort();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  let result: RunResult;
  try {
    result = await runConversion({
      root: folder,
      names: options.folder,
      conversion,
      dryRun: options.dryRun === true,
      signal: stop.signal,
      ...(progress && {
        onTotal: (total) => {
          progress.begin(total);
        },
        onMessage: (octets) => {
          progress.advance(octets);
        },
      }),
      onFailure: ({ file, reason }) => {
        progress?.clear();
        process.stderr.write(`postern: ${printable(`${folder}/${file}`)}: ${reason}\n`);
      },
    });
  } finally {
    progress?.clear();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
  keys?.check();
  for (const link of result.links) {
    process.stderr.write(`postern: ${printable(`${folder}/${link}`)} is a symbolic link and was not followed\n`);
  }
  const dryRun = options.dryRun === true;
  await print(
    options.json === true ? `${JSON.stringify({ ...result, dryRun })}\n` : `${summary(result, verb, dryRun)}\n`,
  );
  if (verb === 'encrypted' && !dryRun && options.json !== true && result.converted.messages > 0) {
    process.stderr.write(
      'postern: the old messages are deleted, but their blocks may survive on the disk; see postern-maildir(1)\n',
    );
  }
  const exitCode = exitCodeOf(result);
  if (exitCode !== Exit.ok) throw new Failure(exitCode, trouble(result));
}

function summary(result: RunResult, verb: Work['verb'], dryRun: boolean): string {
  const { converted, octetsAfter, skipped, foreign } = result;
  const parts = [
    `${count(converted.messages, 'message')} ${dryRun ? `would be ${verb}` : verb} (${sizeText(converted.octets)} to ${sizeText(octetsAfter)})`,
    `${skipped.messages} ${verb === 'encrypted' ? 'encrypted' : 'plain'} already`,
  ];
  if (foreign.messages > 0) parts.push(`${foreign.messages} left encrypted, not by us or not to us`);
  return parts.join(', ');
}

/** Why the exit code is not 0. What failed has been told by name. */
function trouble({ failures, unfinished }: RunResult): string {
  if (unfinished === 'interrupted') return 'Interrupted. Nothing is lost; run it again to go on.';
  if (unfinished === 'full') return 'The disk is full. Nothing is lost; make room and run it again.';
  return `${failures.length} failed and ${failures.length === 1 ? 'was' : 'were'} left as before; see above.`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** A file name comes from outside: it must not steer the terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '?');
}

async function status(folder: string, options: CommonOptions, context: Context): Promise<void> {
  const { classifying } = await import('../maildir/conversion.js');
  const { maildirStatus, totalStatus } = await import('../maildir/status.js');
  const keys = await ownKeys(await openKeyring(context), {}, new AbortController());
  const rows = await maildirStatus({
    root: folder,
    names: options.folder,
    classify: classifying(keys),
    onFailure: (file, reason) => {
      process.stderr.write(`postern: ${printable(file)}: ${reason}\n`);
    },
  });
  const total = totalStatus(rows);
  await print(options.json === true ? `${JSON.stringify({ folders: rows, total })}\n` : statusTable([...rows, total]));
  if (total.unreadable.messages > 0)
    throw new Failure(Exit.tempFail, `${count(total.unreadable.messages, 'message')} could not be read; see above.`);
}

/** A line a folder: messages and octets by whom they are encrypted to. */
function statusTable(rows: readonly FolderStatus[]): string {
  const kinds = ['ours', 'others', 'plain', 'unreadable'] as const;
  const cells = [
    ['folder', 'to our keys', 'to others', 'plain', 'unreadable'],
    ...rows.map((row) => [
      printable(row.name),
      ...kinds.map((kind) => `${row[kind].messages} (${sizeText(row[kind].octets)})`),
    ]),
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0))) ?? [];
  return cells
    .map((line) =>
      line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
