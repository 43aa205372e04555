import type { Command } from 'commander';
import type { Context } from '../command.js';
import { defineAdd } from './user/add.js';
import { defineAppPassword } from './user/apppassword.js';
import { defineKeyFile } from './user/keyfile.js';
import { defineList } from './user/list.js';
import { defineProfile } from './user/profile.js';
import { defineRecovery } from './user/recovery.js';
import { defineRekey } from './user/rekey.js';
import { defineRemove } from './user/remove.js';
import { defineShow } from './user/show.js';

export function define(command: Command, context: Context): void {
  const subcommand = (name: string, summary: string): Command =>
    command.command(name).summary(summary).description(summary);
  defineAdd(subcommand('add', 'make a vault for a user'), context);
  defineList(subcommand('list', 'list the vaults'), context);
  defineShow(subcommand('show', 'show what is in a vault, less its secrets'), context);
  defineRemove(subcommand('remove', 'delete a vault'), context);
  defineRekey(subcommand('rekey', 'lock a vault with a new password'), context);
  defineAppPassword(subcommand('app-password', 'add, list and revoke app passwords'), context);
  defineKeyFile(subcommand('key-file', 'add and revoke key files'), context);
  defineRecovery(subcommand('recovery', 'make a new recovery code and void the old one'), context);
  defineProfile(subcommand('profile', 'add, show and remove profiles, and choose the default one'), context);
  command.addHelpText(
    'after',
    `
A user is an address. What opens the vault is asked for on the terminal, unless an option says where it is.

Examples:
  $ postern user add alice@example.com --imap-host imap.example.com --smtp-host smtp.example.com
  $ postern user app-password add alice@example.com phone
  $ postern user show alice@example.com --password-file /run/secrets/alice

See postern-user(1).`,
  );
}
