import type { Command } from 'commander';
import { Keyring } from '#lib/keys/keyring';
import type { Context } from '../../command.js';
import { print } from '../../output.js';
import { asJSON, asText, reportsOf } from './report.js';
import { resolve } from './resolve.js';

interface Options {
  readonly json?: boolean;
}

export function defineShow(command: Command, context: Context): void {
  command
    .argument('<name>', 'address, fingerprint or long key ID')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ postern key show alice@example.com
  $ postern key show 0x35ACEE8AAA5FAC52 --json`,
    )
    .action((name: string, options: Options) => run(name, options, context));
}

async function run(name: string, options: Options, context: Context): Promise<void> {
  const keyring = new Keyring(context.home());
  const reports = await reportsOf(await resolve(keyring, name), await keyring.privateKeys());
  await print(
    options.json === true ? `${JSON.stringify(reports.map(asJSON), null, 2)}\n` : reports.map(asText).join('\n'),
  );
}
