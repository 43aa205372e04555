import { type Command, Option } from 'commander';
import type { Source } from '#lib/bytes/source';
import { isSystemError } from '#lib/bytes/systemerror';
import { type HeaderPolicy, HEADER_POLICIES } from '#lib/message/policy';
import type { SealOptions, SealedMessage } from '#lib/message/seal';
import type { PrivateKey } from '#lib/openpgp/library';
import type { Recipient } from '#lib/openpgp/recipient';
import type { Keyring } from '#lib/keys/keyring';
import type { Context } from '../command.js';
import { Exit, Failure } from '../exit.js';
import { markingKey } from '../originkey.js';
import { type PassphraseOptions, addPassphraseOptions, passphrasesFrom, unlockKey } from '../passphrase.js';
import { readStandardInput, writeStandardOutput } from '../standardio.js';

interface EncryptOptions extends PassphraseOptions {
  readonly headers?: HeaderPolicy;
  readonly sign?: string;
  readonly compatible?: true;
  readonly audit?: readonly string[];
  readonly forOthers?: true;
  readonly double?: true;
  readonly originKey?: string;
}

export function define(command: Command, context: Context): void {
  addPassphraseOptions(
    command
      .argument(
        '<recipient...>',
        'address, fingerprint or certificate file (with a "/" in it, or ending in ".asc" or the like)',
      )
      .addOption(
        new Option('--headers <policy>', 'what of the header stays readable outside (default: standard)').choices(
          HEADER_POLICIES,
        ),
      )
      .option('--for-others', 'the form for sending: header protected inside (RFC 9788), Bcc removed')
      .option('--sign <key>', 'sign with this private key of the keyring: address or fingerprint')
      .option(
        '--compatible',
        'encrypt so that every OpenPGP program can read it (SEIPDv1), whatever the certificates say',
      )
      .option('--audit <certificate>', 'encrypt to this certificate as well; can be repeated', collect)
      .option('--double', 'encrypt also what is encrypted to a recipient already')
      .option(
        '--origin-key <file>',
        'mark the message as ours with this key (default: origin.key in the state folder)',
      ),
  )
    .addHelpText(
      'after',
      `
Reads one message from standard input and writes it encrypted to standard output. Decrypting gives back the same bytes.
A message that is encrypted to a recipient already is kept as it is.

Examples:
  $ postern encrypt alice@example.com < message.eml > sealed.eml
  $ postern encrypt --headers strict ./alice.asc < message.eml
  $ postern encrypt --for-others --sign alice@example.com bob@example.com < letter.eml | sendmail bob@example.com`,
    )
    .action((names: readonly string[], options: EncryptOptions) => encrypt(names, options, context));
}

function collect(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}

async function encrypt(names: readonly string[], options: EncryptOptions, context: Context): Promise<void> {
  if (options.forOthers === true) {
    for (const [option, given] of [
      ['--headers', options.headers],
      ['--origin-key', options.originKey],
    ] as const) {
      if (given !== undefined)
        throw new Failure(Exit.usage, `${option} is for messages at rest and does not go with --for-others.`);
    }
  }
  const passphrases = passphrasesFrom(options, 'message');
  const { Keyring } = await import('#lib/keys/keyring');
  const keyring = new Keyring(context.home());
  const recipients = await recipientsOf(keyring, names);
  const audit = await recipientsOf(keyring, options.audit ?? []);
  const signer = options.sign === undefined ? undefined : await signingKey(keyring, options.sign, passphrases);
  const source = await readStandardInput();
  try {
    const message = await seal(source, { recipients, audit, signer, options, home: context.home() });
    await writeStandardOutput(message.stream());
  } finally {
    await source.close();
  }
}

interface Sealing {
  readonly recipients: readonly Recipient[];
  readonly audit: readonly Recipient[];
  readonly signer: PrivateKey | undefined;
  readonly options: EncryptOptions;
  readonly home: string;
}

async function seal(source: Source, { recipients, audit, signer, options, home }: Sealing): Promise<SealedMessage> {
  const { sealAtRest, sealForOthers } = await import('#lib/message/seal');
  const common: SealOptions = {
    recipients,
    audit,
    ...(signer === undefined ? {} : { signers: [signer] }),
    ...(options.compatible === undefined ? {} : { compatible: true }),
    ...(options.double === undefined ? {} : { double: 'always' }),
  };
  if (options.forOthers !== true) {
    const originKey = await markingKey(home, options.originKey);
    return sealAtRest(source, {
      ...common,
      ...(options.headers === undefined ? {} : { policy: options.headers }),
      ...(originKey === undefined ? {} : { originKey }),
    });
  }
  for (const { certificate } of audit) {
    const fingerprint = certificate.getFingerprint().toUpperCase();
    process.stderr.write(`postern: the audit certificate ${fingerprint} can read this message\n`);
  }
  return sealForOthers(source, { ...common, recipients: [...recipients, ...(await ownCertificate(signer))] });
}

/** Who sends can read it as well, if their key is for that, too. */
async function ownCertificate(signer: PrivateKey | undefined): Promise<readonly Recipient[]> {
  if (signer === undefined) return [];
  const { chooseRecipient } = await import('#lib/openpgp/recipient');
  const { OpenPGPError } = await import('#lib/openpgp/error');
  try {
    return [await chooseRecipient(signer.toPublic())];
  } catch (error) {
    if (error instanceof OpenPGPError && error.code === 'unusable-key') return [];
    throw error;
  }
}

async function recipientsOf(keyring: Keyring, names: readonly string[]): Promise<readonly Recipient[]> {
  const { findCertificate } = await import('#lib/keys/find');
  const { chooseRecipient } = await import('#lib/openpgp/recipient');
  const recipients: Recipient[] = [];
  for (const name of names) {
    const { certificate } = await findCertificate(keyring, name).catch((error: unknown) => {
      if (!isSystemError(error, 'ENOENT')) throw error;
      throw new Failure(Exit.noUser, `There is no certificate file ${name}.`, { cause: error });
    });
    recipients.push(await chooseRecipient(certificate));
  }
  return recipients;
}

async function signingKey(
  keyring: Keyring,
  name: string,
  passphrases: ReturnType<typeof passphrasesFrom>,
): Promise<PrivateKey> {
  const { findSigningKey } = await import('#lib/keys/find');
  const { key } = await findSigningKey(keyring, name);
  return unlockKey(key, passphrases);
}
