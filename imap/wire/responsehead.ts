import { DIGIT, isOf, TAG } from './characters.js';
import { Reader } from './reader.js';

/** How a response begins: what is needed to decide who deals with it. */
export interface ResponseHead {
  /** Undefined for an untagged response and a continuation request. */
  readonly tag: string | undefined;
  /** In upper case; `+` for a continuation request. */
  readonly name: string;
  /** The number before the name: `* 12 FETCH`. */
  readonly number: number | undefined;
  /** Octets of the line before what follows the name: a space and more, or the end. */
  readonly end: number;
}

/** Reads the beginning of a response's first line (RFC 9051 §2.2.2). Throws WireError. */
export function readResponseHead(line: Buffer): ResponseHead {
  const reader = new Reader([line]);
  if (reader.take('+')) return { tag: undefined, name: '+', number: undefined, end: 1 };
  const tag = reader.take('*') ? undefined : reader.word(TAG, 'a tag, "*" or "+"');
  reader.space();
  let number: number | undefined;
  if (tag === undefined && isOf(DIGIT, reader.peek())) {
    number = reader.number();
    reader.space();
  }
  const name = reader.name('the name of a response');
  reader.wordEnd();
  return { tag, name, number, end: reader.place.at };
}
