import { type BodyStructure, readBodyStructure, writeBodyStructure } from './bodystructure.js';
import { type Envelope, readEnvelope, writeEnvelope } from './envelope.js';
import type { PlainItem } from './fetchcommand.js';
import type { RawItem } from './fetchreader.js';
import { originalOf, remember } from './original.js';
import type { Literal, Part } from './part.js';
import { Reader } from './reader.js';
import { type Section, writeBinarySection, writeOrigin, writeSection } from './section.js';
import { Writer, type WriterOptions } from './writer.js';

/** An item of a FETCH response (RFC 9051 §7.5.2; the others are cited). */
export type FetchData =
  | { readonly kind: 'uid'; readonly uid: number }
  | { readonly kind: 'flags'; readonly flags: readonly string[] }
  /** RFC822.SIZE. */
  | { readonly kind: 'size'; readonly octets: number }
  /** RFC 7162 §3.1.4.2. */
  | { readonly kind: 'modseq'; readonly modseq: bigint }
  /** As it stands between the quotes. SAVEDATE (RFC 8514 §4.2) can be NIL. */
  | { readonly kind: 'date'; readonly name: 'INTERNALDATE' | 'SAVEDATE'; readonly date: Buffer | undefined }
  | { readonly kind: 'envelope'; readonly envelope: Envelope }
  | { readonly kind: 'structure'; readonly name: 'BODY' | 'BODYSTRUCTURE'; readonly body: BodyStructure }
  | { readonly kind: 'body'; readonly section: Section; readonly origin: number | undefined; readonly content: Content }
  | {
      readonly kind: 'binary';
      readonly part: readonly number[];
      readonly origin: number | undefined;
      readonly content: Content;
    }
  | { readonly kind: 'binary.size'; readonly part: readonly number[]; readonly octets: number }
  | {
      readonly kind: 'rfc822';
      readonly name: 'RFC822' | 'RFC822.HEADER' | 'RFC822.TEXT';
      readonly content: Content;
    }
  /** RFC 8970 §3.2. */
  | { readonly kind: 'preview'; readonly text: Buffer | undefined }
  /** RFC 8474 §5. THREADID can be NIL. */
  | { readonly kind: 'objectid'; readonly name: 'EMAILID' | 'THREADID'; readonly id: string | undefined }
  /** One whose value is at hand as it is sent. */
  | { readonly kind: 'ready'; readonly name: PlainItem; readonly value: readonly Part[] }
  /** One that is not known here. */
  | { readonly kind: 'other'; readonly item: readonly Part[] };

/** What a section holds, or NIL. A literal without bytes is streamed; what came quoted is a literal too. */
export type Content = Literal | undefined;

/** Takes an item apart. It is written as it was spelled. Throws WireError. */
export function readFetchData(raw: RawItem): FetchData {
  return remember(readFetchValue(raw), raw.item);
}

/** The same for who does not write it again, which is cheaper. */
export function readFetchValue(raw: RawItem): FetchData {
  const reader = new Reader(raw.value);
  const data = readByName(reader, raw);
  if (data.kind !== 'other') reader.end();
  return data;
}

function readByName(reader: Reader, raw: RawItem): FetchData {
  const { name, section, part, origin } = raw;
  if (section !== undefined) return { kind: 'body', section, origin, content: readContent(reader) };
  if (part !== undefined) {
    return name === 'BINARY'
      ? { kind: 'binary', part, origin, content: readContent(reader) }
      : { kind: 'binary.size', part, octets: reader.octets() };
  }
  switch (name) {
    case 'UID':
      return { kind: 'uid', uid: reader.positive('a UID') };
    case 'FLAGS':
      return { kind: 'flags', flags: reader.flags() };
    case 'RFC822.SIZE':
      return { kind: 'size', octets: reader.octets() };
    case 'MODSEQ': {
      reader.open();
      const modseq = reader.number64('a mod-sequence');
      reader.close();
      return { kind: 'modseq', modseq };
    }
    case 'INTERNALDATE':
    case 'SAVEDATE':
      return { kind: 'date', name, date: reader.nstring('a date') };
    case 'ENVELOPE':
      return { kind: 'envelope', envelope: readEnvelope(reader) };
    case 'BODY':
    case 'BODYSTRUCTURE':
      return { kind: 'structure', name, body: readBodyStructure(reader) };
    case 'RFC822':
    case 'RFC822.HEADER':
    case 'RFC822.TEXT':
      return { kind: 'rfc822', name, content: readContent(reader) };
    case 'PREVIEW':
      return { kind: 'preview', text: reader.nstring('a preview or NIL') };
    case 'EMAILID':
    case 'THREADID':
      return { kind: 'objectid', name, id: readObjectId(reader) };
    default:
      return { kind: 'other', item: raw.item };
  }
}

function readContent(reader: Reader): Content {
  if (reader.atLiteral) return reader.literal();
  const bytes = reader.nstring();
  return bytes === undefined ? undefined : { size: bytes.length, nonSynchronizing: false, binary: false, bytes };
}

function readObjectId(reader: Reader): string | undefined {
  if (reader.nil()) return undefined;
  reader.open();
  const id = reader.atom('an object ID');
  reader.close();
  return id;
}

/** Writes a FETCH response of items that were read or made. Throws WireError (`unwritable`). */
export function writeFetchResponse(
  number: number,
  items: readonly (FetchData | RawItem)[],
  options: WriterOptions = {},
): readonly Part[] {
  const writer = new Writer(options);
  writer.syntax('* ').number(number).syntax(' FETCH ');
  writer.list(items, (item) => {
    writeFetchData(writer, item);
  });
  return writer.end();
}

/** Writes an item: as it was spelled, where it has not changed since it was read. */
export function writeFetchData(writer: Writer, data: FetchData | RawItem): void {
  const original = 'kind' in data ? originalOf(data) : data.item;
  if (original !== undefined) writer.copy(original);
  else if ('kind' in data) writeMade(writer, data);
}

function writeMade(writer: Writer, data: FetchData): void {
  switch (data.kind) {
    case 'uid':
      writer.syntax('UID ').number(data.uid);
      break;
    case 'flags':
      writer.syntax('FLAGS ').flags(data.flags);
      break;
    case 'size':
      writer.syntax('RFC822.SIZE ').number(data.octets);
      break;
    case 'modseq':
      writer.syntax('MODSEQ (').number(data.modseq).syntax(')');
      break;
    case 'date':
      writer.syntax(`${data.name} `);
      if (data.date === undefined) writer.syntax('NIL');
      else writer.quoted(data.date);
      break;
    case 'envelope':
      writeEnvelope(writer.syntax('ENVELOPE '), data.envelope);
      break;
    case 'structure':
      writeBodyStructure(writer.syntax(`${data.name} `), data.body);
      break;
    case 'body':
      writeSection(writer.syntax('BODY'), data.section);
      writeOrigin(writer, data.origin);
      writeContent(writer.space(), data.content);
      break;
    case 'binary':
      writeBinarySection(writer.syntax('BINARY'), data.part);
      writeOrigin(writer, data.origin);
      writeContent(writer.space(), data.content);
      break;
    case 'binary.size':
      writeBinarySection(writer.syntax('BINARY.SIZE'), data.part);
      writer.space().number(data.octets);
      break;
    case 'rfc822':
      writeContent(writer.syntax(`${data.name} `), data.content);
      break;
    case 'preview':
      writer.syntax('PREVIEW ').nstring(data.text);
      break;
    case 'objectid':
      writer.syntax(`${data.name} `);
      if (data.id === undefined) writer.syntax('NIL');
      else writer.syntax('(').atom(data.id, 'an object ID').syntax(')');
      break;
    case 'ready':
      writer.syntax(`${data.name} `).copy(data.value);
      break;
    case 'other':
      writer.copy(data.item);
      break;
  }
}

function writeContent(writer: Writer, content: Content): void {
  if (content === undefined) writer.syntax('NIL');
  else if (content.bytes === undefined) writer.streamed(content.size, content.binary);
  else writer.literal(content.bytes, content.binary);
}
