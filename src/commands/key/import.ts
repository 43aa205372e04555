import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Command, Option } from 'commander';
import { printable } from '#lib/keys/certificatename';
import { KeyringError } from '#lib/keys/error';
import { type KeyFileEntry, readKeyFile } from '#lib/keys/keyfile';
import { Keyring } from '#lib/keys/keyring';
import { LIMITS } from '#lib/keys/limits';
import { isUnprotected, lock } from '#lib/keys/passphrase';
import { type Provenance, TRUST_LEVELS, type Trust } from '#lib/keys/provenance';
import { applyRevocation, armorRevocation, issuerOf } from '#lib/keys/revoke';
import type { KeyringWriter } from '#lib/keys/writer';
import type { Key } from '#lib/openpgp/library';
import type { Context } from '../../command.js';
import { Exit, Failure } from '../../exit.js';
import { print } from '../../output.js';
import { type PassphraseOptions, type Passphrases, addPassphraseOptions, passphrasesFrom } from '../../passphrase.js';

interface Options extends PassphraseOptions {
  readonly trust?: Trust;
  readonly passphrase: boolean;
  readonly json?: boolean;
}

/** What became of one thing in a file. */
interface Outcome {
  readonly kind: 'certificate' | 'private key' | 'revocation';
  readonly change: string;
  readonly fingerprint: string;
  readonly userIDs: readonly string[];
}

export function defineImport(command: Command, context: Context): void {
  command
    .argument('[file...]', 'armored or binary files, - for standard input', ['-'])
    .addOption(
      new Option(
        '--trust <level>',
        'how far the certificates are trusted (default: verified, own keys: pinned)',
      ).choices(TRUST_LEVELS),
    )
    .option('--no-passphrase', 'leave private keys that come without a passphrase unprotected')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
A certificate that is there already is merged with the one that comes; a revocation is applied. Private keys keep their
passphrase; for one that comes without, a new passphrase is asked for.

Examples:
  $ postern key import bob.asc
  $ gpg --export | postern key import
  $ gpg --export-secret-keys alice@example.com | postern key import`,
    )
    .action((files: readonly string[], options: Options) => run(files, options, context));
  addPassphraseOptions(command);
}

async function run(files: readonly string[], options: Options, context: Context): Promise<void> {
  const problems: string[] = [];
  const entries: { readonly file: string; readonly entry: KeyFileEntry }[] = [];
  for (const file of files) {
    try {
      for (const entry of await readKeyFile(await readInput(file))) entries.push({ file, entry });
    } catch (error) {
      if (!(error instanceof KeyringError)) throw error;
      problems.push(`${printable(file)}: ${error.message}`);
    }
  }
  const keyring = new Keyring(context.home());
  const passphrases = options.passphrase ? passphrasesFrom(options) : undefined;
  const ready: { readonly file: string; readonly entry: KeyFileEntry }[] = [];
  // Nobody waits for a person while the keyring is locked.
  for (const { file, entry } of entries) ready.push({ file, entry: await protect(entry, passphrases) });
  const outcomes = await keyring.write(async (writer) => {
    const done: Outcome[] = [];
    for (const { file, entry } of ready) {
      try {
        done.push(await take(writer, entry, options.trust));
      } catch (error) {
        if (!(error instanceof KeyringError)) throw error;
        problems.push(`${printable(file)}: ${error.message}`);
      }
    }
    return done;
  });
  await print(options.json === true ? `${JSON.stringify(outcomes, null, 2)}\n` : outcomes.map(asLine).join(''));
  if (problems.length > 0) throw new Failure(Exit.dataError, problems.join('\npostern: '));
}

/** Locks a private key that came without a passphrase. */
async function protect(entry: KeyFileEntry, passphrases: Passphrases | undefined): Promise<KeyFileEntry> {
  if (passphrases === undefined || entry.kind !== 'key') return entry;
  const { key } = entry;
  if (!key.isPrivate() || !isUnprotected(key)) return entry;
  const whose = `${printable(key.getUserIDs()[0] ?? 'the key')} (${key.getKeyID().toHex().toUpperCase()})`;
  return { kind: 'key', key: await lock(key, await passphrases.askNew(whose)) };
}

async function take(writer: KeyringWriter, entry: KeyFileEntry, trust: Trust | undefined): Promise<Outcome> {
  const provenance = (fallback: Trust): Provenance => ({
    trust: trust ?? fallback,
    source: 'import',
    since: new Date(),
  });
  switch (entry.kind) {
    case 'problem':
      throw new KeyringError('data', entry.message);
    case 'revocation': {
      const issuer = await issuerOf(entry.signature);
      const known = await writer.find(issuer);
      if (known === undefined) {
        throw new KeyringError(
          'data',
          `It revokes the certificate ${issuer}, which is not in the keyring; import that first.`,
        );
      }
      const { certificate } = await applyRevocation(known.certificate, armorRevocation(entry.signature));
      return outcome('revocation', certificate, await writer.addCertificate(certificate, known.provenance));
    }
    case 'key': {
      const { key } = entry;
      return key.isPrivate()
        ? outcome('private key', key, await writer.addPrivateKey(key, provenance('pinned')))
        : outcome(
            'certificate',
            key,
            await writer.addCertificate(key.toPublic(), provenance('verified'), trust !== undefined),
          );
    }
  }
}

function outcome(kind: Outcome['kind'], key: Key, change: string): Outcome {
  return { kind, change, fingerprint: key.getFingerprint().toUpperCase(), userIDs: key.getUserIDs() };
}

function asLine({ kind, change, fingerprint, userIDs }: Outcome): string {
  return `${change} ${kind} ${fingerprint} ${printable(userIDs[0] ?? '')}\n`;
}

/** The octets of a file or of standard input, and one more than the limit where there are more. */
async function readInput(file: string): Promise<Buffer> {
  const input: Readable = file === '-' ? process.stdin : createReadStream(file, { end: LIMITS.fileSize });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk as Uint8Array);
    chunks.push(bytes);
    size += bytes.length;
    if (size > LIMITS.fileSize) break;
  }
  return Buffer.concat(chunks);
}
