import type { Command } from 'commander';
import { printable } from '#lib/keys/certificatename';
import { rekeyVault } from '#lib/vault/access';
import type { Context } from '../../command.js';
import { print } from '../../output.js';
import { addSecretOptions, askNewSecret, placeOf, readNewSecret } from '../../secretinput.js';
import { type UnlockOptions, addUnlockOptions, withVault } from '../../vaultunlock.js';
import { NEW_PASSWORD } from './apppassword.js';

interface Options extends UnlockOptions {
  readonly name?: string;
  readonly provider?: boolean;
  readonly profile?: string;
  readonly json?: boolean;
}

export function defineRekey(command: Command, context: Context): void {
  command.argument('<user>', 'the address');
  addUnlockOptions(command);
  addSecretOptions(command, NEW_PASSWORD)
    .option('--name <name>', 'the app password to replace (default: the one that opened the vault, else main)')
    .option('--provider', "also store the new password as the provider's in the profile")
    .option('--profile <name>', 'the profile for --provider (default: the default one)')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
What opens the vault is read first, then the new password. All other app passwords, the recovery code and key files stay.

Examples:
  $ postern user rekey alice@example.com
  $ postern user rekey alice@example.com --provider
  $ printf '%s\\n%s\\n' "$old" "$new" | postern user rekey alice@example.com --password-fd 0 --new-password-fd 0
  $ postern user rekey alice@example.com --recovery-code-file code --new-password-file password`,
    )
    .action((user: string, options: Options) => run(user, options, context));
}

async function run(user: string, options: Options, context: Context): Promise<void> {
  await withVault(context, user, options, async (vault) => {
    const place = placeOf(options, NEW_PASSWORD);
    const password = (await readNewSecret(place, NEW_PASSWORD)) ?? (await askNewSecret(NEW_PASSWORD, vault.user));
    const after = await rekeyVault(vault, password, {
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.provider === true ? { provider: { profile: options.profile } } : {}),
    });
    const { user: whose, openedWith, enrolled } = after;
    after.close();
    const name = openedWith?.name ?? '';
    await print(
      options.json === true
        ? `${JSON.stringify({ user: whose, name, enrolled }, null, 2)}\n`
        : `the app password "${printable(name)}" of ${whose} is a new one\n`,
    );
  });
}
