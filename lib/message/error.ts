/** What can stand in the way of sealing or opening a message, OpenPGP apart. */
export type MessageErrorCode =
  /** Not a message with a header that could be protected. */
  | 'no-header'
  /** A header above the limits. */
  | 'header-limit';

/** An error about a message as a message. `code` says what is wrong, the message says it in words. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
  readonly code: MessageErrorCode;

  constructor(code: MessageErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
