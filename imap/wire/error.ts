/** What is wrong. */
export type WireErrorCode =
  /** Octets that do not follow the grammar. */
  | 'syntax'
  /** A limit was exceeded: octets, literals, nesting, elements. */
  | 'limit'
  /** A value that cannot be written where it should be: an octet that is not allowed there, a number out of range. */
  | 'unwritable';

/**
 * A command or response that cannot be read or written. The message says what was expected and where, and holds nothing of
 * what stood there: it may be a password.
 */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
