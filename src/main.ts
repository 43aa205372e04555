#!/usr/bin/env node
/**
 * src: the program. This file finds the command and turns every error into a sentence and an exit code (exit.ts, explain.ts).
 * Each command is a file in src/commands and is loaded only when it is called, because a mail server starts us once for each
 * message.
 */
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import type { CommandModule, Context } from './command.js';
import { Exit, type ExitCode } from './exit.js';
import { explain } from './explain.js';
import { VERSION } from './version.js';

/** Name, summary, module. The order is that of `postern --help`. */
const COMMANDS: readonly (readonly [name: string, summary: string, load: () => Promise<CommandModule>])[] = [
  ['encrypt', 'encrypt one message from standard input to standard output', () => import('./commands/encrypt.js')],
  ['decrypt', 'decrypt one message from standard input to standard output', () => import('./commands/decrypt.js')],
  ['key', 'make, import, export, list, show, revoke and delete keys', () => import('./commands/key.js')],
  ['user', 'make, show, change and remove the vaults of users', () => import('./commands/user.js')],
  ['serve', 'run the proxy', () => import('./commands/serve.js')],
  ['config', 'check a configuration, or print a sample of one', () => import('./commands/config.js')],
  ['maildir', 'encrypt or decrypt a whole Maildir in place', () => import('./commands/maildir.js')],
];

/** Runs the program with the given arguments (without `node` and the script) and resolves to its exit code. */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  const program = new Command('postern')
    .description('Makes any mail account end-to-end encrypted for any mail client.')
    .version(VERSION)
    .option('--home <dir>', 'folder with keys and state (default: $POSTERN_HOME, else ~/.local/share/postern)')
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  $ postern key generate alice@example.com
  $ postern encrypt alice@example.com < message.eml > sealed.eml
  $ postern decrypt < sealed.eml

Exit codes are those of sysexits.h; see postern(1).`,
    );
  const context: Context = { home: () => program.opts<{ home?: string }>().home ?? defaultHome() };
  try {
    for (const [name, summary, load] of COMMANDS) {
      const command = program.command(name).description(summary);
      if (argv.includes(name)) (await load()).define(command, context);
    }
    await program.parseAsync(argv, { from: 'user' });
    return Exit.ok;
  } catch (error) {
    // Commander has printed its message (or the help that was asked for) already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.ok : Exit.usage;
    const { message, exitCode } = explain(error);
    process.stderr.write(`postern: ${message}\n`);
    return exitCode;
  }
}

/** The XDG base directory for data, unless POSTERN_HOME names another folder. */
function defaultHome(): string {
  const own = process.env['POSTERN_HOME'];
  if (own !== undefined && own !== '') return own;
  const data = process.env['XDG_DATA_HOME'];
  return join(data !== undefined && data !== '' ? data : join(homedir(), '.local', 'share'), 'postern');
}

/** True where this file is the program and not imported (by a test, say). */
function isProgram(): boolean {
  const script = process.argv[1];
  return script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url);
}

if (isProgram()) {
  // A reader that goes away (a pager) is no fault of ours; what has to be written whole goes through output.ts, which tells.
  process.stdout.on('error', () => undefined);
  process.exitCode = await main(process.argv.slice(2));
}
