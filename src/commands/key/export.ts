import type { Command } from 'commander';
import { printable } from '#lib/keys/certificatename';
import { KeyringError } from '#lib/keys/error';
import { withCertificate } from '#lib/keys/find';
import { Keyring } from '#lib/keys/keyring';
import type { Key } from '#lib/openpgp/library';
import type { Context } from '../../command.js';
import { print } from '../../output.js';
import { resolve } from './resolve.js';

interface Options {
  readonly secret?: boolean;
  readonly binary?: boolean;
}

export function defineExport(command: Command, context: Context): void {
  command
    .argument('<name...>', 'address, fingerprint or long key ID')
    .option('--secret', 'export the private keys, locked as they are stored')
    .option('--binary', 'write binary, without armor')
    .addHelpText(
      'after',
      `
Examples:
  $ postern key export alice@example.com > alice.asc
  $ postern key export --secret alice@example.com | gpg --import`,
    )
    .action((names: readonly string[], options: Options) => run(names, options, context));
}

async function run(names: readonly string[], options: Options, context: Context): Promise<void> {
  const keyring = new Keyring(context.home());
  const keys = new Map<string, Key>();
  for (const name of names) {
    const certificates = await resolve(keyring, name);
    let found = 0;
    for (const { certificate } of certificates) {
      const key = options.secret === true ? await privateKeyOf(keyring, certificate.getFingerprint()) : certificate;
      if (key === undefined) continue;
      keys.set(key.getFingerprint(), key);
      found += 1;
    }
    if (found === 0)
      throw new KeyringError('not-found', `There is no private key of ${printable(name)} in the keyring.`);
  }
  const all = [...keys.values()];
  await print(
    options.binary === true
      ? Buffer.concat(all.map((key) => key.write()))
      : all.map((key) => key.armor().replaceAll('\r\n', '\n')).join(''),
  );
}

async function privateKeyOf(keyring: Keyring, fingerprint: string): Promise<Key | undefined> {
  const [stored] = await keyring.privateKeysWithFingerprint(fingerprint.toUpperCase());
  return stored && withCertificate(keyring, stored.key);
}
