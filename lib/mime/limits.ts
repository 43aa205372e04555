/**
 * lib/mime: the message as RFC 5322 and RFC 2045 see it. A header keeps its bytes and is edited only by prepending and
 * removing; a structure is offsets into the message and holds no body. Whatever the bytes are, they are data: nothing here
 * throws because of them. This file has every limit.
 */
export interface MimeLimits {
  /** Octets of one header, blank line included. What does not fit counts as body. */
  readonly headerOctets: number;
  /** Fields of one header. What begins with the next one counts as body. */
  readonly headerFields: number;
  /** Octets of all headers of one message together. A part past it has the lines that fit, and is a leaf. */
  readonly totalHeaderOctets: number;
  /** Parts inside parts, the message itself being the first. A multipart or message at the limit is a leaf. */
  readonly depth: number;
  /** Parts of one message, itself and every container counted. The last one is a leaf that holds the rest of the
   * message; the last but one is no container of a message. */
  readonly parts: number;
  /** Octets of a boundary. A multipart with a longer one is a leaf. */
  readonly boundaryOctets: number;
  /** Octets of white space after the boundary in a delimiter line. With more, the line is content. */
  readonly delimiterPadding: number;
}

export const MIME_LIMITS: MimeLimits = {
  // What Exim takes by default; Postfix takes a tenth. Real headers stay under 100 KiB.
  headerOctets: 1024 * 1024,
  // Objects made per field are larger than a field can be small: this bounds them as headerOctets bounds the octets.
  headerFields: 10_000,
  // The structure's memory: many parts with large headers must not add up to the size of the message.
  totalHeaderOctets: 4 * 1024 * 1024,
  // As Dovecot.
  depth: 100,
  // As Dovecot.
  parts: 10_000,
  // RFC 2046 §5.1.1 says 70, and some writers use more; a line of RFC 5322 has 998.
  boundaryOctets: 256,
  // RFC 2046 §5.1.1 lets gateways add white space. This bounds what is held back while a line is undecided.
  delimiterPadding: 256,
};

/** The defaults with some of them replaced. */
export function mimeLimits(changes: Partial<MimeLimits> = {}): MimeLimits {
  return { ...MIME_LIMITS, ...changes };
}
