/** What can stand in the way of making, opening or changing a vault. */
export type VaultErrorCode =
  /** What was given opens nothing: a wrong password, recovery code or key file, or a user without a vault. */
  | 'denied'
  /** There is a vault, app password, key file or profile of that name. */
  | 'exists'
  /** There is none of that name. */
  | 'not-found'
  /** The file is not what was written: cut off, overwritten, of another user, or forged. */
  | 'damaged'
  /** The file is of a version that we do not read. */
  | 'version'
  /** Somebody else is writing, or too many are logging in at once; later it will go. */
  | 'busy'
  /** The vault is closed already, or the file is older than what was opened. */
  | 'state'
  /** More than limits.ts allows. */
  | 'limit'
  /** A name, address, host, certificate or secret that cannot be what it should be. */
  | 'invalid';

/**
 * What a refused attempt was about: `none`: no vault of that user; `enrolled`: a vault that is locked with the provider's own
 * password, so that the user may have changed it there; `own`: another one.
 */
export type DeniedVault = 'none' | 'enrolled' | 'own';

/** An error about a vault. The message is a sentence for the user; it holds no secret. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
  readonly code: VaultErrorCode;
  /**
   * Of `denied` alone. For the one who decides what is tried next, and never for the client: to it, a wrong password and an
   * unknown user are the same. It is not part of the message.
   */
  readonly denied: DeniedVault | undefined;

  constructor(code: VaultErrorCode, message: string, options?: ErrorOptions & { readonly denied?: DeniedVault }) {
    super(message, options);
    this.code = code;
    this.denied = options?.denied;
  }
}
