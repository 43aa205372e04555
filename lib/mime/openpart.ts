import type { ParameterizedValue } from './contenttype.js';
import { Header } from './header.js';
import type { Part, Range } from './part.js';

/** A place in the message: its offset, and the line feeds before it. */
export interface Place {
  readonly offset: number;
  readonly lines: number;
  readonly bareLineFeeds: number;
}

const NO_HEADER = Header.parse(Buffer.alloc(0));

/** A part that has begun and not ended. */
export class OpenPart {
  readonly start: number;
  header = NO_HEADER;
  /** Until the header is known: what the part is without a Content-Type field. */
  contentType: ParameterizedValue;
  /** Where its body begins; where it begins itself while its header lasts. */
  body: Place;
  limit: Part['limit'];
  /** Of a multipart: what its delimiters are made of. Its closing delimiter takes it away. */
  boundary: Buffer | undefined;
  isMultipart = false;
  preambleEnd: number | undefined;
  epilogueStart: number | undefined;
  readonly parts: Part[] = [];
  message: Part | undefined;

  constructor(start: Place, fallback: ParameterizedValue) {
    this.start = start.offset;
    this.body = start;
    this.contentType = fallback;
  }

  close(end: Place): Part {
    // The line end after the closing delimiter may be that before the next delimiter: the epilogue is then empty.
    const range = (from: number, to: number): Range => ({ start: Math.min(from, to), end: to });
    return {
      header: this.header,
      contentType: this.contentType,
      start: this.start,
      bodyStart: this.body.offset,
      end: end.offset,
      lines: end.lines - this.body.lines,
      bareLineFeeds: end.bareLineFeeds - this.body.bareLineFeeds,
      parts: this.parts,
      preamble: this.isMultipart ? range(this.body.offset, this.preambleEnd ?? end.offset) : undefined,
      epilogue: this.epilogueStart === undefined ? undefined : range(this.epilogueStart, end.offset),
      message: this.message,
      limit: this.limit,
    };
  }
}
