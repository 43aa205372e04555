import { type Command } from 'commander';
import { type Context } from '../command.js';
import { Exit, Failure } from '../exit.js';

export function define(command: Command, context: Context): void {
  command.action(() => {
    throw new Failure(Exit.config, `Not built yet (state folder ${context.home()}).`);
  });
}
