import type { Command } from 'commander';
import { addAppPassword, revokeSlot } from '#lib/vault/access';
import { LIMITS } from '#lib/vault/limits';
import { makePassword } from '#lib/vault/recoverycode';
import type { Context } from '../../command.js';
import { print } from '../../output.js';
import { type SecretKind, addSecretOptions, placeOf, readNewSecret } from '../../secretinput.js';
import { type UnlockOptions, addUnlockOptions, withVault } from '../../vaultunlock.js';
import { slotAsJSON, slotAsText } from './report.js';

export const NEW_PASSWORD: SecretKind = { option: 'new-password', what: 'password', limit: LIMITS.secret };

interface Options extends UnlockOptions {
  readonly json?: boolean;
}

export function defineAppPassword(command: Command, context: Context): void {
  const subcommand = (name: string, summary: string): Command =>
    command.command(name).summary(summary).description(summary).argument('<user>', 'the address');
  const add = subcommand('add', 'add an app password; without an option for it a new one is made and printed once');
  addUnlockOptions(add.argument('<name>', 'what it is called: phone, or laptop'));
  addSecretOptions(add, NEW_PASSWORD)
    .option('--json', 'print as JSON')
    .action((user: string, name: string, options: Options) => runAdd(user, name, options, context));
  addUnlockOptions(subcommand('list', 'list the app passwords'))
    .option('--json', 'print as JSON')
    .action((user: string, options: Options) => runList(user, options, context));
  addUnlockOptions(subcommand('revoke', 'revoke an app password').argument('<name>', 'which one'))
    .option('--json', 'print as JSON')
    .action((user: string, name: string, options: Options) => runRevoke(user, name, options, context));
  const examples = `
Examples:
  $ postern user app-password add alice@example.com phone
  $ postern user app-password list alice@example.com --password-file /run/secrets/alice
  $ postern user app-password revoke alice@example.com phone`;
  for (const each of [command, ...command.commands]) each.addHelpText('after', examples);
}

async function runAdd(user: string, name: string, options: Options, context: Context): Promise<void> {
  await withVault(context, user, options, async (vault) => {
    const given = await readNewSecret(placeOf(options, NEW_PASSWORD), NEW_PASSWORD);
    const password = given ?? makePassword();
    (await addAppPassword(vault, name, password)).close();
    const made = given === undefined ? { password: password.reveal() } : {};
    await print(
      options.json === true
        ? `${JSON.stringify({ user: vault.user, name, ...made }, null, 2)}\n`
        : `added the app password "${name}"${made.password === undefined ? '' : `, which is not shown again:\n${made.password}`}\n`,
    );
  });
}

async function runList(user: string, options: Options, context: Context): Promise<void> {
  await withVault(context, user, options, async ({ slots }) => {
    const passwords = slots.filter(({ kind }) => kind === 'password');
    await print(
      options.json === true
        ? `${JSON.stringify(passwords.map(slotAsJSON), null, 2)}\n`
        : passwords.map((slot) => `${slotAsText(slot)}\n`).join(''),
    );
  });
}

async function runRevoke(user: string, name: string, options: Options, context: Context): Promise<void> {
  await withVault(context, user, options, async (vault) => {
    (await revokeSlot(vault, 'password', name)).close();
    await print(
      options.json === true
        ? `${JSON.stringify({ user: vault.user, revoked: name }, null, 2)}\n`
        : `revoked the app password "${name}"\n`,
    );
  });
}
