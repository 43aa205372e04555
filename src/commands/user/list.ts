import type { Command } from 'commander';
import { type VaultListing, listVaults } from '#lib/vault/listing';
import type { Context } from '../../command.js';
import { Exit, Failure } from '../../exit.js';
import { print } from '../../output.js';

interface Options {
  readonly json?: boolean;
}

export function defineList(command: Command, context: Context): void {
  command
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
Nothing is opened for this; what it says is what anybody can read who can read the files. Vaults that are damaged are named on
standard error, and the exit code is then 78.

Examples:
  $ postern user list
  $ postern user list --json | jq -r '.[].user'`,
    )
    .action((options: Options) => run(options, context));
}

async function run(options: Options, context: Context): Promise<void> {
  const listings = await listVaults(context.home());
  await print(
    options.json === true ? `${JSON.stringify(listings.map(asJSON), null, 2)}\n` : listings.map(asLine).join(''),
  );
  const problems = listings.flatMap(({ problem }) => problem ?? []);
  if (problems.length > 0) throw new Failure(Exit.config, problems.join('\npostern: '));
}

function asJSON({ user, path, form, problem }: VaultListing): object {
  return {
    user: user ?? null,
    file: path,
    enrolled: form?.enrolled ?? null,
    generation: form?.generation ?? null,
    slots: form?.slots ?? null,
    problem: problem ?? null,
  };
}

function asLine({ user, form }: VaultListing): string {
  if (user === undefined || form === undefined) return '';
  const count = (kind: string): number => form.slots.filter((each) => each === kind).length;
  const ways = [
    `${count('password')} ${count('password') === 1 ? 'password' : 'passwords'}`,
    ...(count('key-file') > 0 ? [`${count('key-file')} ${count('key-file') === 1 ? 'key file' : 'key files'}`] : []),
    ...(count('recovery') > 0 ? ['recovery code'] : []),
    ...(form.enrolled ? ["locked with the provider's password"] : []),
  ];
  return `${user}: ${ways.join(', ')}\n`;
}
