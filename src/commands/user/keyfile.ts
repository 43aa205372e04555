import type { Command } from 'commander';
import { addKeyFile, revokeSlot } from '#lib/vault/access';
import type { Context } from '../../command.js';
import { print } from '../../output.js';
import { type UnlockOptions, addUnlockOptions, withVault, writeKeyFile } from '../../vaultunlock.js';

interface Options extends UnlockOptions {
  readonly output: string;
  readonly json?: boolean;
}

export function defineKeyFile(command: Command, context: Context): void {
  const subcommand = (name: string, summary: string): Command =>
    command
      .command(name)
      .summary(summary)
      .description(summary)
      .argument('<user>', 'the address')
      .argument('<name>', 'what the key file is called');
  addUnlockOptions(subcommand('add', 'make a key file that opens the vault'))
    .requiredOption('--output <file>', 'where to write it; there must be no such file')
    .option('--json', 'print as JSON')
    .action((user: string, name: string, options: Options) => runAdd(user, name, options, context));
  addUnlockOptions(subcommand('revoke', 'revoke a key file'))
    .option('--json', 'print as JSON')
    .action((user: string, name: string, options: Options) => runRevoke(user, name, options, context));
  const examples = `
Examples:
  $ postern user key-file add alice@example.com usb --output /media/usb/alice.key
  $ postern user show alice@example.com --key-file /media/usb/alice.key
  $ postern user key-file revoke alice@example.com usb`;
  for (const each of [command, ...command.commands]) each.addHelpText('after', examples);
}

async function runAdd(user: string, name: string, options: Options, context: Context): Promise<void> {
  await withVault(context, user, options, async (vault) => {
    const { vault: after, key } = await addKeyFile(vault, name);
    try {
      await writeKeyFile(options.output, key);
    } catch (error) {
      // A key file that nobody has is no way in.
      (await revokeSlot(after, 'key-file', name)).close();
      throw error;
    } finally {
      key.fill(0);
      after.close();
    }
    await print(
      options.json === true
        ? `${JSON.stringify({ user: vault.user, name, file: options.output }, null, 2)}\n`
        : `${options.output} opens the vault of ${vault.user}\n`,
    );
  });
}

async function runRevoke(user: string, name: string, options: Options, context: Context): Promise<void> {
  await withVault(context, user, options, async (vault) => {
    (await revokeSlot(vault, 'key-file', name)).close();
    await print(
      options.json === true
        ? `${JSON.stringify({ user: vault.user, revoked: name }, null, 2)}\n`
        : `revoked the key file "${name}"\n`,
    );
  });
}
