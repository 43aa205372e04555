/** Every limit of imap/wire: default, unit, reason. */
export const LIMITS = {
  /**
   * Octets of one line of a command, after login. RFC 7162 §4 asks for 8,192 at least; clients list message numbers beyond that, and
   * Dovecot takes 65,536.
   */
  lineOctets: 65_536,
  /** Octets of one line of a command before login: a SASL response (RFC 9051 §6.2.2) with a long token (OAuth) is the longest. */
  loginLineOctets: 16_384,
  /** Octets of one literal before login: user name or password. */
  loginLiteralOctets: 4_096,
  /**
   * Octets of a response's line that are handed out at once. Longer lines come in several fragments: honest ones (SEARCH in a large
   * mailbox) have no bound.
   */
  responsePieceOctets: 65_536,
  /** Octets of a command or response that is gathered whole to be read, all its lines and literals together. */
  gatheredOctets: 1024 * 1024,
  /** Literals of a command or response that is gathered whole. */
  gatheredLiterals: 1_000,
  /** Octets of one FETCH response, literals that are streamed not counted. Each of its items has the limit of what is gathered. */
  fetchOctets: 4 * 1024 * 1024,
  /** Items of a FETCH response that one line completes. */
  fetchItems: 1_000,
  /** Parentheses inside parentheses. BODYSTRUCTURE has two for each level of MIME, of which lib/mime takes 100. */
  nesting: 250,
  /**
   * Elements of all lists of one command or response that are taken apart: addresses, parameters, search keys, threads. An element is
   * some 100 octets of memory, and can be two on the wire.
   */
  elements: 100_000,
  /** Octets of a string that is written quoted; a longer one is a literal. Some programs read short lines only. */
  quotedOctets: 1_000,
  /** Numbers of a sequence set that are listed one by one: more messages than a mailbox has. `1:4294967295` is 12 octets. */
  sequenceNumbers: 10_000_000,
} as const;
