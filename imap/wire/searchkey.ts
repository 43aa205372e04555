import { WireError } from './error.js';
import { originalOf, remember } from './original.js';
import type { Part } from './part.js';
import type { Reader } from './reader.js';
import { readSequenceSet, type SequenceSet, writeSequenceSet } from './sequenceset.js';
import type { Writer } from './writer.js';

/** A search key (RFC 9051 §6.4.4, RFC 3501 §6.4.4; the others are cited). */
export type SearchKey =
  /** `(key key …)`. */
  | { readonly kind: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'or'; readonly left: SearchKey; readonly right: SearchKey }
  | { readonly kind: 'not'; readonly key: SearchKey }
  /** Message numbers, or UIDs. */
  | { readonly kind: 'set' | 'uid'; readonly set: SequenceSet }
  | { readonly kind: 'plain'; readonly name: PlainKey }
  | { readonly kind: 'keyword' | 'unkeyword'; readonly flag: string }
  | { readonly kind: 'text'; readonly name: TextKey; readonly value: Buffer }
  | { readonly kind: 'header'; readonly field: Buffer; readonly value: Buffer }
  | { readonly kind: 'date'; readonly name: DateKey; readonly date: CalendarDate }
  | { readonly kind: 'size'; readonly name: 'LARGER' | 'SMALLER'; readonly octets: number }
  /** RFC 5032 §3. */
  | { readonly kind: 'within'; readonly name: 'OLDER' | 'YOUNGER'; readonly seconds: number }
  /** RFC 7162 §3.1.5. */
  | {
      readonly kind: 'modseq';
      readonly entry: { readonly name: Buffer; readonly type: 'all' | 'priv' | 'shared' } | undefined;
      readonly modseq: bigint;
    }
  /** RFC 8474 §5.3. */
  | { readonly kind: 'objectid'; readonly name: 'EMAILID' | 'THREADID'; readonly id: string }
  /**
   * A key that is not known, and everything behind it up to the parenthesis that closes, or the end: how many arguments it has is not
   * known either. An OR or NOT before it belongs to it.
   */
  | { readonly kind: 'other'; readonly rest: readonly Part[] };

const PLAIN = [
  'ALL',
  'ANSWERED',
  'DELETED',
  'DRAFT',
  'FLAGGED',
  'NEW',
  'OLD',
  'RECENT',
  'SEEN',
  'UNANSWERED',
  'UNDELETED',
  'UNDRAFT',
  'UNFLAGGED',
  'UNSEEN',
  // RFC 8514 §4.1.
  'SAVEDATESUPPORTED',
] as const;
/** With one string. Those of Gmail (X-GM-EXT-1) have one too, which is a number of X-GM-MSGID and X-GM-THRID. */
const TEXT = [
  'BCC',
  'BODY',
  'CC',
  'FROM',
  'SUBJECT',
  'TEXT',
  'TO',
  'X-GM-LABELS',
  'X-GM-MSGID',
  'X-GM-RAW',
  'X-GM-THRID',
] as const;
/** The last three: RFC 8514 §4.1. */
const DATE = [
  'BEFORE',
  'ON',
  'SINCE',
  'SENTBEFORE',
  'SENTON',
  'SENTSINCE',
  'SAVEDBEFORE',
  'SAVEDON',
  'SAVEDSINCE',
] as const;

export type PlainKey = (typeof PLAIN)[number];
export type TextKey = (typeof TEXT)[number];
export type DateKey = (typeof DATE)[number];

/** A day, without a zone. */
export interface CalendarDate {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

const PLAIN_KEYS: ReadonlyMap<string, PlainKey> = new Map(PLAIN.map((name) => [name, name]));
const TEXT_KEYS: ReadonlyMap<string, TextKey> = new Map(TEXT.map((name) => [name, name]));
const DATE_KEYS: ReadonlyMap<string, DateKey> = new Map(DATE.map((name) => [name, name]));

/** Reads keys with a space between them: all have to be true. Throws WireError. */
export function readSearchKeys(reader: Reader): readonly SearchKey[] {
  const keys = [readSearchKey(reader)];
  while (reader.take(' ')) keys.push(readSearchKey(reader));
  return keys;
}

/** Reads one key, which is written as it was spelled. Throws WireError. */
export function readSearchKey(reader: Reader): SearchKey {
  const start = reader.place;
  reader.nest();
  const key = reader.element(() => readKey(reader));
  reader.unnest();
  return remember(key, reader.since(start));
}

function readKey(reader: Reader): SearchKey {
  const octet = reader.peek();
  if (octet === 0x28) {
    reader.open();
    const keys = readSearchKeys(reader);
    reader.close();
    return { kind: 'and', keys };
  }
  const start = reader.place;
  if (octet !== undefined && /[0-9*$]/.test(String.fromCharCode(octet))) {
    return { kind: 'set', set: readSequenceSet(reader) };
  }
  const name = reader.name('a search key');
  const plain = PLAIN_KEYS.get(name);
  if (plain !== undefined) return { kind: 'plain', name: plain };
  const key = readNamed(reader, name);
  if (key !== undefined) return key;
  reader.back(start);
  return { kind: 'other', rest: readLevel(reader) };
}

/** Reads what follows the name, space included. Undefined where a name is not known. */
function readNamed(reader: Reader, name: string): SearchKey | undefined {
  const text = TEXT_KEYS.get(name);
  if (text !== undefined) return { kind: 'text', name: text, value: readString(reader) };
  const date = DATE_KEYS.get(name);
  if (date !== undefined) return { kind: 'date', name: date, date: readDate(reader) };
  switch (name) {
    case 'OR': {
      const left = readNext(reader);
      const right = left.kind === 'other' ? left : readNext(reader);
      return right.kind === 'other' ? undefined : { kind: 'or', left, right };
    }
    case 'NOT': {
      const key = readNext(reader);
      return key.kind === 'other' ? undefined : { kind: 'not', key };
    }
    case 'UID':
      reader.space();
      return { kind: 'uid', set: readSequenceSet(reader) };
    case 'KEYWORD':
    case 'UNKEYWORD':
      reader.space();
      return { kind: name === 'KEYWORD' ? 'keyword' : 'unkeyword', flag: reader.flag() };
    case 'HEADER':
      return { kind: 'header', field: readString(reader), value: readString(reader) };
    case 'LARGER':
    case 'SMALLER':
      reader.space();
      return { kind: 'size', name, octets: reader.octets() };
    case 'OLDER':
    case 'YOUNGER':
      reader.space();
      return { kind: 'within', name, seconds: reader.positive('a number of seconds') };
    case 'MODSEQ':
      return readModseq(reader);
    case 'EMAILID':
    case 'THREADID':
      reader.space();
      return { kind: 'objectid', name, id: reader.atom('an object ID') };
    default:
      return undefined;
  }
}

function readNext(reader: Reader): SearchKey {
  reader.space();
  return readSearchKey(reader);
}

function readString(reader: Reader): Buffer {
  reader.space();
  return reader.astring();
}

function readModseq(reader: Reader): SearchKey {
  reader.space();
  if (reader.peek() !== 0x22) return { kind: 'modseq', entry: undefined, modseq: reader.number64('a mod-sequence') };
  const name = reader.quoted();
  reader.space();
  const type = reader.atom('"all", "priv" or "shared"').toLowerCase();
  if (type !== 'all' && type !== 'priv' && type !== 'shared') throw reader.expected('"all", "priv" or "shared"');
  reader.space();
  return { kind: 'modseq', entry: { name, type }, modseq: reader.number64('a mod-sequence') };
}

/** `1-Feb-1994`, in quotes or without, behind a space. */
function readDate(reader: Reader): CalendarDate {
  reader.space();
  const text = reader.astring('a date').toString('latin1');
  const [, day, name, year] = /^([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})$/.exec(text) ?? [];
  const month = MONTHS.findIndex((each) => each.toLowerCase() === name?.toLowerCase()) + 1;
  if (month === 0 || Number(day) < 1 || Number(day) > 31) throw reader.expected('a date before this');
  return { year: Number(year), month, day: Number(day) };
}

/** Everything up to the parenthesis that closes this level, or the end. */
function readLevel(reader: Reader): readonly Part[] {
  const start = reader.place;
  do reader.element(() => reader.opaque('a search key'));
  while (reader.take(' '));
  return reader.since(start);
}

export function writeSearchKeys(writer: Writer, keys: readonly SearchKey[]): void {
  writer.separated(keys, (key) => {
    writeSearchKey(writer, key);
  });
}

export function writeSearchKey(writer: Writer, key: SearchKey): void {
  const original = originalOf(key);
  if (original !== undefined) {
    writer.copy(original);
    return;
  }
  switch (key.kind) {
    case 'and':
      if (key.keys.length === 0) throw new WireError('unwritable', 'No keys cannot be written as a search key.');
      writeSearchKeys(writer.syntax('('), key.keys);
      writer.syntax(')');
      break;
    case 'or':
      writeSearchKeys(writer.syntax('OR '), [key.left, key.right]);
      break;
    case 'not':
      writeSearchKey(writer.syntax('NOT '), key.key);
      break;
    case 'set':
      writeSequenceSet(writer, key.set);
      break;
    case 'uid':
      writeSequenceSet(writer.syntax('UID '), key.set);
      break;
    case 'plain':
      writer.syntax(key.name);
      break;
    case 'keyword':
    case 'unkeyword':
      writer.syntax(`${key.kind.toUpperCase()} `).flag(key.flag);
      break;
    case 'text':
      writer.syntax(`${key.name} `).astring(key.value);
      break;
    case 'header':
      writer.syntax('HEADER ').astring(key.field).space().astring(key.value);
      break;
    case 'date':
      writer.syntax(`${key.name} `).atom(spellDate(key.date), 'a date');
      break;
    case 'size':
      writer.syntax(`${key.name} `).number(key.octets);
      break;
    case 'within':
      writer.syntax(`${key.name} `).number(key.seconds);
      break;
    case 'modseq':
      writer.syntax('MODSEQ ');
      if (key.entry !== undefined) writer.quoted(key.entry.name).syntax(` ${key.entry.type} `);
      writer.number(key.modseq);
      break;
    case 'objectid':
      writer.syntax(`${key.name} `).atom(key.id, 'an object ID');
      break;
    case 'other':
      writer.copy(key.rest);
      break;
  }
}

function spellDate({ year, month, day }: CalendarDate): string {
  return `${day}-${MONTHS[month - 1] ?? ''}-${year.toString().padStart(4, '0')}`;
}
