/** What can stand in the way of finding, reading or keeping a certificate or a key. */
export type KeyringErrorCode =
  /** There is none by that name. */
  | 'not-found'
  /** There are some, and none can be used. */
  | 'unusable'
  /** There are several, and the name does not say which. */
  | 'ambiguous'
  /** Not an address, fingerprint or file that could name a certificate. */
  | 'name'
  /** A file that is no certificate or key, or more than the limits allow. */
  | 'data'
  /** Something that cannot be undone was asked for without saying so. */
  | 'refused'
  /** Somebody else is writing; later it will go. */
  | 'busy'
  /** The state folder holds something that should not be there. */
  | 'state';

/** An error about certificates, keys and the folder that holds them. The message is a sentence for the user. */
export class KeyringError extends Error {
  override readonly name = 'KeyringError';
  readonly code: KeyringErrorCode;

  constructor(code: KeyringErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
