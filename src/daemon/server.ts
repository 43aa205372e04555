/** The listeners, and the sessions of the clients that they accept. */
import { type Server, type Socket, createServer } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Serve } from '#lib/accepted';
import type { Log } from '#lib/log';
import { serverContext } from '#lib/net/tlsserver';
import type { ServerCertificate } from '../config/certificate.js';
import type { LimitOptions, ListenerOptions } from '../config/load.js';
import { Exit, Failure } from '../exit.js';
import { Admission } from './admission.js';
import { plainAddress } from './peer.js';
import { type Session, type SessionOptions, startSession } from './session.js';

export interface DaemonOptions {
  readonly listeners: readonly ListenerOptions[];
  /** There where a listener has TLS. */
  readonly certificate?: ServerCertificate;
  readonly limits: Pick<LimitOptions, 'connections' | 'connectionsPerAddress' | 'handshakeTimeout'>;
  /** How each protocol is served. */
  readonly serve: Readonly<Record<ListenerOptions['protocol'], Serve>>;
  readonly log: Log;
}

export interface Daemon {
  /** Where it listens, in the order of the options; a port 0 has become a real one. */
  readonly listening: readonly ListenerOptions[];
  readonly sessions: () => number;
  /**
   * Accepts nobody any more, gives `reason` to the sessions (a sentence for their clients), and resolves when they have ended. Those
   * that have not after so many milliseconds are destroyed.
   */
  readonly stop: (reason: string, patience: number) => Promise<void>;
  /** Ends everything at once; a `stop` that waits resolves. */
  readonly destroy: () => void;
}

/** TLS 1.3's, and those of TLS 1.2 that authenticate what they encrypt and have forward secrecy. */
const CIPHERS =
  'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:ECDHE+AESGCM:ECDHE+CHACHA20';

/**
 * Listens at all addresses, or at none: rejects with the system's error where one cannot be had, and with Failure where the certificate
 * is of no use.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const context = options.certificate && contextOf(options.certificate);
  const { limits, log } = options;
  const admission = new Admission(limits, log);
  const sessions = new Set<Session>();
  const servers: Server[] = [];
  let destroyed: () => void;
  const destruction = new Promise<void>((resolve) => (destroyed = resolve));

  const accept = (socket: Socket, settings: SessionOptions): void => {
    const { remoteAddress, remotePort = 0 } = socket;
    const address = remoteAddress === undefined ? undefined : plainAddress(remoteAddress);
    const leave = address === undefined ? undefined : admission.enter(address);
    // A client that has gone again before it was looked at has no address.
    if (address === undefined || leave === undefined) {
      socket.destroy();
      return;
    }
    const session = startSession(socket, { address, port: remotePort }, settings);
    sessions.add(session);
    void session.done.then(() => {
      sessions.delete(session);
      leave();
    });
  };

  const closeServers = (): void => {
    for (const server of servers) server.close();
  };

  const listening: ListenerOptions[] = [];
  try {
    for (const listener of options.listeners) {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
      const settings: SessionOptions = {
        tls: listener.tls,
        protocols: [listener.protocol],
        handshakeTimeout: limits.handshakeTimeout,
        serve: options.serve[listener.protocol],
        log,
        ...(context && { context: () => context }),
      };
      server.on('connection', (socket) => {
        accept(socket, settings);
      });
      servers.push(server);
      listening.push({ ...listener, port: await listen(server, listener, log) });
    }
  } catch (error) {
    closeServers();
    for (const session of sessions) session.destroy();
    throw error;
  }
  return {
    listening,
    sessions: () => sessions.size,
    stop: async (reason, patience) => {
      closeServers();
      const open = [...sessions];
      for (const session of open) session.stop(reason);
      const timer = setTimeout(() => {
        log.warn('sessions did not end in time', { sessions: sessions.size });
        destroy();
      }, patience);
      await Promise.race([Promise.all(open.map(({ done }) => done)), destruction]);
      clearTimeout(timer);
    },
    destroy,
  };

  function destroy(): void {
    closeServers();
    for (const session of sessions) session.destroy();
    destroyed();
  }
}

/** Resolves to the port. What goes wrong later (no more descriptors, for instance) is logged, and the listener goes on. */
function listen(server: Server, { address, port }: ListenerOptions, log: Log): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port }, () => {
      server.off('error', reject);
      server.on('error', (error: NodeJS.ErrnoException) => {
        log.error('listener failed', { address, port, code: error.code ?? error.name });
      });
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}

function contextOf({ certificate, key }: ServerCertificate): SecureContext {
  try {
    return serverContext({ cert: certificate, key: key.reveal(), ciphers: CIPHERS });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(
      Exit.config,
      `OpenSSL does not take the certificate and key of [tls] (${reason}). Have a certificate issued that is made as is usual today: RSA from 2048 bits, or an elliptic curve.`,
      { cause: error },
    );
  }
}
