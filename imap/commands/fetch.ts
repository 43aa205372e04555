import { isContent } from '../messages/items.js';
import type { Messages } from '../messages/messages.js';
import type { Commands, Handler } from '../pipe/commands.js';
import type { CommandHead } from '../wire/commandhead.js';
import { readCommand } from '../wire/command.js';
import { WireError } from '../wire/error.js';
import type { FetchCommand } from '../wire/fetchcommand.js';
import type { Fragment, LineFragment, LiteralMark } from '../wire/framer.js';
import { Gatherer, type Part } from '../wire/part.js';
import { FetchRun } from './fetchrun.js';
import { type CommandRow, commandRow } from './table.js';

/**
 * FETCH (RFC 9051 §6.4.5): passes where it asks for nothing of the content. Otherwise it is answered here: of messages that are shown as
 * they are stored with what the provider says, of the others with what their plaintext view says.
 */
export const fetch: Handler = (line, head, commands) => {
  const { messages } = commands.context;
  const row = commandRow(head.name);
  if (messages === undefined) return commands.pass(line, { tag: head.tag, row });
  const { tag } = head;
  if (line.literal !== undefined) return withLiterals(line, head, commands, messages);
  const command = read([line.bytes]);
  if (command instanceof WireError) return commands.refuse(undefined, tag, command.message);
  return command.items.some(isContent)
    ? answer(new FetchRun(commands, messages, command), commands, tag, row)
    : commands.pass(line, { tag, row });
};

async function answer(run: FetchRun, commands: Commands, tag: string, row: CommandRow): Promise<void> {
  void commands.answer(tag, row, `${tag} ${await run.answer(row)}\r\n`);
}

/** The names of header fields may be literals, which next to nobody sends. */
async function withLiterals(
  first: LineFragment,
  { tag, name }: CommandHead,
  commands: Commands,
  messages: Messages,
): Promise<void> {
  const gatherer = new Gatherer();
  let command: FetchCommand | WireError;
  let announced: LiteralMark | undefined;
  try {
    for (let fragment: Fragment = first; ; fragment = await commands.rest()) {
      announced = fragment.kind === 'line' ? fragment.literal : undefined;
      const parts = gatherer.push(fragment);
      if (parts !== undefined) {
        command = read(parts);
        break;
      }
      if (announced === undefined) continue;
      if (!gatherer.takes(announced)) throw new WireError('limit', 'The name of a field is too long');
      if (!announced.nonSynchronizing) commands.context.say('+ Ready for the name of a field.\r\n');
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    command = error;
  }
  if (command instanceof WireError) {
    await commands.refuse(announced, tag, command.message);
    return;
  }
  // Copies are written anew: as words and quoted strings.
  const items = command.items.map((item) => ({ ...item }));
  const run = new FetchRun(commands, messages, { ...command, items });
  await answer(run, commands, tag, commandRow(name));
}

function read(parts: readonly Part[]): FetchCommand | WireError {
  try {
    const command = readCommand(parts);
    if (command.kind !== 'fetch') return new WireError('syntax', 'Expected FETCH');
    const isUnknown = [...command.items, ...command.modifiers].some(({ kind }) => kind === 'other');
    return isUnknown
      ? new WireError('syntax', 'An item or modifier is unknown, or hidden because it would go past the encryption')
      : command;
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
}
