import type { Command } from 'commander';
import type { Context } from '../command.js';
import { defineCheck } from './config/check.js';
import { defineSample } from './config/sample.js';

export function define(command: Command, context: Context): void {
  const subcommand = (name: string, summary: string): Command =>
    command.command(name).summary(summary).description(summary);
  defineCheck(subcommand('check', 'tell everything that is wrong with a configuration'), context);
  defineSample(subcommand('sample', 'print a configuration with all options'));
  command.addHelpText(
    'after',
    `
Examples:
  $ postern config sample > postern.toml
  $ postern config check postern.toml

See postern-config(1).`,
  );
}
