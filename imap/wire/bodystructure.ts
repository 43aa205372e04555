import { type Envelope, readEnvelope, writeEnvelope } from './envelope.js';
import type { Part } from './part.js';
import { isBareDisposition, isSubtypeAlone, readParameterValue, skipSpaceBetweenParts } from './quirks.js';
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/** BODY or BODYSTRUCTURE (RFC 9051 §7.5.2). Strings are octets; undefined is NIL. */
export type BodyStructure = MultipartBody | SinglePartBody;

export interface MultipartBody {
  readonly kind: 'multipart';
  readonly parts: readonly BodyStructure[];
  readonly subtype: Buffer;
  /** Of BODYSTRUCTURE; undefined for BODY. */
  readonly extension: MultipartExtension | undefined;
}

export interface SinglePartBody {
  /** `text` has lines, `message` (message/rfc822, message/global) an envelope, a body and lines. */
  readonly kind: 'basic' | 'text' | 'message';
  readonly type: Buffer;
  readonly subtype: Buffer;
  readonly parameters: BodyParameters;
  readonly id: Buffer | undefined;
  readonly description: Buffer | undefined;
  readonly encoding: Buffer | undefined;
  readonly octets: number;
  /** Of `text` and `message`. */
  readonly lines: number | undefined;
  /** Of `message`. */
  readonly message: { readonly envelope: Envelope; readonly body: BodyStructure } | undefined;
  readonly extension: SinglePartExtension | undefined;
}

export type BodyParameters = readonly BodyParameter[] | undefined;

export interface BodyParameter {
  readonly name: Buffer;
  /** RFC 9051 §9 has no NIL here; see `readParameterValue`. */
  readonly value: Buffer | undefined;
}

export interface BodyDisposition {
  readonly type: Buffer;
  readonly parameters: BodyParameters;
}

interface Extension {
  readonly disposition: BodyDisposition | undefined;
  readonly language: readonly Buffer[] | undefined;
  readonly location: Buffer | undefined;
  /** What standards to come may add. */
  readonly others: readonly (readonly Part[])[];
}

export interface MultipartExtension extends Extension {
  readonly parameters: BodyParameters;
}

export interface SinglePartExtension extends Extension {
  readonly md5: Buffer | undefined;
}

/** Throws WireError. What is missing at the end of the extension data is taken for NIL. */
export function readBodyStructure(reader: Reader): BodyStructure {
  reader.open();
  const body = reader.peek() === OPEN ? readMultipart(reader) : readSinglePart(reader);
  reader.close();
  return body;
}

const OPEN = 0x28;

function readMultipart(reader: Reader): MultipartBody {
  const parts: BodyStructure[] = [];
  do {
    parts.push(reader.element(() => readBodyStructure(reader)));
    skipSpaceBetweenParts(reader);
  } while (reader.peek() === OPEN);
  const subtype = reader.string('a subtype');
  if (!reader.take(' ')) return { kind: 'multipart', parts, subtype, extension: undefined };
  const parameters = readParameters(reader);
  return { kind: 'multipart', parts, subtype, extension: { parameters, ...readExtension(reader) } };
}

function readSinglePart(reader: Reader): BodyStructure {
  // NIL where parts would be is how a multipart without parts is written here too.
  const type = reader.nstring('a type');
  if (type !== undefined && isSubtypeAlone(reader))
    return { kind: 'multipart', parts: [], subtype: type, extension: undefined };
  reader.space();
  const subtype = reader.string('a subtype');
  if (type === undefined) return readEmptyMultipart(reader, subtype);
  reader.space();
  const parameters = readParameters(reader);
  reader.space();
  const id = reader.nstring();
  reader.space();
  const description = reader.nstring();
  reader.space();
  const encoding = reader.nstring();
  reader.space();
  const octets = reader.octets();
  const part = { type, subtype, parameters, id, description, encoding, octets, ...readByKind(reader, type, subtype) };
  if (!reader.take(' ')) return { ...part, extension: undefined };
  const md5 = reader.nstring();
  return { ...part, extension: { md5, ...readExtension(reader) } };
}

function readEmptyMultipart(reader: Reader, subtype: Buffer): MultipartBody {
  if (!reader.take(' ')) return { kind: 'multipart', parts: [], subtype, extension: undefined };
  const parameters = readParameters(reader);
  return { kind: 'multipart', parts: [], subtype, extension: { parameters, ...readExtension(reader) } };
}

/** Reads what text and messages have behind the octets. */
function readByKind(reader: Reader, type: Buffer, subtype: Buffer): Pick<SinglePartBody, 'kind' | 'lines' | 'message'> {
  const { place } = reader;
  const name = type.toString('latin1').toUpperCase();
  if (name === 'TEXT') {
    reader.space();
    return { kind: 'text', lines: reader.octets('a number of lines'), message: undefined };
  }
  if (name === 'MESSAGE' && /^(?:rfc822|global)$/i.test(subtype.toString('latin1'))) {
    // A message that could not be parsed is described like any other content by some.
    if (reader.take(' ') && reader.peek() === OPEN) {
      const envelope = readEnvelope(reader);
      reader.space();
      const body = readBodyStructure(reader);
      reader.space();
      return { kind: 'message', lines: reader.octets('a number of lines'), message: { envelope, body } };
    }
    reader.back(place);
  }
  return { kind: 'basic', lines: undefined, message: undefined };
}

function readParameters(reader: Reader): BodyParameters {
  if (reader.nil()) return undefined;
  return reader.list(() => {
    const name = reader.string('the name of a parameter');
    reader.space();
    return { name, value: readParameterValue(reader) };
  });
}

function readExtension(reader: Reader): Extension {
  const disposition = reader.take(' ') ? readDisposition(reader) : undefined;
  const language = reader.take(' ') ? readLanguage(reader) : undefined;
  const location = reader.take(' ') ? reader.nstring('a location or NIL') : undefined;
  return { disposition, language, location, others: reader.words(() => reader.opaque()) };
}

function readDisposition(reader: Reader): BodyDisposition | undefined {
  if (reader.nil()) return undefined;
  if (isBareDisposition(reader)) return { type: reader.string('a disposition'), parameters: undefined };
  reader.open();
  const type = reader.string('a disposition');
  reader.space();
  const parameters = readParameters(reader);
  reader.close();
  return { type, parameters };
}

function readLanguage(reader: Reader): readonly Buffer[] | undefined {
  if (reader.peek() === OPEN) return reader.list(() => reader.string('a language'));
  const language = reader.nstring('a language or NIL');
  return language === undefined ? undefined : [language];
}

/**
 * Strings that cannot be quoted become literals. A body with extension data is written with all of it, NIL where there is none. Throws WireError
 * (`unwritable`) for a string with NUL.
 */
export function writeBodyStructure(writer: Writer, body: BodyStructure): void {
  writer.syntax('(');
  if (body.kind === 'multipart') writeMultipart(writer, body);
  else writeSinglePart(writer, body);
  writer.syntax(')');
}

function writeMultipart(writer: Writer, { parts, subtype, extension }: MultipartBody): void {
  for (const part of parts) writeBodyStructure(writer, part);
  // What to send for no parts is not said anywhere; clients read NIL.
  if (parts.length === 0) writer.syntax('NIL');
  writer.space().string(subtype);
  if (extension === undefined) return;
  writeParameters(writer.space(), extension.parameters);
  writeExtension(writer, extension);
}

function writeSinglePart(writer: Writer, part: SinglePartBody): void {
  writer.string(part.type).space().string(part.subtype).space();
  writeParameters(writer, part.parameters);
  writer.space().nstring(part.id).space().nstring(part.description).space().nstring(part.encoding).space();
  writer.number(part.octets);
  if (part.message !== undefined) {
    writeEnvelope(writer.space(), part.message.envelope);
    writeBodyStructure(writer.space(), part.message.body);
  }
  if (part.lines !== undefined) writer.space().number(part.lines);
  if (part.extension === undefined) return;
  writer.space().nstring(part.extension.md5);
  writeExtension(writer, part.extension);
}

function writeExtension(writer: Writer, { disposition, language, location, others }: Extension): void {
  writer.space();
  if (disposition === undefined) writer.syntax('NIL');
  else {
    writer.syntax('(').string(disposition.type).space();
    writeParameters(writer, disposition.parameters);
    writer.syntax(')');
  }
  writer.space();
  // One may stand without parentheses, but no server does that.
  if (language === undefined || language.length === 0) writer.syntax('NIL');
  else writer.list(language, (each) => writer.string(each));
  writer.space().nstring(location);
  for (const other of others) writer.space().copy(other);
}

function writeParameters(writer: Writer, parameters: BodyParameters): void {
  if (parameters === undefined || parameters.length === 0) writer.syntax('NIL');
  else writer.list(parameters, ({ name, value }) => writer.string(name).space().nstring(value));
}
