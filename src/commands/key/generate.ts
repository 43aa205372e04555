import { type Command, InvalidArgumentError, Option } from 'commander';
import { type KeyKind, generate, splitUserID } from '#lib/keys/generate';
import { Keyring } from '#lib/keys/keyring';
import type { Context } from '../../command.js';
import { print } from '../../output.js';
import { type PassphraseOptions, addPassphraseOptions, passphrasesFrom } from '../../passphrase.js';
import { asJSON, asText, reportsOf } from './report.js';

interface Options extends PassphraseOptions {
  readonly v6?: boolean;
  readonly rsa?: '3072' | '4096';
  readonly expires: number | undefined;
  readonly passphrase: boolean;
  readonly json?: boolean;
}

const DAY = 86_400;
const UNITS: Readonly<Record<string, number>> = { d: DAY, w: 7 * DAY, m: 30 * DAY, y: 365 * DAY };

/** Seconds that a key's lifetime may have: it is stored in 32 bits. */
const LONGEST = 2 ** 32 - 1;

export function defineGenerate(command: Command, context: Context): void {
  command
    .argument('<user-id...>', 'alice@example.com, or "Alice Example <alice@example.com>"; the first is the primary one')
    .option('--v6', 'make a version 6 key (RFC 9580), which GnuPG does not read')
    .addOption(new Option('--rsa <bits>', 'make an RSA key instead of Ed25519 and X25519').choices(['3072', '4096']))
    .addOption(
      new Option('--expires <time>', 'how long it is valid: 90d, 6m, 2y, or never')
        .argParser(parseLifetime)
        .default(parseLifetime('3y'), '3y'),
    )
    .option('--no-passphrase', 'store the private key without a passphrase')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ postern key generate alice@example.com
  $ postern key generate "Alice Example <alice@example.com>" alice@example.org --expires 2y
  $ postern key generate backup@example.com --passphrase-file /run/secrets/passphrase --json`,
    )
    .action((userIDs: readonly string[], options: Options) => run(userIDs, options, context));
  addPassphraseOptions(command);
}

async function run(userIDs: readonly string[], options: Options, context: Context): Promise<void> {
  // A mistake is told before a passphrase is asked for.
  userIDs.forEach(splitUserID);
  const passphrase = options.passphrase
    ? await passphrasesFrom(options).askNew(userIDs[0] ?? 'the new key')
    : undefined;
  const kind: KeyKind = options.rsa === undefined ? 'ed25519' : `rsa${options.rsa}`;
  const { key, revocation } = await generate({
    userIDs,
    kind,
    version: options.v6 === true ? 6 : 4,
    ...(options.expires === undefined ? {} : { lifetime: options.expires }),
    ...(passphrase === undefined ? {} : { passphrase }),
  });
  const keyring = new Keyring(context.home());
  const revocationPath = await keyring.write(async (writer) => {
    await writer.addPrivateKey(key, { trust: 'pinned', source: 'generate', since: new Date() });
    return writer.keepRevocation(key, revocation);
  });
  const hex = key.getFingerprint().toUpperCase();
  const reports = await reportsOf(await keyring.withFingerprint(hex), await keyring.privateKeysWithFingerprint(hex));
  for (const report of reports) {
    await print(
      options.json === true
        ? `${JSON.stringify({ ...asJSON(report), revocation: revocationPath }, null, 2)}\n`
        : `${asText(report)}Revocation:   ${revocationPath}\n`,
    );
  }
}

/** Seconds, or undefined for never. */
function parseLifetime(text: string): number | undefined {
  if (text === 'never') return undefined;
  const [, count = '', unit = ''] = /^(\d{1,9})([dwmy])$/.exec(text) ?? [];
  const seconds = Number(count) * (UNITS[unit] ?? 0);
  if (seconds > 0 && seconds <= LONGEST) return seconds;
  throw new InvalidArgumentError(
    'Give a number of days, weeks, months or years (90d, 8w, 6m, 2y; 136y at most) or never.',
  );
}
