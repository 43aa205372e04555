import type { Part } from './part.js';
import type { Reader } from './reader.js';
import { readSequenceSet, type SequenceSet, writeSequenceSet } from './sequenceset.js';
import type { Writer } from './writer.js';

/** RFC 3501 §7.2.5, RFC 5256 §4; `modseq` RFC 7162 §3.1.5. Message numbers, or UIDs. */
export interface SearchResponse {
  readonly kind: 'search' | 'sort';
  readonly numbers: readonly number[];
  readonly modseq: bigint | undefined;
}

/** RFC 9051 §7.3.4. */
export interface ESearchResponse {
  readonly kind: 'esearch';
  /** Of the command that it answers. */
  readonly tag: Buffer | undefined;
  /** The numbers are UIDs. */
  readonly uid: boolean;
  readonly results: readonly SearchResult[];
}

export type SearchResult =
  | { readonly kind: 'min' | 'max' | 'count'; readonly number: number }
  | { readonly kind: 'all'; readonly set: SequenceSet }
  | { readonly kind: 'modseq'; readonly modseq: bigint }
  | { readonly kind: 'other'; readonly name: string; readonly value: readonly Part[] };

/** RFC 5256 §4. */
export interface ThreadResponse {
  readonly kind: 'thread';
  readonly threads: readonly Thread[];
}

/** `(3 6 (4 23)(44 7 96))`: 6 answers 3, and both 4 and 44 answer 6. */
export interface Thread {
  /** Each answers the one before. Of no length where the parent of the branches is missing. */
  readonly numbers: readonly number[];
  readonly branches: readonly Thread[];
}

export function readSearchResponse(reader: Reader, kind: SearchResponse['kind']): SearchResponse {
  const numbers: number[] = [];
  let modseq: bigint | undefined;
  // A space at the end is passed over: `* SEARCH ` is sent where nothing was found.
  while (reader.take(' ') && !reader.atEnd) {
    if (reader.take('(MODSEQ ')) {
      modseq = reader.number64('a mod-sequence');
      reader.expect(')');
      break;
    }
    numbers.push(reader.positive('a message number or UID'));
  }
  return { kind, numbers, modseq };
}

export function writeSearchResponse(writer: Writer, { kind, numbers, modseq }: SearchResponse): void {
  writer.syntax(`* ${kind.toUpperCase()}`);
  for (const number of numbers) writer.space().number(number);
  if (modseq !== undefined) writer.syntax(' (MODSEQ ').number(modseq).syntax(')');
}

export function readESearch(reader: Reader): ESearchResponse {
  let tag: Buffer | undefined;
  if (reader.take(' (TAG ')) {
    tag = reader.astring('a tag');
    reader.expect(')');
  }
  const { place } = reader;
  const uid = reader.take(' UID');
  if (uid && !reader.atEnd && reader.peek() !== 0x20) reader.back(place);
  return { kind: 'esearch', tag, uid, results: reader.words(() => readResult(reader)) };
}

function readResult(reader: Reader): SearchResult {
  const name = reader.name('a result');
  reader.space();
  switch (name) {
    case 'MIN':
      return { kind: 'min', number: reader.positive() };
    case 'MAX':
      return { kind: 'max', number: reader.positive() };
    case 'COUNT':
      return { kind: 'count', number: reader.number() };
    case 'ALL':
      return { kind: 'all', set: readSequenceSet(reader) };
    case 'MODSEQ':
      return { kind: 'modseq', modseq: reader.number64('a mod-sequence') };
    default:
      return { kind: 'other', name, value: reader.opaque() };
  }
}

export function writeESearch(writer: Writer, { tag, uid, results }: ESearchResponse): void {
  writer.syntax('* ESEARCH');
  if (tag !== undefined) writer.syntax(' (TAG ').string(tag).syntax(')');
  if (uid) writer.syntax(' UID');
  for (const result of results) {
    writer.space();
    if (result.kind === 'other') writer.atom(result.name).space().copy(result.value);
    else {
      writer.syntax(`${result.kind.toUpperCase()} `);
      if (result.kind === 'all') writeSequenceSet(writer, result.set);
      else writer.number(result.kind === 'modseq' ? result.modseq : result.number);
    }
  }
}

export function readThreads(reader: Reader): ThreadResponse {
  const threads: Thread[] = [];
  if (reader.take(' ')) while (reader.peek() === OPEN) threads.push(readThreadTree(reader));
  return { kind: 'thread', threads };
}

const OPEN = 0x28;

function readThreadTree(reader: Reader): Thread {
  reader.open();
  const numbers: number[] = [];
  while (reader.peek() !== OPEN) {
    numbers.push(reader.element(() => reader.positive('a message number or UID')));
    if (!reader.take(' ')) break;
  }
  const branches: Thread[] = [];
  while (reader.peek() === OPEN) branches.push(reader.element(() => readThreadTree(reader)));
  reader.close();
  return { numbers, branches };
}

export function writeThreads(writer: Writer, { threads }: ThreadResponse): void {
  writer.syntax(threads.length === 0 ? '* THREAD' : '* THREAD ');
  for (const thread of threads) writeThreadTree(writer, thread);
}

function writeThreadTree(writer: Writer, { numbers, branches }: Thread): void {
  writer.syntax('(').separated(numbers, (number) => writer.number(number));
  if (numbers.length > 0 && branches.length > 0) writer.space();
  for (const branch of branches) writeThreadTree(writer, branch);
  writer.syntax(')');
}
