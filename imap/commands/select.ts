import type { Handler } from '../pipe/commands.js';
import { PIPE_LIMITS } from '../pipe/limits.js';
import type { Entry } from '../pipe/queue.js';
import { Selected } from '../selected.js';
import { readCommand } from '../wire/command.js';
import { WireError } from '../wire/error.js';
import type { Fragment } from '../wire/framer.js';
import { mailboxKey } from '../wire/mailbox.js';
import { Gatherer, type Part } from '../wire/part.js';
import { commandRow } from './table.js';

/** SELECT and EXAMINE (RFC 9051 §6.3.2): passes. From the moment the provider begins with it, another mailbox is selected. */
export const select: Handler = (line, { tag, name }, commands) => {
  const { context } = commands;
  const next = new Selected();
  let mailbox: Buffer | undefined;
  let takeBack: (() => void) | undefined;
  // How the name is spelled depends on what is enabled when the provider reads it. The rest of the command may come later than that.
  const note = (): void => {
    if (takeBack !== undefined && mailbox !== undefined) next.mailbox = mailboxKey(mailbox, context.mailboxEncoding);
  };
  const begin = (): void => {
    takeBack = context.select(next);
    note();
  };
  const entry: Entry = {
    tag,
    row: commandRow(name),
    passed: mailboxOf((octets) => {
      mailbox = octets;
      note();
    }),
    begun: begin,
    completed: (completion) => {
      // Answered before its turn.
      if (takeBack === undefined) begin();
      // Refused for its syntax, it has changed nothing; otherwise no mailbox is selected when it fails.
      if (completion === 'BAD' && context.selected === next) takeBack?.();
      else if (completion !== 'OK') context.select(new Selected());
      return undefined;
    },
  };
  return commands.pass(line, entry);
};

/** CLOSE and UNSELECT (RFC 9051 §6.4.1, §6.4.2): passes, and then no mailbox is selected. */
export const deselect: Handler = (line, { tag, name }, commands) => {
  const completed: Entry['completed'] = (completion) => {
    if (completion === 'OK') commands.context.select(new Selected());
    return undefined;
  };
  return commands.pass(line, { tag, row: commandRow(name), completed });
};

/** Takes the fragments of SELECT or EXAMINE, and gives the mailbox's name to `found` when all have come. */
function mailboxOf(found: (mailbox: Buffer) => void): (fragment: Fragment) => void {
  let gatherer: Gatherer | undefined = new Gatherer({ octets: PIPE_LIMITS.selectOctets });
  return (fragment) => {
    try {
      const parts = gatherer?.push(fragment);
      const mailbox = parts === undefined ? undefined : mailboxIn(parts);
      if (mailbox !== undefined) found(mailbox);
    } catch (error) {
      // The provider judges what is malformed, and the mailbox has no name for us.
      if (!(error instanceof WireError)) throw error;
      gatherer = undefined;
    }
  };
}

/** A copy of the name. Undefined where it is too long to be that of a mailbox. Throws WireError. */
function mailboxIn(parts: readonly Part[]): Buffer | undefined {
  const command = readCommand(parts);
  if (command.kind !== 'select' || command.mailbox.length > PIPE_LIMITS.mailboxOctets) return undefined;
  return Buffer.from(command.mailbox);
}
