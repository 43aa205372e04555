import type { ParameterizedValue } from './contenttype.js';
import type { Header } from './header.js';

/** The octets `start` up to but not including `end` of the message. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A message or body part: where it is in the message it was found in. All offsets are octets from the message's start. */
export interface Part {
  /** The octets `start` to `bodyStart`. */
  readonly header: Header;
  /**
   * As the first Content-Type field says. `text/plain`, or `message/rfc822` in a digest, where there is none; `text/plain`
   * where it cannot be understood (RFC 2045 §5.2).
   */
  readonly contentType: ParameterizedValue;
  readonly start: number;
  readonly bodyStart: number;
  /** Where the body ends. The line end before a boundary delimiter line is the delimiter's (RFC 2046 §5.1.1). */
  readonly end: number;
  /** Lines of the body: its line feeds, as Dovecot counts. A last line without one does not count. */
  readonly lines: number;
  /** Line feeds of the body without a CR before them. With line ends made CRLF, the body has so many octets more. */
  readonly bareLineFeeds: number;
  /** The children of a multipart in which boundaries were looked for. */
  readonly parts: readonly Part[];
  /**
   * Of such a multipart: what comes before its first delimiter. Undefined for every other part, a multipart without a boundary
   * included. Between it, the children and the epilogue there is nothing but delimiter lines.
   */
  readonly preamble: Range | undefined;
  /** Of such a multipart: what comes after its closing delimiter line; undefined where there is none. */
  readonly epilogue: Range | undefined;
  /** The message that the body of a message/rfc822 or message/global is. */
  readonly message: Part | undefined;
  /** The limit that made a leaf of it: of its header, its boundary, the depth or the number of parts. */
  readonly limit: 'header' | 'boundary' | 'depth' | 'parts' | undefined;
}
