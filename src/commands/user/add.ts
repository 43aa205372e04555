import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { parseAddress } from '#lib/keys/address';
import { printable } from '#lib/keys/certificatename';
import type { Secret } from '#lib/keys/secret';
import { VaultError } from '#lib/vault/error';
import { hasVault } from '#lib/vault/listing';
import { createVault } from '#lib/vault/vault';
import type { Context } from '../../command.js';
import { Exit, Failure } from '../../exit.js';
import { print } from '../../output.js';
import { type PassphraseOptions, addPassphraseOptions, passphrasesFrom, unlockKey } from '../../passphrase.js';
import { addSecretOptions, askNewSecret, placeOf, readNewSecret } from '../../secretinput.js';
import { PASSWORD } from '../../vaultunlock.js';
import { type ProfileOptions, addProfileOptions, profileFrom } from './profileoptions.js';
import { vaultAsJSON, vaultAsText } from './report.js';

interface Options extends ProfileOptions, PassphraseOptions {
  readonly profile: string;
  readonly samePassword?: boolean;
  readonly importKey?: string;
  readonly fromKeyring?: string;
  readonly key: boolean;
  readonly json?: boolean;
}

export function defineAdd(command: Command, context: Context): void {
  command.argument('<user>', 'the address');
  addSecretOptions(command, PASSWORD);
  command
    .option('--same-password', "the password is that of the user at the provider's, too")
    .option('--profile <name>', 'the name of the first profile, which is made where --imap-host is given', 'default');
  addProfileOptions(command)
    .option('--import-key <file>', 'take the private key in this file, and make no new one')
    .option('--from-keyring <name>', 'take the private key of this address or fingerprint from the keyring')
    .option('--no-key', 'put no private key into the vault')
    .option('--json', 'print as JSON');
  addPassphraseOptions(command)
    .addHelpText(
      'after',
      `
The password is asked for first, then the one of the provider, then the passphrase of a key that is taken. The recovery code is
printed once; nobody can show it again. The certificate is put into the keyring.

Examples:
  $ postern user add alice@example.com --imap-host imap.example.com --smtp-host smtp.example.com
  $ postern user add alice@example.com --no-key
  $ postern user add bob@example.com --same-password --password-fd 3 --imap-host imap.example.com --json 3< password`,
    )
    .action((user: string, options: Options) => run(user, options, context));
}

async function run(user: string, options: Options, context: Context): Promise<void> {
  const home = context.home();
  // A mistake is told before a password is asked for.
  const address = parseAddress(user);
  if (address === undefined) {
    throw new VaultError('invalid', `"${printable(user)}" cannot be a user: give an address as alice@example.com.`);
  }
  if (await hasVault(home, user)) throw new VaultError('exists', `There is a vault of ${address.text} already.`);
  const password =
    (await readNewSecret(placeOf(options, PASSWORD), PASSWORD)) ?? (await askNewSecret(PASSWORD, address.text));
  const known = options.samePassword === true ? password : undefined;
  const profile = await profileFrom(options.profile, address.text, options, known);
  const keys = await keysFrom(options, home);
  const { vault, recoveryCode } = await createVault(home, {
    user: address.text,
    password,
    ...(profile === undefined ? {} : { profile }),
    ...(keys === undefined ? {} : { keys }),
  });
  try {
    // First what cannot be made again.
    await report(vault, recoveryCode, options.json === true);
    const { publishCertificates } = await import('#lib/vault/privatekey');
    await publishCertificates(home, vault);
  } finally {
    vault.close();
  }
}

async function report(vault: Parameters<typeof vaultAsJSON>[0], recoveryCode: Secret, json: boolean): Promise<void> {
  const code = recoveryCode.reveal();
  await print(
    json
      ? `${JSON.stringify({ ...(await vaultAsJSON(vault)), recoveryCode: code }, null, 2)}\n`
      : `${await vaultAsText(vault)}Recovery:     ${code}\nWrite the recovery code down; it is not shown again.\n`,
  );
}

/** The private keys that the options lead to; undefined for a new one. */
async function keysFrom(options: Options, home: string): Promise<readonly Buffer[] | undefined> {
  const { importKey, fromKeyring, key } = options;
  if ([importKey !== undefined, fromKeyring !== undefined, !key].filter(Boolean).length > 1) {
    throw new Failure(Exit.usage, 'Give one of --import-key, --from-keyring and --no-key, not several.');
  }
  if (!key) return [];
  if (importKey === undefined && fromKeyring === undefined) return undefined;
  const { asVaultKey } = await import('#lib/vault/privatekey');
  const locked = importKey === undefined ? await fromRing(home, String(fromKeyring)) : await fromFile(importKey);
  return [asVaultKey(await unlockKey(locked, passphrasesFrom(options)))];
}

async function fromRing(home: string, name: string): ReturnType<typeof fromFile> {
  const { findSigningKey } = await import('#lib/keys/find');
  const { Keyring } = await import('#lib/keys/keyring');
  return (await findSigningKey(new Keyring(home), name)).key;
}

async function fromFile(path: string): Promise<Parameters<typeof unlockKey>[0]> {
  const { readSingleKey } = await import('#lib/keys/keyfile');
  const key = await readSingleKey(await readFile(path));
  if (key.isPrivate()) return key;
  throw new Failure(Exit.dataError, `${printable(path)} holds a certificate and no private key.`);
}
