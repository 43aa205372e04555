import type { Command } from 'commander';
import { Keyring } from '#lib/keys/keyring';
import type { Context } from '../../command.js';
import { Exit, Failure } from '../../exit.js';
import { print } from '../../output.js';
import { resolveOne } from './resolve.js';

interface Options {
  readonly yes?: boolean;
  readonly secret?: boolean;
}

export function defineDelete(command: Command, context: Context): void {
  command
    .argument('<name...>', 'address, fingerprint or long key ID; each must mean one certificate')
    .option('--yes', 'delete; without this nothing is done')
    .option('--secret', 'delete the private key, too: what is encrypted to it can then never be read again')
    .addHelpText(
      'after',
      `
Examples:
  $ postern key delete bob@example.com --yes
  $ postern key delete 0x35ACEE8AAA5FAC52 --secret --yes`,
    )
    .action((names: readonly string[], options: Options) => run(names, options, context));
}

async function run(names: readonly string[], options: Options, context: Context): Promise<void> {
  const keyring = new Keyring(context.home());
  const fingerprints = new Set<string>();
  for (const name of names) {
    fingerprints.add((await resolveOne(keyring, name)).certificate.getFingerprint().toUpperCase());
  }
  if (options.yes !== true) {
    throw new Failure(Exit.usage, `This would delete ${[...fingerprints].join(', ')}; nothing is done without --yes.`);
  }
  await keyring.write(async (writer) => {
    for (const fingerprint of fingerprints) await writer.remove(fingerprint, options.secret === true);
  });
  for (const fingerprint of fingerprints) await print(`deleted ${fingerprint}\n`);
}
