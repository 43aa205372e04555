import type { Command } from 'commander';
import type { Context } from '../../command.js';
import { Exit, Failure } from '../../exit.js';
import { print } from '../../output.js';

interface Options {
  readonly json?: boolean;
}

export function defineCheck(command: Command, context: Context): void {
  command
    .argument('[file]', 'the configuration; the one that "postern serve" would take by default')
    .option('--json', 'print as JSON: file, and problems with line, option and message')
    .addHelpText(
      'after',
      `
The files that the configuration names are looked at, too. Exit code 78 where something is wrong.

Examples:
  $ postern config check
  $ postern config check /etc/postern/postern.toml --json`,
    )
    .action((file: string | undefined, options: Options) => run(file, options, context));
}

async function run(named: string | undefined, options: Options, context: Context): Promise<void> {
  const { findConfiguration } = await import('../../config/find.js');
  const { loadConfiguration } = await import('../../config/load.js');
  const { problemLine } = await import('../../config/problem.js');
  const file = findConfiguration(named, context.home());
  const loaded = await loadConfiguration(file);
  const problems = loaded.ok ? [] : loaded.problems;
  if (options.json === true) {
    const shown = problems.map(({ line = null, option = null, message }) => ({ line, option, message }));
    await print(`${JSON.stringify({ file, problems: shown }, null, 2)}\n`);
  } else if (loaded.ok) await print(`${file} is in order\n`);
  else await print(problems.map((problem) => `${problemLine(problem)}\n`).join(''));
  if (problems.length === 0) return;
  const count = problems.length === 1 ? 'one thing is' : `${problems.length} things are`;
  throw new Failure(Exit.config, `In ${file} ${count} wrong.`);
}
