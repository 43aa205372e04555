import type { Part } from './part.js';
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/** RFC 9051 §7.3.1, RFC 3501 §7.2.3. */
export interface ListResponse {
  readonly kind: 'list';
  readonly name: 'LIST' | 'LSUB' | 'XLIST';
  /** `\Noselect`, as they are spelled. */
  readonly attributes: readonly string[];
  /** One character; undefined where the names have no hierarchy. */
  readonly delimiter: Buffer | undefined;
  readonly mailbox: Buffer;
  /** Undefined where there is no list of it. */
  readonly extended: readonly ExtendedData[] | undefined;
}

/** `"CHILDINFO" ("SUBSCRIBED")` (RFC 5258 §6). */
export interface ExtendedData {
  readonly name: Buffer;
  readonly value: readonly Part[];
}

/** RFC 9051 §7.3.3. Undefined is NIL: there are none of the kind. */
export interface NamespaceResponse {
  readonly kind: 'namespace';
  readonly personal: readonly Namespace[] | undefined;
  readonly others: readonly Namespace[] | undefined;
  readonly shared: readonly Namespace[] | undefined;
}

export interface Namespace {
  readonly prefix: Buffer;
  readonly delimiter: Buffer | undefined;
  /** Pairs of a name and a list, as they came. */
  readonly extended: readonly ExtendedData[];
}

/** RFC 9051 §7.3.4. */
export interface StatusData {
  readonly kind: 'mailbox-status';
  readonly mailbox: Buffer;
  readonly items: readonly StatusItem[];
}

export type StatusItem =
  | { readonly kind: 'number'; readonly name: string; readonly number: bigint }
  /** MAILBOXID (RFC 8474 §4.3), APPENDLIMIT NIL (RFC 7889 §4), and what is not known. */
  | { readonly kind: 'other'; readonly name: string; readonly value: readonly Part[] };

export function readListResponse(reader: Reader, name: ListResponse['name']): ListResponse {
  reader.space();
  const attributes = reader.flags();
  reader.space();
  const delimiter = reader.nstring('a delimiter or NIL');
  reader.space();
  const mailbox = reader.astring('a mailbox');
  const extended = reader.take(' (') ? readExtended(reader) : undefined;
  return { kind: 'list', name, attributes, delimiter, mailbox, extended };
}

/** Reads what follows the parenthesis, up to the one that closes. */
function readExtended(reader: Reader): readonly ExtendedData[] {
  const extended: ExtendedData[] = [];
  while (!reader.take(')')) {
    if (extended.length > 0) reader.space();
    extended.push(reader.element(() => readPair(reader)));
  }
  return extended;
}

function readPair(reader: Reader): ExtendedData {
  const name = reader.astring('a name');
  reader.space();
  return { name, value: reader.opaque() };
}

export function writeListResponse(writer: Writer, response: ListResponse): void {
  writer.syntax(`* ${response.name} `).flags(response.attributes);
  writer.space().nstring(response.delimiter).space().astring(response.mailbox);
  if (response.extended === undefined) return;
  writer.space().list(response.extended, ({ name, value }) => writer.astring(name).space().copy(value));
}

export function readNamespaces(reader: Reader): NamespaceResponse {
  reader.space();
  const personal = readNamespaceList(reader);
  reader.space();
  const others = readNamespaceList(reader);
  reader.space();
  return { kind: 'namespace', personal, others, shared: readNamespaceList(reader) };
}

function readNamespaceList(reader: Reader): readonly Namespace[] | undefined {
  if (reader.nil()) return undefined;
  reader.open();
  const namespaces: Namespace[] = [];
  while (!reader.take(')')) namespaces.push(reader.element(() => readNamespace(reader)));
  reader.unnest();
  return namespaces;
}

function readNamespace(reader: Reader): Namespace {
  reader.open();
  const prefix = reader.string('a prefix');
  reader.space();
  const delimiter = reader.nstring('a delimiter or NIL');
  const extended = reader.words(() => readPair(reader));
  reader.close();
  return { prefix, delimiter, extended };
}

export function writeNamespaces(writer: Writer, { personal, others, shared }: NamespaceResponse): void {
  writer.syntax('* NAMESPACE');
  for (const namespaces of [personal, others, shared]) {
    if (namespaces === undefined || namespaces.length === 0) {
      writer.syntax(' NIL');
      continue;
    }
    writer.syntax(' (');
    for (const { prefix, delimiter, extended } of namespaces) {
      writer.syntax('(').string(prefix).space().nstring(delimiter);
      for (const { name, value } of extended) writer.space().string(name).space().copy(value);
      writer.syntax(')');
    }
    writer.syntax(')');
  }
}

export function readStatusData(reader: Reader): StatusData {
  reader.space();
  const mailbox = reader.astring('a mailbox');
  reader.space();
  return { kind: 'mailbox-status', mailbox, items: reader.list(() => readStatusItem(reader)) };
}

function readStatusItem(reader: Reader): StatusItem {
  const name = reader.name('an item');
  reader.space();
  const octet = reader.peek();
  if (octet !== undefined && octet >= 0x30 && octet <= 0x39) return { kind: 'number', name, number: reader.number64() };
  return { kind: 'other', name, value: reader.opaque() };
}

export function writeStatusData(writer: Writer, { mailbox, items }: StatusData): void {
  writer.syntax('* STATUS ').astring(mailbox).space();
  writer.list(items, (item) => {
    writer.atom(item.name, 'an item').space();
    if (item.kind === 'number') writer.number(item.number);
    else writer.copy(item.value);
  });
}
