import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { KeyName } from '#lib/message/addressed';
import type { View } from '#lib/message/open';
import { OpenPGPError } from '#lib/openpgp/error';
import type { PrivateKey, PublicKey } from '#lib/openpgp/library';
import type { Keyring } from '#lib/keys/keyring';
import type { Context } from '../command.js';
import { Exit, Failure } from '../exit.js';
import { explain } from '../explain.js';
import { recognisingKey } from '../originkey.js';
import {
  type PassphraseOptions,
  type Passphrases,
  addPassphraseOptions,
  passphrasesFrom,
  unlockKey,
} from '../passphrase.js';
import { readStandardInput, writeStandardOutput } from '../standardio.js';

interface DecryptOptions extends PassphraseOptions {
  readonly key?: readonly string[];
  readonly originKey?: string;
  readonly original?: true;
  readonly verbose?: true;
}

export function define(command: Command, context: Context): void {
  addPassphraseOptions(
    command
      .option('--key <file>', 'a private key outside the keyring; can be repeated', collect)
      .option('--origin-key <file>', 'recognise our own messages by this key (default: origin.key in the state folder)')
      .option('--original', 'write what was encrypted as it is: nothing judged, nothing added, nothing removed')
      .option('--verbose', 'say on standard error what was found'),
  )
    .addHelpText(
      'after',
      `
Reads one message from standard input and writes it decrypted to standard output. A message that is not encrypted as a whole
passes through. On failure nothing is written and the exit code says why; see postern-decrypt(1).

Examples:
  $ postern decrypt < sealed.eml > message.eml
  $ postern decrypt --key ./alice-secret.asc --passphrase-file ./passphrase < sealed.eml`,
    )
    .action((options: DecryptOptions) => decrypt(options, context));
}

function collect(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}

async function decrypt(options: DecryptOptions, context: Context): Promise<void> {
  const passphrases = passphrasesFrom(options, 'message');
  const extra = await Promise.all((options.key ?? []).map(readPrivateKeyFile));
  const originKey = await recognisingKey(context.home(), options.originKey);
  const { openStored } = await import('#lib/message/open');
  // A plain message needs no keyring.
  let opened: Promise<Keyring> | undefined;
  const keyring = (): Promise<Keyring> => (opened ??= openKeyring(context.home()));
  const source = await readStandardInput();
  try {
    const view = await openStored(source, {
      keys: async (recipients) =>
        unlockFor(recipients, [...extra, ...(await storedKeys(await keyring(), recipients))], passphrases),
      verifiers: async ({ keyID, fingerprint }) => certificatesOf(await keyring(), fingerprint ?? keyID),
      ...(originKey === undefined ? {} : { originKey }),
      ...(options.original === true ? { exact: true } : {}),
    });
    if (view.kind === 'stored') throw notOpened(view.reason, view.recipients);
    try {
      await writeStandardOutput(view.stream());
    } finally {
      await view.close();
    }
    if (options.verbose === true) process.stderr.write(`postern: ${await summary(view)}\n`);
  } finally {
    await source.close();
  }
}

async function openKeyring(home: string): Promise<Keyring> {
  const { Keyring } = await import('#lib/keys/keyring');
  return new Keyring(home);
}

async function readPrivateKeyFile(path: string): Promise<PrivateKey> {
  const { readSingleKey } = await import('#lib/keys/keyfile');
  const key = await readSingleKey(await readFile(path));
  if (!key.isPrivate())
    throw new Failure(Exit.dataError, `The file ${path} holds a certificate, and not a private key.`);
  return key;
}

async function storedKeys(keyring: Keyring, recipients: readonly KeyName[]): Promise<readonly PrivateKey[]> {
  const stored = await keyring.privateKeysForMessage(recipients.map(({ keyID }) => keyID));
  return stored.map(({ key }) => key);
}

async function certificatesOf(keyring: Keyring, hex: string): Promise<readonly PublicKey[]> {
  if (hex === '') return [];
  return (await keyring.withFingerprint(hex)).map(({ certificate }) => certificate);
}

/**
 * Unlocks what the message needs and no more: of the keys that it names those without a passphrase, else the first that opens. All
 * keys count where it names none of them and hides a recipient; then those that do not open are passed over, if any does.
 */
async function unlockFor(
  recipients: readonly KeyName[],
  candidates: readonly PrivateKey[],
  passphrases: Passphrases,
): Promise<readonly PrivateKey[]> {
  const { isAnonymous, isOfCertificate } = await import('#lib/message/addressed');
  const { isLocked, isUnprotected } = await import('#lib/keys/passphrase');
  const named = candidates.filter((key) => recipients.some((name) => isOfCertificate(name, key)));
  const hidden = named.length === 0;
  if (hidden && !recipients.some(isAnonymous)) return [];
  const fitting = hidden ? candidates : named;
  const opened = fitting.filter((key) => !isLocked(key) && (hidden || isUnprotected(key)));
  if (opened.length > 0 && !hidden) return opened;
  let failure: Error | undefined;
  for (const key of fitting.filter(isLocked)) {
    try {
      opened.push(await unlockKey(key, passphrases));
      if (!hidden) return opened;
    } catch (error) {
      if (!(error instanceof Failure || error instanceof OpenPGPError)) throw error;
      failure ??= error;
    }
  }
  if (opened.length === 0 && failure !== undefined) throw failure;
  return opened;
}

function notOpened(reason: OpenPGPError, recipients: readonly KeyName[]): Failure {
  // A key that is here and of no use is no recipient who is missing.
  const exitCode = reason.code === 'unusable-key' ? Exit.noPermission : explain(reason).exitCode;
  if (reason.code !== 'no-key') return new Failure(exitCode, reason.message, { cause: reason });
  const names = recipients.slice(0, 10).map(({ keyID }) => (/^0+$/.test(keyID) ? 'a hidden recipient' : keyID));
  const more = recipients.length > names.length ? ` and ${recipients.length - names.length} more` : '';
  return new Failure(
    exitCode,
    names.length === 0
      ? 'The message is not encrypted to any key, so no private key opens it.'
      : `The message is encrypted to ${names.join(', ')}${more}; none of these private keys is here. Import one, or give --key.`,
    { cause: reason },
  );
}

async function summary(view: View): Promise<string> {
  if (view.kind !== 'opened') return 'not encrypted';
  if (view.status !== undefined) return (await import('#lib/message/status')).statusText(view.status);
  return view.origin === 'own' ? 'encrypted; by ourselves at rest' : 'encrypted; not judged';
}
