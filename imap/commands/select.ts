import type { Handler } from '../pipe/commands.js';
import type { Entry } from '../pipe/queue.js';
import { Selected } from '../selected.js';
import { commandRow } from './table.js';

/** SELECT and EXAMINE (RFC 9051 §6.3.2): passes. From the moment the provider begins with it, another mailbox is selected. */
export const select: Handler = (line, { tag, name }, commands) => {
  const { context } = commands;
  let before = context.selected;
  const entry: Entry = {
    tag,
    row: commandRow(name),
    begun: () => {
      before = context.selected;
      context.select(new Selected());
    },
    completed: (completion) => {
      // Refused for its syntax, it has changed nothing; otherwise no mailbox is selected when it fails.
      if (completion === 'BAD') context.select(before);
      else if (completion === 'NO') context.select(new Selected());
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
