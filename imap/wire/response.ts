import { WireError } from './error.js';
import {
  type ListResponse,
  type NamespaceResponse,
  type StatusData,
  readListResponse,
  readNamespaces,
  readStatusData,
  writeListResponse,
  writeNamespaces,
  writeStatusData,
} from './mailboxresponse.js';
import {
  type ESearchResponse,
  type SearchResponse,
  type ThreadResponse,
  readESearch,
  readSearchResponse,
  readThreads,
  writeESearch,
  writeSearchResponse,
  writeThreads,
} from './searchresponse.js';
import { originalOf, remember } from './original.js';
import type { Part } from './part.js';
import { Reader } from './reader.js';
import { readResponseHead, type ResponseHead } from './responsehead.js';
import { type IdField, readIdFields, writeIdFields } from './sessioncommand.js';
import { readSequenceSet, type SequenceSet, writeSequenceSet } from './sequenceset.js';
import {
  type ContinuationRequest,
  isStatus,
  readContinuation,
  readStatus,
  type StatusResponse,
  writeContinuation,
  writeStatus,
} from './status.js';
import { Writer, type WriterOptions } from './writer.js';

export type Response =
  | StatusResponse
  | ContinuationRequest
  /** RFC 9051 §7.2.2, §7.2.1. In upper case. */
  | { readonly kind: 'capability' | 'enabled'; readonly capabilities: readonly string[] }
  | { readonly kind: 'flags'; readonly flags: readonly string[] }
  /** RFC 9051 §7.4.1, §7.5.1; RFC 3501 §7.3.2. */
  | { readonly kind: 'exists' | 'recent' | 'expunge'; readonly number: number }
  | VanishedResponse
  | ListResponse
  | NamespaceResponse
  | StatusData
  | SearchResponse
  | ESearchResponse
  | ThreadResponse
  /** RFC 2971 §3.2. */
  | { readonly kind: 'id'; readonly fields: readonly IdField[] | undefined }
  | OpaqueResponse;

/** RFC 7162 §3.2.10. */
export interface VanishedResponse {
  readonly kind: 'vanished';
  /** They were gone before; this is no news. */
  readonly earlier: boolean;
  readonly uids: SequenceSet;
}

/** A response that is not taken apart here. */
export interface OpaqueResponse {
  readonly kind: 'opaque';
  readonly name: string;
  readonly number: number | undefined;
  /** What follows the name: a space and more, or nothing. */
  readonly rest: readonly Part[];
}

/** Reads what follows the name, space included. */
type ReadResponse = (reader: Reader) => Response;

const RESPONSES: ReadonlyMap<string, ReadResponse> = new Map<string, ReadResponse>([
  ['CAPABILITY', (reader) => ({ kind: 'capability', capabilities: reader.words(() => reader.name()) })],
  ['ENABLED', (reader) => ({ kind: 'enabled', capabilities: reader.words(() => reader.name()) })],
  ['FLAGS', readFlags],
  ['VANISHED', readVanished],
  ['ID', readId],
  ['LIST', (reader) => readListResponse(reader, 'LIST')],
  ['LSUB', (reader) => readListResponse(reader, 'LSUB')],
  ['XLIST', (reader) => readListResponse(reader, 'XLIST')],
  ['NAMESPACE', readNamespaces],
  ['STATUS', readStatusData],
  ['SEARCH', (reader) => readSearchResponse(reader, 'search')],
  ['SORT', (reader) => readSearchResponse(reader, 'sort')],
  ['ESEARCH', readESearch],
  ['THREAD', readThreads],
]);

const NUMBERED: ReadonlyMap<string, 'exists' | 'recent' | 'expunge'> = new Map([
  ['EXISTS', 'exists'],
  ['RECENT', 'recent'],
  ['EXPUNGE', 'expunge'],
]);

/**
 * Reads a response that has been gathered whole. What is not known here is opaque; what is known and malformed is an error. FETCH
 * is opaque: `FetchReader` reads it as it comes. Throws WireError.
 */
export function readResponse(parts: readonly Part[]): Response {
  const [line] = parts;
  if (!Buffer.isBuffer(line)) throw new WireError('syntax', 'Expected a line.');
  const head = readResponseHead(line);
  const reader = new Reader(parts, head.end);
  const response = readBody(reader, head);
  // A space at the end of a line changes nothing.
  reader.take(' ');
  reader.end();
  return remember(response, parts);
}

function readBody(reader: Reader, { tag, name, number }: ResponseHead): Response {
  if (name === '+') return readContinuation(reader);
  if (isStatus(name) && number === undefined) return readStatus(reader, tag, name);
  if (tag !== undefined) throw reader.expected('OK, NO or BAD behind a tag');
  const kind = number === undefined ? undefined : NUMBERED.get(name);
  if (kind !== undefined && number !== undefined) return { kind, number };
  const read = number === undefined ? RESPONSES.get(name) : undefined;
  return read?.(reader) ?? { kind: 'opaque', name, number, rest: reader.rest() };
}

function readFlags(reader: Reader): Response {
  reader.space();
  return { kind: 'flags', flags: reader.flags() };
}

function readVanished(reader: Reader): Response {
  reader.space();
  const earlier = reader.take('(EARLIER) ');
  return { kind: 'vanished', earlier, uids: readSequenceSet(reader) };
}

function readId(reader: Reader): Response {
  reader.space();
  return { kind: 'id', fields: readIdFields(reader) };
}

/** Writes a response: as it was spelled, where it has not changed since it was read. Throws WireError (`unwritable`). */
export function writeResponse(response: Response, options: WriterOptions = {}): readonly Part[] {
  const writer = new Writer(options);
  const original = originalOf(response);
  if (original !== undefined) return writer.copy(original).end();
  writeBody(writer, response);
  return writer.end();
}

function writeBody(writer: Writer, response: Response): void {
  switch (response.kind) {
    case 'status':
      writeStatus(writer, response);
      break;
    case 'continuation':
      writeContinuation(writer, response);
      break;
    case 'capability':
    case 'enabled':
      writer.syntax(`* ${response.kind.toUpperCase()}`);
      for (const capability of response.capabilities) writer.space().atom(capability, 'a capability');
      break;
    case 'flags':
      writer.syntax('* FLAGS ').flags(response.flags);
      break;
    case 'exists':
    case 'recent':
    case 'expunge':
      writer.syntax('* ').number(response.number).syntax(` ${response.kind.toUpperCase()}`);
      break;
    case 'vanished':
      writeSequenceSet(writer.syntax(response.earlier ? '* VANISHED (EARLIER) ' : '* VANISHED '), response.uids);
      break;
    case 'id':
      writeIdFields(writer.syntax('* ID '), response.fields);
      break;
    case 'list':
      writeListResponse(writer, response);
      break;
    case 'namespace':
      writeNamespaces(writer, response);
      break;
    case 'mailbox-status':
      writeStatusData(writer, response);
      break;
    case 'search':
    case 'sort':
      writeSearchResponse(writer, response);
      break;
    case 'esearch':
      writeESearch(writer, response);
      break;
    case 'thread':
      writeThreads(writer, response);
      break;
    case 'opaque':
      writer.syntax('* ');
      if (response.number !== undefined) writer.number(response.number).space();
      writer.atom(response.name).copy(response.rest);
      break;
  }
}
