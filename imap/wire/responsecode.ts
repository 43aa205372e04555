import { WireError } from './error.js';
import type { Reader } from './reader.js';
import { readSequenceSet, type SequenceSet, writeSequenceSet } from './sequenceset.js';
import type { Writer } from './writer.js';

/**
 * What stands in brackets before the text of a status response (RFC 9051 §7.1; the others are cited). Codes that are a name alone
 * (ALERT, READ-ONLY, CLOSED, NOMODSEQ, UIDNOTSTICKY …) and those not known here are `other`.
 */
export type ResponseCode =
  | { readonly kind: 'capability'; readonly capabilities: readonly string[] }
  | { readonly kind: 'permanentflags'; readonly flags: readonly string[] }
  /** Of no length where there is no list. */
  | { readonly kind: 'badcharset'; readonly charsets: readonly Buffer[] }
  | { readonly kind: 'uidnext' | 'uidvalidity' | 'unseen'; readonly number: number }
  /** RFC 7162 §3.1.2.1. */
  | { readonly kind: 'highestmodseq'; readonly modseq: bigint }
  /** RFC 4315 §3. One UID for each message appended. */
  | { readonly kind: 'appenduid'; readonly uidvalidity: number; readonly uids: SequenceSet }
  | { readonly kind: 'copyuid'; readonly uidvalidity: number; readonly from: SequenceSet; readonly to: SequenceSet }
  /** RFC 7162 §3.1.3. */
  | { readonly kind: 'modified'; readonly set: SequenceSet }
  /** RFC 8474 §4.2. */
  | { readonly kind: 'mailboxid'; readonly id: string }
  /** RFC 5464 §4.2.1, §4.3: `LONGENTRIES 2199`. */
  | { readonly kind: 'metadata'; readonly name: string; readonly number: number | undefined }
  | OtherCode;

export interface OtherCode {
  readonly kind: 'other';
  /** In upper case. */
  readonly name: string;
  /** What follows the name and a space, up to the bracket. */
  readonly argument: Buffer | undefined;
}

/** Reads a code with its brackets. What is known by name and has another shape than it should is `other`. Throws WireError. */
export function readResponseCode(reader: Reader): ResponseCode {
  reader.expect('[');
  const name = reader.name('a response code');
  const { place } = reader;
  const read = CODES.get(name);
  if (read !== undefined) {
    const code = attempt(() => read(reader));
    if (code !== undefined && reader.take(']')) return code;
    reader.back(place);
  }
  return readOther(reader, name);
}

function readOther(reader: Reader, name: string): OtherCode {
  const argument = reader.take(' ') ? reader.upTo(']') : undefined;
  reader.expect(']');
  return { kind: 'other', name, argument };
}

/** What a function gives, or undefined where it finds other octets than it expects. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireError && error.code === 'syntax') return undefined;
    throw error;
  }
}

type ReadCode = (reader: Reader) => ResponseCode;

/** Each reads what follows the name, space included. */
const CODES: ReadonlyMap<string, ReadCode> = new Map<string, ReadCode>([
  ['CAPABILITY', (reader) => ({ kind: 'capability', capabilities: reader.words(() => reader.name()) })],
  ['PERMANENTFLAGS', (reader) => ({ kind: 'permanentflags', flags: behindSpace(reader, () => reader.flags()) })],
  ['BADCHARSET', (reader) => ({ kind: 'badcharset', charsets: readCharsets(reader) })],
  ['UIDNEXT', (reader) => ({ kind: 'uidnext', number: readNumber(reader) })],
  ['UIDVALIDITY', (reader) => ({ kind: 'uidvalidity', number: readNumber(reader) })],
  ['UNSEEN', (reader) => ({ kind: 'unseen', number: readNumber(reader) })],
  ['HIGHESTMODSEQ', (reader) => ({ kind: 'highestmodseq', modseq: behindSpace(reader, () => reader.number64()) })],
  ['APPENDUID', (reader) => ({ kind: 'appenduid', uidvalidity: readNumber(reader), uids: readSet(reader) })],
  [
    'COPYUID',
    (reader) => ({ kind: 'copyuid', uidvalidity: readNumber(reader), from: readSet(reader), to: readSet(reader) }),
  ],
  ['MODIFIED', (reader) => ({ kind: 'modified', set: readSet(reader) })],
  ['MAILBOXID', readMailboxId],
  ['METADATA', readMetadata],
]);

function behindSpace<T>(reader: Reader, read: () => T): T {
  reader.space();
  return read();
}

function readNumber(reader: Reader): number {
  return behindSpace(reader, () => reader.number());
}

function readSet(reader: Reader): SequenceSet {
  return behindSpace(reader, () => readSequenceSet(reader));
}

function readCharsets(reader: Reader): readonly Buffer[] {
  return reader.take(' ') ? reader.list(() => reader.astring('a charset')) : [];
}

function readMailboxId(reader: Reader): ResponseCode {
  reader.expect(' (');
  const id = reader.atom('a mailbox ID');
  reader.expect(')');
  return { kind: 'mailboxid', id };
}

function readMetadata(reader: Reader): ResponseCode {
  reader.space();
  const name = reader.name();
  return { kind: 'metadata', name, number: reader.take(' ') ? reader.number() : undefined };
}

/** Writes a code with its brackets. */
export function writeResponseCode(writer: Writer, code: ResponseCode): void {
  writer.syntax('[');
  writeCode(writer, code);
  writer.syntax(']');
}

function writeCode(writer: Writer, code: ResponseCode): void {
  switch (code.kind) {
    case 'capability':
      writer.syntax('CAPABILITY');
      for (const capability of code.capabilities) writer.space().atom(capability, 'a capability');
      break;
    case 'permanentflags':
      writer.syntax('PERMANENTFLAGS ').flags(code.flags);
      break;
    case 'badcharset':
      writer.syntax('BADCHARSET');
      if (code.charsets.length > 0) writer.space().list(code.charsets, (charset) => writer.astring(charset));
      break;
    case 'uidnext':
    case 'uidvalidity':
    case 'unseen':
      writer.syntax(`${code.kind.toUpperCase()} `).number(code.number);
      break;
    case 'highestmodseq':
      writer.syntax('HIGHESTMODSEQ ').number(code.modseq);
      break;
    case 'appenduid':
      writeSequenceSet(writer.syntax('APPENDUID ').number(code.uidvalidity).space(), code.uids);
      break;
    case 'copyuid':
      writeSequenceSet(writer.syntax('COPYUID ').number(code.uidvalidity).space(), code.from);
      writeSequenceSet(writer.space(), code.to);
      break;
    case 'modified':
      writeSequenceSet(writer.syntax('MODIFIED '), code.set);
      break;
    case 'mailboxid':
      writer.syntax('MAILBOXID (').atom(code.id, 'a mailbox ID').syntax(')');
      break;
    case 'metadata':
      writer.syntax('METADATA ').atom(code.name);
      if (code.number !== undefined) writer.space().number(code.number);
      break;
    case 'other':
      writer.atom(code.name, 'a response code');
      if (code.argument !== undefined) writer.space().bracketed(code.argument);
      break;
  }
}
