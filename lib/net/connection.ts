/**
 * lib/net: connections as the protocols see them. A protocol reads chunks and writes octets; whether a socket, TLS, compression or
 * a test's array stands behind that, it does not know. Sockets are touched here and nowhere else in lib, imap and smtp.
 */

/** One end of a stream of octets in both directions. */
export interface Connection {
  /**
   * The next octets, or undefined at the end of what the peer sends. Only what has been read is acknowledged to the peer's
   * system: who reads slowly slows down the peer. Rejects with ConnectionError when the connection is lost. Calls are
   * answered in their order: who takes over from somebody who still waits gets what comes after.
   */
  read(): Promise<Buffer | undefined>;
  /**
   * Hands octets over for sending, in order, and keeps no reference once they are sent. False where so much waits that the caller
   * should await `drained` before it writes more. After a loss it does nothing; `read` tells.
   */
  write(bytes: Buffer): boolean;
  /** Resolves when few enough octets wait again, and at once when the connection is lost. */
  drained(): Promise<void>;
  /** Sends what waits, then says that no more will come. Resolves when that is sent or the connection is lost. */
  end(): Promise<void>;
  /** Ends the connection at once in both directions. What waits is lost. */
  destroy(): void;
}

/** What can be wrong with a connection. */
export type ConnectionErrorCode =
  /** Nobody listens there. */
  | 'refused'
  /** There is no way to the host, or the address is not one. */
  | 'unreachable'
  /** It took longer than the limit. */
  | 'timeout'
  /** The name has no address, or none can be found out at present. */
  | 'dns'
  /** TLS could not be agreed on, or was broken afterwards. */
  | 'tls'
  /** The certificate is not one of an authority that is trusted, or not usable for this. */
  | 'certificate'
  /** The certificate is for another name. */
  | 'name-mismatch'
  /** The key of the certificate is not the pinned one. */
  | 'pin'
  /** The certificate is no longer, or not yet, valid. */
  | 'expired'
  /** The settings would send in clear what must be encrypted. */
  | 'insecure'
  /** Octets came at a moment when none may come, before a handshake for instance. */
  | 'injected'
  /** The compressed data is damaged. */
  | 'compression'
  /** The peer, or something on the way, broke the connection off. */
  | 'reset'
  /** The connection had been ended, here or there. */
  | 'closed'
  /** Whoever asked for it has cancelled it. */
  | 'cancelled';

/** A connection that was lost, or could not be made. The message is a sentence: to whom, why, and what to do. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code: ConnectionErrorCode;

  constructor(code: ConnectionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
