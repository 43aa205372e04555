import type { Socket } from 'node:net';
import { ConnectionError, type Connection } from './connection.js';
import { connectionFault, explainFault } from './fault.js';
import { Intake } from './intake.js';
import { LIMITS } from './limits.js';

/** A socket, or TLS over one (`tls.TLSSocket` is a `net.Socket`), as a connection. */
export interface SocketConnection extends Connection {
  /**
   * Gives the socket back, paused, for a TLS handshake on it, with the octets that came and were not read. The connection is of no
   * use afterwards. Throws while a `read` is waiting. Rule for STARTTLS: octets in `unread` were sent before the handshake, so that
   * they are an injection, and the connection must end.
   */
  detach(): Detached;
}

export interface Detached {
  readonly socket: Socket;
  readonly unread: Buffer;
}

/**
 * The connection over a socket that is connected. `peer` names it in errors, `host:port`; by default its address. Sets no timer:
 * how long silence may last is for the protocol to say. A half-open connection (the peer has ended, we have not) stays until `end`.
 */
export function socketConnection(socket: Socket, peer: string = addressOf(socket)): SocketConnection {
  return new OverSocket(socket, peer);
}

/** The remote end of a socket as `address:port`. */
export function addressOf(socket: Socket): string {
  const { remoteAddress: address, remotePort: port } = socket;
  if (address === undefined) return 'an unknown address';
  return `${address.includes(':') ? `[${address}]` : address}:${port ?? 0}`;
}

/**
 * The listener for errors that stays with a socket when a wait on it is over: without any, an error would end the process, and the wait's own
 * would keep everything that belonged to it.
 */
export function ignore(): void {
  // Whoever reads is told by the connection.
}

/** Small segments at once, and a question to a silent peer now and then whether it is still there. */
export function tune(socket: Socket): void {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, LIMITS.keepAliveMilliseconds);
}

class OverSocket implements SocketConnection {
  readonly #socket: Socket;
  readonly #peer: string;
  readonly #intake: Intake;
  /** Who waits for room to write. */
  #roomWanted: (() => void)[] = [];
  #lost = false;
  readonly #onDrain = (): void => {
    this.#announceRoom();
  };
  readonly #onError = (error: Error): void => {
    this.#lose(explainFault(error, this.#peer));
  };
  readonly #onClose = (): void => {
    this.#lose(connectionFault('closed', this.#peer));
  };

  constructor(socket: Socket, peer: string) {
    this.#socket = socket;
    this.#peer = peer;
    // Else Node ends our side as soon as the peer ends its own, and loses what is still to be written.
    socket.allowHalfOpen = true;
    this.#intake = new Intake(socket);
    socket.on('drain', this.#onDrain);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    if (socket.destroyed) this.#onClose();
  }

  read(): Promise<Buffer | undefined> {
    return this.#intake.take();
  }

  write(bytes: Buffer): boolean {
    if (this.#lost || !this.#socket.writable || bytes.length === 0) return true;
    return this.#socket.write(bytes);
  }

  drained(): Promise<void> {
    if (this.#lost || !this.#socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => this.#roomWanted.push(resolve));
  }

  end(): Promise<void> {
    const socket = this.#socket;
    if (this.#lost || socket.writableFinished) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off('finish', done);
        socket.off('close', done);
        resolve();
      };
      socket.on('finish', done);
      socket.on('close', done);
      if (!socket.writableEnded) socket.end();
    });
  }

  destroy(): void {
    this.#socket.destroy();
    this.#onClose();
  }

  detach(): Detached {
    const socket = this.#socket;
    const unread = this.#intake.release();
    socket.off('drain', this.#onDrain);
    socket.off('close', this.#onClose);
    // The listener for errors stays: a socket without one would end the process.
    this.#lose(new ConnectionError('closed', `The connection to ${this.#peer} has been handed over.`));
    return { socket, unread };
  }

  #lose(error: ConnectionError): void {
    this.#lost = true;
    this.#intake.fail(error);
    this.#announceRoom();
  }

  #announceRoom(): void {
    const wanted = this.#roomWanted;
    this.#roomWanted = [];
    for (const resolve of wanted) resolve();
  }
}
