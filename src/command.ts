import type { Command } from 'commander';

/** What every command is told. */
export interface Context {
  /** The state folder: `--home`, else POSTERN_HOME, else the user's own. */
  readonly home: () => string;
}

/** What a file in src/commands exports. */
export interface CommandModule {
  /** Gives the command its arguments, options, help and action. */
  readonly define: (command: Command, context: Context) => void;
}
