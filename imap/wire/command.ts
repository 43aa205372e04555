import { readCommandHead } from './commandhead.js';
import { WireError } from './error.js';
import {
  type ListCommand,
  readList,
  readSelect,
  readStatusCommand,
  type SelectCommand,
  type StatusCommand,
  writeList,
  writeSelect,
  writeStatusCommand,
} from './mailboxcommand.js';
import { type FetchCommand, readFetch, writeFetch } from './fetchcommand.js';
import { type CopyCommand, readCopy, readStore, type StoreCommand, writeCopy, writeStore } from './messagecommand.js';
import {
  readSearch,
  readSort,
  readThread,
  type SearchCommand,
  type SortCommand,
  type ThreadCommand,
  writeSearch,
} from './searchcommand.js';
import { originalOf, remember } from './original.js';
import type { Part } from './part.js';
import { Reader } from './reader.js';
import {
  type AuthenticateCommand,
  type CompressCommand,
  type EnableCommand,
  type IdCommand,
  type IdleCommand,
  type LoginCommand,
  readAuthenticate,
  readCompress,
  readEnable,
  readId,
  readLogin,
  writeAuthenticate,
  writeCompress,
  writeEnable,
  writeId,
  writeLogin,
} from './sessioncommand.js';
import { TAG } from './characters.js';
import { Writer, type WriterOptions } from './writer.js';

/** A command that is not taken apart here. */
export interface OpaqueCommand {
  readonly kind: 'opaque';
  readonly tag: string;
  /** In upper case; `UID EXPUNGE` is one name. */
  readonly name: string;
  /** What follows the name: a space and more, or nothing. */
  readonly rest: readonly Part[];
}

export type Command =
  | LoginCommand
  | AuthenticateCommand
  | IdCommand
  | EnableCommand
  | CompressCommand
  | IdleCommand
  | SelectCommand
  | StatusCommand
  | ListCommand
  | FetchCommand
  | StoreCommand
  | CopyCommand
  | SearchCommand
  | SortCommand
  | ThreadCommand
  | OpaqueCommand;

/** Reads what follows the name, space included. */
type ReadCommand = (reader: Reader, tag: string) => Command;

const COMMANDS: ReadonlyMap<string, ReadCommand> = new Map<string, ReadCommand>([
  ['LOGIN', readLogin],
  ['AUTHENTICATE', readAuthenticate],
  ['ID', readId],
  ['ENABLE', readEnable],
  ['COMPRESS', readCompress],
  ['IDLE', (_, tag) => ({ kind: 'idle', tag })],
  ['SELECT', (reader, tag) => readSelect(reader, tag, false)],
  ['EXAMINE', (reader, tag) => readSelect(reader, tag, true)],
  ['STATUS', readStatusCommand],
  ['LIST', (reader, tag) => readList(reader, tag, 'LIST')],
  ['LSUB', (reader, tag) => readList(reader, tag, 'LSUB')],
  ['XLIST', (reader, tag) => readList(reader, tag, 'XLIST')],
  ...[false, true].flatMap((uid) => {
    const commands: [string, ReadCommand][] = [
      ['FETCH', (reader, tag) => readFetch(reader, tag, uid)],
      ['STORE', (reader, tag) => readStore(reader, tag, uid)],
      ['COPY', (reader, tag) => readCopy(reader, tag, 'copy', uid)],
      ['MOVE', (reader, tag) => readCopy(reader, tag, 'move', uid)],
      ['SEARCH', (reader, tag) => readSearch(reader, tag, uid)],
      ['SORT', (reader, tag) => readSort(reader, tag, uid)],
      ['THREAD', (reader, tag) => readThread(reader, tag, uid)],
    ];
    return commands.map(([name, read]): [string, ReadCommand] => [uid ? `UID ${name}` : name, read]);
  }),
]);

/**
 * Reads a command that has been gathered whole. What is not known here is opaque; what is known and malformed is an error. APPEND,
 * whose message may be streamed, is opaque: `AppendReader` reads it as it comes. Throws WireError.
 */
export function readCommand(parts: readonly Part[]): Command {
  const [line] = parts;
  if (!Buffer.isBuffer(line)) throw new WireError('syntax', 'Expected a line.');
  const { tag, name, end } = readCommandHead(line);
  const reader = new Reader(parts, end);
  const command = COMMANDS.get(name)?.(reader, tag) ?? { kind: 'opaque', tag, name, rest: reader.rest() };
  reader.end();
  return remember(command, parts);
}

/** Writes a command: as it was spelled, where it has not changed since it was read. Throws WireError (`unwritable`). */
export function writeCommand(command: Command, options: WriterOptions = {}): readonly Part[] {
  const writer = new Writer(options);
  const original = originalOf(command);
  if (original !== undefined) return writer.copy(original).end();
  writer.word(command.tag, TAG, 'a tag').space();
  writeBody(writer, command);
  return writer.end();
}

function writeBody(writer: Writer, command: Command): void {
  switch (command.kind) {
    case 'login':
      writeLogin(writer, command);
      break;
    case 'authenticate':
      writeAuthenticate(writer, command);
      break;
    case 'id':
      writeId(writer, command);
      break;
    case 'enable':
      writeEnable(writer, command);
      break;
    case 'compress':
      writeCompress(writer, command);
      break;
    case 'idle':
      writer.syntax('IDLE');
      break;
    case 'select':
      writeSelect(writer, command);
      break;
    case 'status':
      writeStatusCommand(writer, command);
      break;
    case 'list':
      writeList(writer, command);
      break;
    case 'fetch':
      writeFetch(writer, command);
      break;
    case 'store':
      writeStore(writer, command);
      break;
    case 'copy':
    case 'move':
      writeCopy(writer, command);
      break;
    case 'search':
    case 'sort':
    case 'thread':
      writeSearch(writer, command);
      break;
    case 'opaque':
      writer.separated(command.name.split(' '), (word) => writer.atom(word, 'a command')).copy(command.rest);
      break;
  }
}
