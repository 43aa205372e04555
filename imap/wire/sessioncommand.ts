import { WireError } from './error.js';
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/** RFC 9051 §6.2.3. */
export interface LoginCommand {
  readonly kind: 'login';
  readonly tag: string;
  readonly user: Buffer;
  readonly password: Buffer;
}

/** RFC 9051 §6.2.2. */
export interface AuthenticateCommand {
  readonly kind: 'authenticate';
  readonly tag: string;
  /** In upper case. */
  readonly mechanism: string;
  /** Decoded. Of no octets for `=`; undefined where there is none (RFC 4959 §3). */
  readonly initialResponse: Buffer | undefined;
}

/** RFC 2971 §3.1. */
export interface IdCommand {
  readonly kind: 'id';
  readonly tag: string;
  /** Undefined for NIL. */
  readonly fields: readonly IdField[] | undefined;
}

export interface IdField {
  readonly name: Buffer;
  readonly value: Buffer | undefined;
}

/** RFC 9051 §6.3.1, RFC 5161. */
export interface EnableCommand {
  readonly kind: 'enable';
  readonly tag: string;
  /** In upper case. */
  readonly capabilities: readonly string[];
}

/** RFC 4978 §3. */
export interface CompressCommand {
  readonly kind: 'compress';
  readonly tag: string;
  /** In upper case. */
  readonly mechanism: string;
}

/** RFC 9051 §6.3.13. */
export interface IdleCommand {
  readonly kind: 'idle';
  readonly tag: string;
}

export function readLogin(reader: Reader, tag: string): LoginCommand {
  reader.space();
  const user = reader.astring('a user name');
  reader.space();
  return { kind: 'login', tag, user, password: reader.astring('a password') };
}

export function writeLogin(writer: Writer, { user, password }: LoginCommand): void {
  writer.syntax('LOGIN ').astring(user).space().astring(password);
}

export function readAuthenticate(reader: Reader, tag: string): AuthenticateCommand {
  reader.space();
  const mechanism = reader.name('a SASL mechanism');
  if (!reader.take(' ')) return { kind: 'authenticate', tag, mechanism, initialResponse: undefined };
  if (reader.take('=') && reader.atEnd)
    return { kind: 'authenticate', tag, mechanism, initialResponse: Buffer.alloc(0) };
  const initialResponse = decodeBase64(reader.text());
  if (initialResponse === undefined) throw reader.expected('an initial response in base64');
  return { kind: 'authenticate', tag, mechanism, initialResponse };
}

export function writeAuthenticate(writer: Writer, { mechanism, initialResponse }: AuthenticateCommand): void {
  writer.syntax('AUTHENTICATE ').atom(mechanism, 'a SASL mechanism');
  if (initialResponse === undefined) return;
  writer.space().syntax(initialResponse.length === 0 ? '=' : initialResponse.toString('base64'));
}

/** A line of base64 (RFC 9051 §9, `base64`). Undefined for what is none, or could be spelled otherwise. */
export function decodeBase64(line: Buffer): Buffer | undefined {
  const text = line.toString('latin1');
  const octets = Buffer.from(text, 'base64');
  return octets.toString('base64') === text ? octets : undefined;
}

export function readId(reader: Reader, tag: string): IdCommand {
  reader.space();
  return { kind: 'id', tag, fields: readIdFields(reader) };
}

/** `NIL`, or `("name" "value" …)`. */
export function readIdFields(reader: Reader): readonly IdField[] | undefined {
  if (reader.nil()) return undefined;
  return reader.list(() => {
    const name = reader.string('the name of a field');
    reader.space();
    return { name, value: reader.nstring('the value of a field') };
  });
}

export function writeId(writer: Writer, { fields }: IdCommand): void {
  writer.syntax('ID ');
  writeIdFields(writer, fields);
}

export function writeIdFields(writer: Writer, fields: readonly IdField[] | undefined): void {
  if (fields === undefined) writer.syntax('NIL');
  else writer.list(fields, ({ name, value }) => writer.string(name).space().nstring(value));
}

export function readEnable(reader: Reader, tag: string): EnableCommand {
  const capabilities: string[] = [];
  do {
    reader.space();
    capabilities.push(reader.element(() => reader.name('a capability')));
  } while (!reader.atEnd);
  return { kind: 'enable', tag, capabilities };
}

export function writeEnable(writer: Writer, { capabilities }: EnableCommand): void {
  if (capabilities.length === 0) throw new WireError('unwritable', 'ENABLE without a capability cannot be written.');
  writer.syntax('ENABLE');
  for (const capability of capabilities) writer.space().atom(capability, 'a capability');
}

export function readCompress(reader: Reader, tag: string): CompressCommand {
  reader.space();
  return { kind: 'compress', tag, mechanism: reader.name('a mechanism') };
}

export function writeCompress(writer: Writer, { mechanism }: CompressCommand): void {
  writer.syntax('COMPRESS ').atom(mechanism, 'a mechanism');
}
