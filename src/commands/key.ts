import type { Command } from 'commander';
import type { Context } from '../command.js';
import { defineDelete } from './key/delete.js';
import { defineExport } from './key/export.js';
import { defineGenerate } from './key/generate.js';
import { defineImport } from './key/import.js';
import { defineList } from './key/list.js';
import { defineRevoke } from './key/revoke.js';
import { defineShow } from './key/show.js';

export function define(command: Command, context: Context): void {
  const subcommand = (name: string, summary: string): Command =>
    command.command(name).summary(summary).description(summary);
  defineGenerate(subcommand('generate', 'make a private key and its certificate'), context);
  defineImport(subcommand('import', 'put certificates and private keys into the keyring'), context);
  defineExport(subcommand('export', 'write certificates or private keys to standard output'), context);
  defineList(subcommand('list', 'list the keyring'), context);
  defineShow(subcommand('show', 'show all about a certificate and its private key'), context);
  defineRevoke(subcommand('revoke', 'revoke a certificate'), context);
  defineDelete(subcommand('delete', 'take certificates out of the keyring'), context);
  command.addHelpText(
    'after',
    `
NAME is an address, a fingerprint or a long key ID (16 digits).

Examples:
  $ postern key generate "Alice Example <alice@example.com>"
  $ gpg --export-secret-keys alice@example.com | postern key import
  $ postern key show alice@example.com

See postern-key(1).`,
  );
}
