/** One client's connection from accept to close. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { setTimeout } from 'node:timers/promises';
import type { Accepted, Serve } from '#lib/accepted';
import { type Log, type LogFields, peerAddress } from '#lib/log';
import { type Connection, ConnectionError } from '#lib/net/connection';
import { connectionFault } from '#lib/net/fault';
import { type SocketConnection, socketConnection, tune } from '#lib/net/socket';
import { secureServer } from '#lib/net/tlsserver';
import { faultFields } from './fault.js';

/** How connections of one listener are served. */
export interface SessionOptions {
  readonly tls: 'implicit' | 'starttls' | 'none';
  /** Asked for at each handshake, so that a new certificate counts for new clients. There unless `tls` is `none`. */
  readonly context?: () => SecureContext;
  /** Names in ALPN (RFC 7301). */
  readonly protocols: readonly string[];
  /** Milliseconds. */
  readonly handshakeTimeout: number;
  readonly serve: Serve;
  readonly log: Log;
}

export interface Session {
  /** Resolves, and never rejects, when the session is over and its socket is closed. */
  readonly done: Promise<void>;
  /** Asks the session to end. `reason` is a sentence for the client. */
  readonly stop: (reason: string) => void;
  /** Ends it at once. */
  readonly destroy: () => void;
}

/** How errors name the client: where it is stands in the log already, if the host wants it there. */
const CLIENT = 'the client';

/**
 * Milliseconds in which what the client still sends is read and thrown away after the last word to it. Were the socket closed with
 * octets unread, the system would reset the connection, and the client might never see that last word.
 */
const LINGER = 1_000;

/** Serves a socket that was accepted. */
export function startSession(socket: Socket, peer: Accepted['peer'], options: SessionOptions): Session {
  const id = randomBytes(6).toString('hex');
  const log = options.log.with({ session: id, peer: peerAddress(peer.address) });
  const controller = new AbortController();
  // Errors reach whoever reads; between two owners of the socket they must not end the process.
  socket.on('error', () => undefined);
  tune(socket);
  return {
    done: run(socket, { id, peer, log, signal: controller.signal }, options).finally(() => {
      socket.destroy();
    }),
    stop: (reason) => {
      controller.abort(new Error(reason));
    },
    destroy: () => {
      controller.abort(new Error('The server is shutting down.'));
      socket.destroy();
    },
  };
}

type Base = Pick<Accepted, 'id' | 'peer' | 'log' | 'signal'>;

async function run(socket: Socket, base: Base, options: SessionOptions): Promise<void> {
  const { log, signal } = base;
  const began = Date.now();
  let connection: SocketConnection;
  try {
    connection = options.tls === 'implicit' ? await secured(socket, options, signal) : socketConnection(socket, CLIENT);
  } catch (error) {
    // When we are stopping, it is not for the client to mend.
    log[signal.aborted ? 'debug' : 'info']('TLS handshake failed', lossFields(error));
    return;
  }
  let current: Connection = connection;
  const upgrade = async (): Promise<Connection> => {
    current = await upgraded(connection, options, signal);
    return current;
  };
  log.debug('session opened', { tls: options.tls });
  try {
    const secure = options.tls === 'implicit';
    const offered = options.tls === 'starttls' ? { upgrade } : {};
    await options.serve({ ...base, connection, secure, ...offered });
    await linger(current);
  } catch (error) {
    if (error instanceof ConnectionError) log.debug('connection lost', lossFields(error));
    else log.error('session failed', faultFields(error));
  } finally {
    current.destroy();
    log.debug('session closed', { seconds: Math.round((Date.now() - began) / 1000) });
  }
}

/** STARTTLS. What came before the handshake was not protected, so that it must not be taken for what was. */
async function upgraded(
  connection: SocketConnection,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<SocketConnection> {
  const { socket, unread } = connection.detach();
  if (unread.length > 0) {
    socket.destroy();
    throw connectionFault('injected', CLIENT);
  }
  // The reply in clear must have left before TLS takes the descriptor.
  await new Promise((resolve) => socket.write('', resolve));
  return secured(socket, options, signal);
}

async function secured(socket: Socket, options: SessionOptions, signal: AbortSignal): Promise<SocketConnection> {
  const context = options.context?.();
  if (context === undefined) throw new Error('A listener with TLS has no certificate.');
  const { protocols, handshakeTimeout: milliseconds } = options;
  const client = await secureServer(socket, { context, protocols, milliseconds, signal });
  return socketConnection(client.socket, CLIENT);
}

async function linger(connection: Connection): Promise<void> {
  const timeout = new AbortController();
  const discard = async (): Promise<void> => {
    while ((await connection.read()) !== undefined);
  };
  try {
    await Promise.race([
      Promise.all([connection.end(), discard()]),
      setTimeout(LINGER, undefined, { signal: timeout.signal }),
    ]);
  } finally {
    timeout.abort();
    connection.destroy();
  }
}

/** Of a connection that is lost: what happened, and the runtime's name for it. The sentence would tell the client's address. */
function lossFields(error: unknown): LogFields {
  if (!(error instanceof ConnectionError)) return faultFields(error);
  const { cause } = error;
  const detail =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? { detail: cause.code } : {};
  return { reason: error.code, ...detail };
}
