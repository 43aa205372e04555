import type { Command } from 'commander';
import { withDefaultProfile, withPolicies, withProfile, withoutProfile } from '#lib/vault/edit';
import { type Profile, profileFor } from '#lib/vault/profile';
import { checkProfile } from '#lib/vault/profilecheck';
import { changeVault } from '#lib/vault/vault';
import type { Context } from '../../command.js';
import { Exit, Failure } from '../../exit.js';
import { print } from '../../output.js';
import { type UnlockOptions, addUnlockOptions, withVault } from '../../vaultunlock.js';
import { type PolicyOptions, addPolicyOptions, policiesFrom } from './policyoptions.js';
import { type ProfileOptions, addProfileOptions, profileFrom } from './profileoptions.js';
import { profileAsJSON, profileAsText } from './report.js';

interface Options extends UnlockOptions, ProfileOptions {
  readonly replace?: boolean;
  readonly default?: boolean;
  readonly json?: boolean;
}

interface ChangeOptions extends UnlockOptions, PolicyOptions {
  readonly json?: boolean;
}

export function defineProfile(command: Command, context: Context): void {
  const subcommand = (name: string, summary: string): Command =>
    command.command(name).summary(summary).description(summary).argument('<user>', 'the address');
  const add = subcommand('add', 'add a profile, or replace one');
  addProfileOptions(addUnlockOptions(add.argument('<name>', 'what stands behind the ! or # of the user name')))
    .option('--replace', 'replace the profile of that name as a whole')
    .option('--default', 'make it the default profile')
    .option('--json', 'print as JSON')
    .action((user: string, name: string, options: Options) => runAdd(user, name, options, context));
  addPolicyOptions(
    addUnlockOptions(subcommand('change', 'change the policies of a profile').argument('<name>', 'which one')),
  )
    .option('--json', 'print as JSON')
    .action((user: string, name: string, options: ChangeOptions) => runChange(user, name, options, context));
  addUnlockOptions(
    subcommand('show', 'show profiles, less their secrets').argument('[name]', 'which one (default: all)'),
  )
    .option('--json', 'print as JSON')
    .action((user: string, name: string | undefined, options: Options) => runShow(user, name, options, context));
  addUnlockOptions(subcommand('remove', 'remove a profile').argument('<name>', 'which one'))
    .option('--json', 'print as JSON')
    .action((user: string, name: string, options: Options) => runRemove(user, name, options, context));
  addUnlockOptions(subcommand('default', 'choose the default profile').argument('<name>', 'which one'))
    .option('--json', 'print as JSON')
    .action((user: string, name: string, options: Options) => runDefault(user, name, options, context));
  const examples = `
Examples:
  $ postern user profile add alice@example.com work --imap-host imap.work.example --provider-user alice
  $ postern user profile add alice@example.com local --imap-host localhost --imap-port 1143 --imap-tls none
  $ postern user profile change alice@example.com work --exempt Spam --exempt "Lists/Public"
  $ postern user profile change alice@example.com work --no-exempt
  $ postern user profile show alice@example.com --json
  $ postern user profile default alice@example.com work
  $ postern user profile remove alice@example.com local`;
  for (const each of [command, ...command.commands]) each.addHelpText('after', examples);
}

async function runAdd(user: string, name: string, options: Options, context: Context): Promise<void> {
  await withVault(context, user, options, async (vault) => {
    const profile = await profileFrom(name, vault.user, options);
    if (profile === undefined) {
      throw new Failure(Exit.usage, 'A profile needs the name of an IMAP server; give --imap-host.');
    }
    checkProfile(profile);
    const after = await changeVault(vault, (content) => {
      const added = withProfile(content, profile, options.replace === true);
      return options.default === true ? withDefaultProfile(added, name) : added;
    });
    await report([profileFor(after, name)], after.defaultProfile, options);
    after.close();
  });
}

async function runChange(user: string, name: string, options: ChangeOptions, context: Context): Promise<void> {
  await withVault(context, user, options, async (vault) => {
    const after = await changeVault(vault, (content) =>
      withPolicies(content, name, policiesFrom(options, profileFor(content, name).policies)),
    );
    await report([profileFor(after, name)], after.defaultProfile, options);
    after.close();
  });
}

async function runShow(user: string, name: string | undefined, options: Options, context: Context): Promise<void> {
  await withVault(context, user, options, async (vault) => {
    const profiles = name === undefined ? vault.profiles : [profileFor(vault, name)];
    await report(profiles, vault.defaultProfile, options);
  });
}

async function runRemove(user: string, name: string, options: Options, context: Context): Promise<void> {
  await withVault(context, user, options, async (vault) => {
    const after = await changeVault(vault, (content) => withoutProfile(content, name));
    const { defaultProfile = null } = after;
    after.close();
    await print(
      options.json === true
        ? `${JSON.stringify({ user: vault.user, removed: name, defaultProfile }, null, 2)}\n`
        : `removed the profile "${name}"${defaultProfile === null ? '' : `; the default one is "${defaultProfile}"`}\n`,
    );
  });
}

async function runDefault(user: string, name: string, options: Options, context: Context): Promise<void> {
  await withVault(context, user, options, async (vault) => {
    (await changeVault(vault, (content) => withDefaultProfile(content, name))).close();
    await print(
      options.json === true
        ? `${JSON.stringify({ user: vault.user, defaultProfile: name }, null, 2)}\n`
        : `the default profile is "${name}"\n`,
    );
  });
}

async function report(
  profiles: readonly Profile[],
  defaultProfile: string | undefined,
  options: { readonly json?: boolean },
): Promise<void> {
  await print(
    options.json === true
      ? `${JSON.stringify(
          profiles.map((profile) => ({ ...profileAsJSON(profile), default: profile.name === defaultProfile })),
          null,
          2,
        )}\n`
      : profiles.map((profile) => profileAsText(profile, defaultProfile)).join(''),
  );
}
