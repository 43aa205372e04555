import { WireError } from './error.js';
import { readArgument, writeOption } from './mailboxcommand.js';
import type { Part } from './part.js';
import type { Reader } from './reader.js';
import { readSearchKeys, type SearchKey, writeSearchKeys } from './searchkey.js';
import type { Writer } from './writer.js';

interface Criteria {
  readonly tag: string;
  readonly uid: boolean;
  /** RETURN (RFC 9051 §6.4.4, RFC 5267 §3). Undefined where there is none; `()` is of no length. */
  readonly returns: readonly ReturnOption[] | undefined;
  /** All have to be true. */
  readonly keys: readonly SearchKey[];
}

/** `MIN`, `PARTIAL 1:100`. */
export interface ReturnOption {
  /** In upper case. */
  readonly name: string;
  readonly argument: readonly Part[] | undefined;
}

/** RFC 9051 §6.4.4. */
export interface SearchCommand extends Criteria {
  readonly kind: 'search';
  readonly charset: Buffer | undefined;
}

/** RFC 5256 §3. */
export interface SortCommand extends Criteria {
  readonly kind: 'sort';
  readonly order: readonly SortKey[];
  readonly charset: Buffer;
}

export interface SortKey {
  /** In upper case. */
  readonly name: string;
  readonly reverse: boolean;
}

/** RFC 5256 §3. */
export interface ThreadCommand extends Criteria {
  readonly kind: 'thread';
  /** In upper case. */
  readonly algorithm: string;
  readonly charset: Buffer;
}

export function readSearch(reader: Reader, tag: string, uid: boolean): SearchCommand {
  const returns = readReturns(reader);
  reader.space();
  let charset: Buffer | undefined;
  if (reader.take('CHARSET ')) {
    charset = reader.astring('a charset');
    reader.space();
  }
  return { kind: 'search', tag, uid, returns, charset, keys: readSearchKeys(reader) };
}

export function readSort(reader: Reader, tag: string, uid: boolean): SortCommand {
  const returns = readReturns(reader);
  reader.space();
  const order = reader.list(() => {
    const reverse = reader.take('REVERSE ');
    return { name: reader.name('a sort key'), reverse };
  });
  return { kind: 'sort', tag, uid, returns, order, ...readCharsetAndKeys(reader) };
}

export function readThread(reader: Reader, tag: string, uid: boolean): ThreadCommand {
  const returns = readReturns(reader);
  reader.space();
  const algorithm = reader.name('an algorithm');
  return { kind: 'thread', tag, uid, returns, algorithm, ...readCharsetAndKeys(reader) };
}

function readReturns(reader: Reader): readonly ReturnOption[] | undefined {
  if (!reader.take(' RETURN ')) return undefined;
  return reader.list(() => ({ name: reader.name('an option'), argument: readArgument(reader) }));
}

function readCharsetAndKeys(reader: Reader): { charset: Buffer; keys: readonly SearchKey[] } {
  reader.space();
  const charset = reader.astring('a charset');
  reader.space();
  return { charset, keys: readSearchKeys(reader) };
}

export function writeSearch(writer: Writer, command: SearchCommand | SortCommand | ThreadCommand): void {
  writer.syntax(`${command.uid ? 'UID ' : ''}${command.kind.toUpperCase()} `);
  if (command.returns !== undefined) {
    writer
      .syntax('RETURN ')
      .list(command.returns, (option) => {
        writeOption(writer, option);
      })
      .space();
  }
  if (command.kind === 'search') {
    if (command.charset !== undefined) writer.syntax('CHARSET ').astring(command.charset).space();
  } else {
    if (command.kind === 'thread') writer.atom(command.algorithm);
    else writer.list(command.order, ({ name, reverse }) => writer.syntax(reverse ? 'REVERSE ' : '').atom(name));
    writer.space().astring(command.charset).space();
  }
  if (command.keys.length === 0) throw new WireError('unwritable', 'A search without a key cannot be written.');
  writeSearchKeys(writer, command.keys);
}
