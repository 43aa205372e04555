import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { Serve } from '#lib/accepted';
import type { Context } from '../command.js';
import type { Configuration } from '../config/load.js';
import { Exit, Failure } from '../exit.js';

interface Options {
  readonly config?: string;
}

export function define(command: Command, context: Context): void {
  command
    .description('Runs the proxy until SIGTERM or SIGINT.')
    .option(
      '--config <file>',
      'configuration (default: $POSTERN_CONFIG, else postern.toml in the state folder, else /etc/postern/postern.toml)',
    )
    .addHelpText(
      'after',
      `
The log goes to standard error. SIGTERM lets sessions finish, a second one does not.

Examples:
  $ postern config sample > postern.toml
  $ postern serve --config postern.toml

See postern-serve(1).`,
    )
    .action((options: Options) => run(options, context));
}

async function run(options: Options, context: Context): Promise<void> {
  const { findConfiguration } = await import('../config/find.js');
  const { loadConfiguration } = await import('../config/load.js');
  const { problemLine } = await import('../config/problem.js');
  const { runDaemon } = await import('../daemon/run.js');
  const loaded = await loadConfiguration(findConfiguration(options.config, context.home()));
  if (!loaded.ok) throw new Failure(Exit.config, loaded.problems.map(problemLine).join('\npostern: '));
  await runDaemon(loaded.configuration, { imap: await imapSession(loaded.configuration, context.home()) });
}

/** How a client of IMAP is served with this configuration. */
async function imapSession({ provider, enrolment, limits }: Configuration, home: string): Promise<Serve> {
  const { imapServer } = await import('#imap/serve');
  const { workerPool } = await import('#lib/openpgp/offload');
  return imapServer({
    home,
    // What holds up the event loop, such as RSA, runs beside it. The threads start when they are first needed.
    offload: workerPool(Math.max(1, availableParallelism() - 1)),
    ...(enrolment.enabled && provider !== undefined ? { enrolment: { imap: provider } } : {}),
    loginTimeout: limits.loginTimeout,
    errorBudget: limits.errorBudget,
    idleTimeout: limits.idleTimeout,
  });
}
