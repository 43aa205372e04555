import { readArgument, writeOption } from './mailboxcommand.js';
import { originalOf, remember } from './original.js';
import type { Part } from './part.js';
import type { Reader } from './reader.js';
import {
  type PartialRange,
  readBinarySection,
  readPartial,
  readSection,
  type Section,
  writeBinarySection,
  writePartial,
  writeSection,
} from './section.js';
import { readSequenceSet, type SequenceSet, writeSequenceSet } from './sequenceset.js';
import type { Writer } from './writer.js';

/** RFC 9051 §6.4.5. */
export interface FetchCommand {
  readonly kind: 'fetch';
  readonly tag: string;
  readonly uid: boolean;
  readonly set: SequenceSet;
  /** One macro, or items. */
  readonly items: readonly FetchItem[];
  /** The items stand in parentheses, which one alone need not. */
  readonly inParentheses: boolean;
  readonly modifiers: readonly FetchModifier[];
}

export type FetchModifier =
  /** RFC 7162 §3.1.4.1. */
  | { readonly kind: 'changedsince'; readonly modseq: bigint }
  /** RFC 7162 §3.2.6. */
  | { readonly kind: 'vanished' }
  | { readonly kind: 'other'; readonly name: string; readonly argument: readonly Part[] | undefined };

/** An item of a request. `BODY` without a section is plain. */
export type FetchItem =
  | { readonly kind: 'macro'; readonly name: 'ALL' | 'FAST' | 'FULL' }
  | { readonly kind: 'plain'; readonly name: PlainItem }
  | {
      readonly kind: 'body';
      readonly peek: boolean;
      readonly section: Section;
      readonly partial: PartialRange | undefined;
    }
  | {
      readonly kind: 'binary';
      readonly peek: boolean;
      readonly part: readonly number[];
      readonly partial: PartialRange | undefined;
    }
  | { readonly kind: 'binary.size'; readonly part: readonly number[] }
  /** RFC 8970 §3.1. */
  | { readonly kind: 'preview'; readonly lazy: boolean }
  /** One that is not known here: its name, section, partial and argument as they came. */
  | { readonly kind: 'other'; readonly item: readonly Part[] };

const PLAIN = [
  'BODY',
  'BODYSTRUCTURE',
  'ENVELOPE',
  'FLAGS',
  'INTERNALDATE',
  'RFC822',
  'RFC822.HEADER',
  'RFC822.SIZE',
  'RFC822.TEXT',
  'UID',
  // RFC 7162 §3.1.4.2, RFC 8514 §4.2, RFC 8474 §5.
  'MODSEQ',
  'SAVEDATE',
  'EMAILID',
  'THREADID',
  // Gmail's own (X-GM-EXT-1); other servers take the first two too.
  'X-GM-MSGID',
  'X-GM-THRID',
  'X-GM-LABELS',
] as const;

/** An item that is a name alone. */
export type PlainItem = (typeof PLAIN)[number];

const ITEMS: ReadonlyMap<string, FetchItem> = new Map(PLAIN.map((name) => [name, { kind: 'plain', name }]));
const MACROS: ReadonlyMap<string, FetchItem> = new Map(
  (['ALL', 'FAST', 'FULL'] as const).map((name) => [name, { kind: 'macro', name }]),
);

export function readFetch(reader: Reader, tag: string, uid: boolean): FetchCommand {
  reader.space();
  const set = readSequenceSet(reader);
  reader.space();
  const inParentheses = reader.peek() === 0x28;
  const items = inParentheses ? reader.list(() => readFetchItem(reader, false)) : [readFetchItem(reader, true)];
  if (items.length === 0) throw reader.expected('an item');
  const modifiers = reader.take(' ') ? reader.list(() => readModifier(reader)) : [];
  return { kind: 'fetch', tag, uid, set, items, inParentheses, modifiers };
}

/** An item of a request, which is written as it was spelled. Macros stand alone. Throws WireError. */
export function readFetchItem(reader: Reader, mayBeMacro: boolean): FetchItem {
  const start = reader.place;
  const item = readItem(reader, mayBeMacro, start);
  // Those in the table are one object for everybody.
  if (item.kind === 'plain' || item.kind === 'macro') return { ...item };
  return remember(item, reader.since(start));
}

function readItem(reader: Reader, mayBeMacro: boolean, start: Reader['place']): FetchItem {
  const name = reader.itemName('an item');
  if (reader.peek() === 0x5b) {
    if (name === 'BODY' || name === 'BODY.PEEK') {
      return { kind: 'body', peek: name !== 'BODY', section: readSection(reader), partial: readPartial(reader) };
    }
    if (name === 'BINARY' || name === 'BINARY.PEEK') {
      return { kind: 'binary', peek: name !== 'BINARY', part: readBinarySection(reader), partial: readPartial(reader) };
    }
    if (name === 'BINARY.SIZE') return { kind: 'binary.size', part: readBinarySection(reader) };
  }
  const known = ITEMS.get(name) ?? (mayBeMacro ? MACROS.get(name) : undefined);
  if (known !== undefined) return known;
  if (name === 'PREVIEW') {
    if (!reader.take(' (')) return { kind: 'preview', lazy: false };
    reader.expect('LAZY)');
    return { kind: 'preview', lazy: true };
  }
  readUnknown(reader);
  return { kind: 'other', item: reader.since(start) };
}

/** `[section]`, `<partial>` and ` (argument)` of an item that is not known. */
function readUnknown(reader: Reader): void {
  if (reader.peek() === 0x5b) reader.opaqueSection();
  if (reader.take('<')) {
    reader.upTo('>');
    reader.expect('>');
  }
  const { place } = reader;
  if (reader.take(' ') && reader.peek() === 0x28) reader.opaque();
  else reader.back(place);
}

function readModifier(reader: Reader): FetchModifier {
  const name = reader.name('a modifier');
  if (name === 'VANISHED') return { kind: 'vanished' };
  if (name !== 'CHANGEDSINCE') return { kind: 'other', name, argument: readArgument(reader) };
  reader.space();
  return { kind: 'changedsince', modseq: reader.number64('a mod-sequence') };
}

export function writeFetch(writer: Writer, command: FetchCommand): void {
  const { items, modifiers } = command;
  const item = (each: FetchItem): void => {
    writeFetchItem(writer, each);
  };
  writeSequenceSet(writer.syntax(command.uid ? 'UID FETCH ' : 'FETCH '), command.set);
  writer.space();
  if (command.inParentheses || items.length !== 1) writer.list(items, item);
  else writer.separated(items, item);
  if (modifiers.length > 0) {
    writer.space().list(modifiers, (modifier) => {
      writeModifier(writer, modifier);
    });
  }
}

export function writeFetchItem(writer: Writer, item: FetchItem): void {
  const original = originalOf(item);
  if (original !== undefined) {
    writer.copy(original);
    return;
  }
  switch (item.kind) {
    case 'macro':
    case 'plain':
      writer.syntax(item.name);
      break;
    case 'body':
      writeSection(writer.syntax(item.peek ? 'BODY.PEEK' : 'BODY'), item.section);
      writePartial(writer, item.partial);
      break;
    case 'binary':
      writeBinarySection(writer.syntax(item.peek ? 'BINARY.PEEK' : 'BINARY'), item.part);
      writePartial(writer, item.partial);
      break;
    case 'binary.size':
      writeBinarySection(writer.syntax('BINARY.SIZE'), item.part);
      break;
    case 'preview':
      writer.syntax(item.lazy ? 'PREVIEW (LAZY)' : 'PREVIEW');
      break;
    case 'other':
      writer.copy(item.item);
      break;
  }
}

function writeModifier(writer: Writer, modifier: FetchModifier): void {
  if (modifier.kind === 'vanished') writer.syntax('VANISHED');
  else if (modifier.kind === 'changedsince') writer.syntax('CHANGEDSINCE ').number(modifier.modseq);
  else writeOption(writer, modifier);
}
