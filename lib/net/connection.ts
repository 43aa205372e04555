/**
 * lib/net: connections as the protocols see them. A protocol reads chunks and writes octets; whether a socket, TLS, compression or
 * a test's array stands behind that, it does not know. Sockets are touched here and nowhere else in lib, imap and smtp.
 */

/** One end of a stream of octets in both directions. */
export interface Connection {
  /**
   * The next octets, or undefined at the end of what the peer sends. Only what has been read is acknowledged to the peer's
   * system: who reads slowly slows down the peer. Rejects with ConnectionError when the connection is lost. One call at a time.
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

/** A connection that was lost, or could not be made. The message says to whom, why, and what to do. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}
