import type { Command } from 'commander';
import { renewRecoveryCode } from '#lib/vault/access';
import type { Context } from '../../command.js';
import { print } from '../../output.js';
import { type UnlockOptions, addUnlockOptions, withVault } from '../../vaultunlock.js';

interface Options extends UnlockOptions {
  readonly json?: boolean;
}

export function defineRecovery(command: Command, context: Context): void {
  command.argument('<user>', 'the address');
  addUnlockOptions(command)
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
The code is printed once; nobody can show it again. It opens the vault with --recovery-code-fd or --recovery-code-file.

Examples:
  $ postern user recovery alice@example.com
  $ postern user recovery alice@example.com --password-file /run/secrets/alice --json`,
    )
    .action((user: string, options: Options) =>
      withVault(context, user, options, async (vault) => {
        const { vault: after, recoveryCode } = await renewRecoveryCode(vault);
        after.close();
        const code = recoveryCode.reveal();
        await print(
          options.json === true
            ? `${JSON.stringify({ user: vault.user, recoveryCode: code }, null, 2)}\n`
            : `${code}\nWrite the recovery code down; it is not shown again. The old one is void.\n`,
        );
      }),
    );
}
