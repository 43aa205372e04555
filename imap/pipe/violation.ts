/** The provider breaks the protocol in a way that leaves no safe way to go on. The message is for the client and the log. */
export class ProviderViolation extends Error {
  override readonly name = 'ProviderViolation';
}
