/** Why an item has no answer. */
export type ViewErrorCode =
  /** RFC 3516 §4.3: the Content-Transfer-Encoding is none that can be undone. */
  'UNKNOWN-CTE';

/** An item that cannot be answered for this message. The command gets NO, with the code in brackets. */
export class ViewError extends Error {
  override readonly name = 'ViewError';
  readonly code: ViewErrorCode;

  constructor(code: ViewErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
