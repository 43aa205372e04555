/** What can be wrong with an OpenPGP message, key or armor. Each is a fact about the input, not about Postern. */
export type OpenPGPErrorCode =
  /** Not armored OpenPGP data, or armor that RFC 9580 §6 does not allow. */
  | 'armor'
  /** A packet that does not follow RFC 9580, or packets in an order that its grammar (§10.3) does not allow. */
  | 'malformed'
  /** The data ends before the message does. */
  | 'truncated'
  /** Something follows the end of the message. */
  | 'trailing-data'
  /** A Symmetrically Encrypted Data packet (tag 9), or any other encryption without integrity protection. */
  | 'no-integrity'
  /** SEIPDv1 whose plaintext does not end in a Modification Detection Code packet. */
  | 'mdc-missing'
  /** SEIPDv1 whose Modification Detection Code does not match. Also what a wrong RSA session key ends in. */
  | 'mdc-mismatch'
  /** SEIPDv2 with a chunk, or an end, that its authentication tag does not cover. */
  | 'tag-mismatch'
  /** An algorithm or a version that we do not read. */
  | 'unsupported'
  /** None of the keys at hand is among the recipients. */
  | 'no-key'
  /** A key of ours is named, but what is encrypted to it is not a session key. */
  | 'session-key'
  /** A limit was exceeded: packets, recipients, signatures, nesting. */
  | 'limit'
  /** Decompression gives more than the limits allow. */
  | 'decompression-limit'
  /** A key that cannot be used for what is asked: expired, revoked, no fitting subkey, locked. */
  | 'unusable-key'
  /** The passphrase does not open the key. */
  | 'passphrase'
  /** The payload is not as long as was announced. */
  | 'size-mismatch';

/** An error about OpenPGP data. `code` says what is wrong, the message says it in words. */
export class OpenPGPError extends Error {
  override readonly name = 'OpenPGPError';
  readonly code: OpenPGPErrorCode;

  constructor(code: OpenPGPErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
