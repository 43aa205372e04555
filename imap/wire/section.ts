import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/** What is between the brackets of `BODY[…]` (RFC 9051 §6.4.5.1). */
export interface Section {
  /** `1.2`; of no length for the message itself. */
  readonly part: readonly number[];
  /** Undefined for the part as a whole. */
  readonly text: SectionText | undefined;
  /** Of HEADER.FIELDS and HEADER.FIELDS.NOT, as they are spelled, one character an octet. Of no length otherwise. */
  readonly fields: readonly string[];
}

export type SectionText = 'HEADER' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | 'TEXT' | 'MIME';

/** `<offset.count>` of a request. */
export interface PartialRange {
  readonly offset: number;
  /** RFC 9051 §9 wants 1 at least. 0 is read too: what it gets is not for the grammar to say. */
  readonly count: number;
}

/** Reads a section with its brackets. Throws WireError. */
export function readSection(reader: Reader): Section {
  reader.expect('[');
  const part = readPartNumber(reader);
  const mayFollow = part.length === 0 ? reader.peek() !== 0x5d : reader.take('.');
  const text = mayFollow ? readSectionText(reader, part.length > 0) : undefined;
  let fields: readonly string[] = [];
  if (text === 'HEADER.FIELDS' || text === 'HEADER.FIELDS.NOT') {
    reader.space();
    fields = reader.list(() => reader.astring('the name of a field').toString('latin1'));
    if (fields.length === 0) throw reader.expected('the name of a field');
  }
  reader.expect(']');
  return { part, text, fields };
}

function readSectionText(reader: Reader, inPart: boolean): SectionText {
  const name = reader.name('the name of a section');
  switch (name) {
    case 'HEADER':
    case 'HEADER.FIELDS':
    case 'HEADER.FIELDS.NOT':
    case 'TEXT':
      return name;
    case 'MIME':
      if (inPart) return name;
  }
  throw reader.expected('the name of a section');
}

/** Reads `1.2`, up to a dot that no number follows; may be of no length. */
function readPartNumber(reader: Reader): readonly number[] {
  const numbers: number[] = [];
  while (true) {
    const { place } = reader;
    if (numbers.length > 0 && !reader.take('.')) return numbers;
    const octet = reader.peek();
    if (octet === undefined || octet < 0x30 || octet > 0x39) {
      reader.back(place);
      return numbers;
    }
    numbers.push(reader.element(() => reader.positive('the number of a part')));
  }
}

/** Reads the section of BINARY with its brackets (RFC 3516 §4.2): a part, and nothing else. */
export function readBinarySection(reader: Reader): readonly number[] {
  reader.expect('[');
  const part = readPartNumber(reader);
  reader.expect(']');
  return part;
}

export function writeSection(writer: Writer, { part, text, fields }: Section): void {
  writer.syntax('[');
  writePartNumber(writer, part);
  if (text !== undefined) writer.syntax(part.length === 0 ? text : `.${text}`);
  if (fields.length > 0) writer.space().list(fields, (field) => writer.astring(Buffer.from(field, 'latin1')));
  writer.syntax(']');
}

export function writeBinarySection(writer: Writer, part: readonly number[]): void {
  writer.syntax('[');
  writePartNumber(writer, part);
  writer.syntax(']');
}

function writePartNumber(writer: Writer, part: readonly number[]): void {
  for (const [index, number] of part.entries()) (index === 0 ? writer : writer.syntax('.')).number(number);
}

/** Reads `<offset.count>`, if it comes next. */
export function readPartial(reader: Reader): PartialRange | undefined {
  if (!reader.take('<')) return undefined;
  const offset = reader.octets('an offset');
  reader.expect('.');
  const count = reader.octets('a count');
  reader.expect('>');
  return { offset, count };
}

export function writePartial(writer: Writer, partial: PartialRange | undefined): void {
  if (partial !== undefined) writer.syntax('<').number(partial.offset).syntax('.').number(partial.count).syntax('>');
}

/** Reads `<offset>` of a response, if it comes next. */
export function readOrigin(reader: Reader): number | undefined {
  if (!reader.take('<')) return undefined;
  const origin = reader.octets('an offset');
  reader.expect('>');
  return origin;
}

export function writeOrigin(writer: Writer, origin: number | undefined): void {
  if (origin !== undefined) writer.syntax('<').number(origin).syntax('>');
}
