import type { Status } from '../wire/status.js';

/** What stands between a client and its provider. */
export type ProviderErrorKind =
  /** No connection: network, name, certificate, time. `cause` is the ConnectionError. */
  | 'unreachable'
  /** The provider does not accept the credentials. The only kind that says something about them. */
  | 'refused'
  /** The provider is there, and does not serve now. */
  | 'unavailable'
  /** The provider does not speak as it should, or beyond the limits. */
  | 'protocol'
  /** The provider is Postern itself. */
  | 'loop'
  /** Going on would show secrets to others, or trust what anybody can have said. */
  | 'insecure';

/** What the provider itself said: safe to be passed on, in one line, limited in length, without the secret. */
export interface ProviderText {
  readonly status: Status;
  /** The name of the response code (RFC 5530 and others), upper case. */
  readonly code: string | undefined;
  /** What follows it inside the brackets. */
  readonly argument: string | undefined;
  readonly text: string;
}

/** No session at the provider. The message is a sentence, without any secret. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly kind: ProviderErrorKind;
  readonly said: ProviderText | undefined;

  constructor(
    kind: ProviderErrorKind,
    message: string,
    { said, cause }: { readonly said?: ProviderText | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.kind = kind;
    this.said = said;
  }
}
