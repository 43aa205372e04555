import type { Handler } from '../pipe/commands.js';
import type { Entry } from '../pipe/queue.js';
import { commandRow } from './table.js';

/** IDLE (RFC 9051 §6.3.13): passes, and then the client's next line is DONE, which has no tag. */
export const idle: Handler = (line, { tag, name, end }, commands) => {
  const { context } = commands;
  if (line.bytes.length - line.lineEnd !== end) return commands.refuse(line.literal, tag, 'IDLE takes no arguments');
  let expected = true;
  const done = (octets: Buffer): void => {
    expected = /^DONE\r?\n$/i.test(octets.toString('latin1'));
    // Another line ends IDLE too. It is not passed: who reads it as what is not for sure.
    context.toProvider.add(Buffer.from('DONE\r\n'));
  };
  const entry: Entry = {
    tag,
    row: commandRow(name),
    completed: () => {
      commands.endInterlude(done);
      return expected ? undefined : `${tag} BAD Expected DONE.\r\n`;
    },
  };
  const waits = commands.pass(line, entry);
  void context.queue.continuation(entry, true);
  commands.interlude(done);
  return waits;
};
