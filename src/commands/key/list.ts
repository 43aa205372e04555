import type { Command } from 'commander';
import { Keyring } from '#lib/keys/keyring';
import type { Context } from '../../command.js';
import { Exit, Failure } from '../../exit.js';
import { print } from '../../output.js';
import { asJSON, asLines, reportsOf } from './report.js';

interface Options {
  readonly secret?: boolean;
  readonly json?: boolean;
}

export function defineList(command: Command, context: Context): void {
  command
    .option('--secret', 'list only what has a private key here')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
Files of the keyring that cannot be read are named on standard error, and the exit code is then 78.

Examples:
  $ postern key list
  $ postern key list --json | jq -r '.[].fingerprint'`,
    )
    .action((options: Options) => run(options, context));
}

async function run(options: Options, context: Context): Promise<void> {
  const keyring = new Keyring(context.home());
  const all = await reportsOf(await keyring.certificates(), await keyring.privateKeys());
  const reports = options.secret === true ? all.filter(({ privateKey }) => privateKey !== undefined) : all;
  await print(
    options.json === true ? `${JSON.stringify(reports.map(asJSON), null, 2)}\n` : reports.map(asLines).join(''),
  );
  const damaged = await keyring.damaged();
  if (damaged.length === 0) return;
  const lines = damaged.map(({ path, problem }) => `The file ${path} is damaged. ${problem}`);
  throw new Failure(Exit.config, lines.join('\npostern: '));
}
