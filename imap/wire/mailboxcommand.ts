import { LIST } from './characters.js';
import type { Part } from './part.js';
import type { Reader } from './reader.js';
import { readSequenceSet, type SequenceSet, writeSequenceSet } from './sequenceset.js';
import type { Writer } from './writer.js';

/** RFC 9051 §6.3.2, §6.3.3. */
export interface SelectCommand {
  readonly kind: 'select';
  readonly tag: string;
  /** EXAMINE. */
  readonly readOnly: boolean;
  readonly mailbox: Buffer;
  /** Of no length where there are none (RFC 4466 §2.1). */
  readonly parameters: readonly SelectParameter[];
}

export type SelectParameter =
  /** RFC 7162 §3.1.8. */
  | { readonly kind: 'condstore' }
  | Qresync
  /** One that is not known here. */
  | { readonly kind: 'other'; readonly name: string; readonly argument: readonly Part[] | undefined };

/** RFC 7162 §3.2.5. */
export interface Qresync {
  readonly kind: 'qresync';
  readonly uidvalidity: number;
  readonly modseq: bigint;
  readonly known: SequenceSet | undefined;
  /** Message numbers, and the UIDs they had. */
  readonly match: { readonly numbers: SequenceSet; readonly uids: SequenceSet } | undefined;
}

/** RFC 9051 §6.3.11. */
export interface StatusCommand {
  readonly kind: 'status';
  readonly tag: string;
  readonly mailbox: Buffer;
  /** In upper case. */
  readonly items: readonly string[];
}

/** RFC 9051 §6.3.9, RFC 5258, RFC 3501 §6.3.9. */
export interface ListCommand {
  readonly kind: 'list';
  readonly tag: string;
  readonly name: 'LIST' | 'LSUB' | 'XLIST';
  /** Undefined where there is no list of them. */
  readonly selection: readonly ListOption[] | undefined;
  readonly reference: Buffer;
  /** Patterns with wildcards. */
  readonly patterns: readonly Buffer[];
  /** The patterns stand in parentheses, which one alone need not. */
  readonly inParentheses: boolean;
  /** Undefined where there is no RETURN. */
  readonly returns: readonly ListOption[] | undefined;
}

/** `SUBSCRIBED`, `STATUS (MESSAGES UNSEEN)`. */
export interface ListOption {
  /** In upper case. */
  readonly name: string;
  readonly argument: readonly Part[] | undefined;
}

export function readSelect(reader: Reader, tag: string, readOnly: boolean): SelectCommand {
  reader.space();
  const mailbox = reader.astring('a mailbox');
  const parameters = reader.take(' ') ? reader.list(() => readSelectParameter(reader)) : [];
  return { kind: 'select', tag, readOnly, mailbox, parameters };
}

function readSelectParameter(reader: Reader): SelectParameter {
  const name = reader.name('a parameter');
  if (name === 'CONDSTORE') return { kind: 'condstore' };
  if (name === 'QRESYNC') return readQresync(reader);
  return { kind: 'other', name, argument: readArgument(reader) };
}

function readQresync(reader: Reader): Qresync {
  reader.space();
  reader.open();
  const uidvalidity = reader.positive('UIDVALIDITY');
  reader.space();
  const modseq = reader.number64('a mod-sequence');
  let known: SequenceSet | undefined;
  let match: Qresync['match'];
  if (reader.take(' ')) {
    if (reader.peek() !== 0x28) known = readSequenceSet(reader);
    if (known === undefined || reader.take(' ')) {
      reader.open();
      const numbers = readSequenceSet(reader);
      reader.space();
      match = { numbers, uids: readSequenceSet(reader) };
      reader.close();
    }
  }
  reader.close();
  return { kind: 'qresync', uidvalidity, modseq, known, match };
}

/** A value behind a space that begins with no letter, or undefined: one with a letter would be the next name (RFC 4466 §2.1). */
export function readArgument(reader: Reader): readonly Part[] | undefined {
  const { place } = reader;
  if (!reader.take(' ')) return undefined;
  const octet = reader.peek();
  if (octet !== undefined && /[-(*0-9$"]/.test(String.fromCharCode(octet))) return reader.opaque('an argument');
  reader.back(place);
  return undefined;
}

export function writeSelect(writer: Writer, { readOnly, mailbox, parameters }: SelectCommand): void {
  writer.syntax(readOnly ? 'EXAMINE ' : 'SELECT ').astring(mailbox);
  if (parameters.length > 0)
    writer.space().list(parameters, (parameter) => {
      writeSelectParameter(writer, parameter);
    });
}

function writeSelectParameter(writer: Writer, parameter: SelectParameter): void {
  if (parameter.kind === 'condstore') writer.syntax('CONDSTORE');
  else if (parameter.kind === 'qresync') writeQresync(writer, parameter);
  else writeOption(writer, parameter);
}

function writeQresync(writer: Writer, { uidvalidity, modseq, known, match }: Qresync): void {
  writer.syntax('QRESYNC (').number(uidvalidity).space().number(modseq);
  if (known !== undefined) writeSequenceSet(writer.space(), known);
  if (match !== undefined) {
    writeSequenceSet(writer.syntax(' ('), match.numbers);
    writeSequenceSet(writer.space(), match.uids);
    writer.syntax(')');
  }
  writer.syntax(')');
}

export function readStatusCommand(reader: Reader, tag: string): StatusCommand {
  reader.space();
  const mailbox = reader.astring('a mailbox');
  reader.space();
  return { kind: 'status', tag, mailbox, items: reader.list(() => reader.name('an item')) };
}

export function writeStatusCommand(writer: Writer, { mailbox, items }: StatusCommand): void {
  writer
    .syntax('STATUS ')
    .astring(mailbox)
    .space()
    .list(items, (item) => writer.atom(item));
}

export function readList(reader: Reader, tag: string, name: ListCommand['name']): ListCommand {
  reader.space();
  const selection = reader.peek() === 0x28 ? readOptions(reader) : undefined;
  if (selection !== undefined) reader.space();
  const reference = reader.astring('a reference name');
  reader.space();
  const inParentheses = reader.peek() === 0x28;
  const patterns = inParentheses ? reader.list(() => readPattern(reader)) : [readPattern(reader)];
  let returns: readonly ListOption[] | undefined;
  if (reader.take(' ')) {
    reader.expect('RETURN ');
    returns = readOptions(reader);
  }
  return { kind: 'list', tag, name, selection, reference, patterns, inParentheses, returns };
}

function readPattern(reader: Reader): Buffer {
  return reader.astring('a mailbox pattern', LIST);
}

function readOptions(reader: Reader): readonly ListOption[] {
  return reader.list(() => ({ name: reader.name('an option'), argument: readArgument(reader) }));
}

export function writeList(writer: Writer, command: ListCommand): void {
  const { name, selection, reference, patterns, returns } = command;
  const pattern = (octets: Buffer): unknown => writer.astring(octets, LIST);
  writer.syntax(`${name} `);
  if (selection !== undefined) writeOptions(writer, selection).space();
  writer.astring(reference).space();
  if (command.inParentheses || patterns.length !== 1) writer.list(patterns, pattern);
  else writer.separated(patterns, pattern);
  if (returns !== undefined) writeOptions(writer.syntax(' RETURN '), returns);
}

function writeOptions(writer: Writer, options: readonly ListOption[]): Writer {
  return writer.list(options, (option) => {
    writeOption(writer, option);
  });
}

/** A name, and its argument if there is one. */
export function writeOption(writer: Writer, { name, argument }: ListOption): void {
  writer.atom(name, 'an option');
  if (argument !== undefined) writer.space().copy(argument);
}
