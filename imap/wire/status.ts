import { TAG } from './characters.js';
import type { Reader } from './reader.js';
import { readResponseCode, type ResponseCode, writeResponseCode } from './responsecode.js';
import type { Writer } from './writer.js';

export type Status = 'OK' | 'NO' | 'BAD' | 'BYE' | 'PREAUTH';

/** RFC 9051 §7.1. */
export interface StatusResponse {
  readonly kind: 'status';
  /** Undefined for an untagged one. */
  readonly tag: string | undefined;
  readonly status: Status;
  readonly code: ResponseCode | undefined;
  readonly text: Buffer;
}

/** RFC 9051 §7.6. Its text may also be a challenge in base64. */
export interface ContinuationRequest {
  readonly kind: 'continuation';
  readonly code: ResponseCode | undefined;
  readonly text: Buffer;
}

const STATUS: ReadonlySet<string> = new Set<Status>(['OK', 'NO', 'BAD', 'BYE', 'PREAUTH']);

/** Whether the name of a response is that of a status. */
export function isStatus(name: string): name is Status {
  return STATUS.has(name);
}

/**
 * Reads what follows the name. The text may be missing, with or without the space before it: RFC 9051 §9 wants one octet of text, and
 * servers send `* OK` and `a1 OK [READ-ONLY]`.
 */
export function readStatus(reader: Reader, tag: string | undefined, status: Status): StatusResponse {
  return { kind: 'status', tag, status, ...readResponseText(reader) };
}

/** Reads what follows the `+`. */
export function readContinuation(reader: Reader): ContinuationRequest {
  return { kind: 'continuation', ...readResponseText(reader) };
}

function readResponseText(reader: Reader): { code: ResponseCode | undefined; text: Buffer } {
  if (!reader.take(' ')) {
    reader.end();
    return { code: undefined, text: Buffer.alloc(0) };
  }
  if (reader.peek() !== 0x5b) return { code: undefined, text: reader.text() };
  const code = readResponseCode(reader);
  reader.take(' ');
  return { code, text: reader.text() };
}

export function writeStatus(writer: Writer, { tag, status, code, text }: StatusResponse): void {
  if (tag === undefined) writer.syntax('*');
  else writer.word(tag, TAG, 'a tag');
  writeResponseText(writer.syntax(` ${status} `), code, text);
}

export function writeContinuation(writer: Writer, { code, text }: ContinuationRequest): void {
  writeResponseText(writer.syntax('+ '), code, text);
}

function writeResponseText(writer: Writer, code: ResponseCode | undefined, text: Buffer): void {
  if (code !== undefined) {
    writeResponseCode(writer, code);
    writer.space();
  }
  writer.text(text);
}
