import type { Command } from 'commander';
import type { Context } from '../../command.js';
import { print } from '../../output.js';
import { type UnlockOptions, addUnlockOptions, withVault } from '../../vaultunlock.js';
import { vaultAsJSON, vaultAsText } from './report.js';

interface Options extends UnlockOptions {
  readonly json?: boolean;
}

export function defineShow(command: Command, context: Context): void {
  command.argument('<user>', 'the address');
  addUnlockOptions(command)
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ postern user show alice@example.com
  $ postern user show alice@example.com --key-file /media/usb/alice.key --json`,
    )
    .action((user: string, options: Options) =>
      withVault(context, user, options, async (vault) => {
        await print(
          options.json === true ? `${JSON.stringify(await vaultAsJSON(vault), null, 2)}\n` : await vaultAsText(vault),
        );
      }),
    );
}
