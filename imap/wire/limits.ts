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
  /** Parentheses inside parentheses. BODYSTRUCTURE has two for each level of MIME, of which lib/mime takes 100. */
  nesting: 250,
} as const;
