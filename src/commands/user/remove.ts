import type { Command } from 'commander';
import { printable } from '#lib/keys/certificatename';
import { hasVault, noVault, removeVault } from '#lib/vault/listing';
import type { Context } from '../../command.js';
import { Exit, Failure } from '../../exit.js';
import { print } from '../../output.js';

interface Options {
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function defineRemove(command: Command, context: Context): void {
  command
    .argument('<user>', 'the address')
    .option('--yes', 'delete; without this nothing is done')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
With the vault go the private keys in it: what is encrypted to them can then never be read again, unless there is a copy.

Examples:
  $ postern user remove alice@example.com --yes`,
    )
    .action((user: string, options: Options) => run(user, options, context));
}

async function run(user: string, options: Options, context: Context): Promise<void> {
  const home = context.home();
  if (options.yes !== true) {
    if (!(await hasVault(home, user))) throw noVault(user);
    throw new Failure(
      Exit.usage,
      `This would delete the vault of ${printable(user)} with its private keys; nothing is done without --yes.`,
    );
  }
  await removeVault(home, user);
  await print(
    options.json === true
      ? `${JSON.stringify({ removed: user }, null, 2)}\n`
      : `removed the vault of ${printable(user)}\n`,
  );
}
