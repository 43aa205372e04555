/** Connections that we make: to the provider's servers. */
import { type Socket, connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ConnectionError } from './connection.js';
import { connectionFault, explainFault } from './fault.js';
import { LIMITS } from './limits.js';
import { type SocketConnection, addressOf, ignore, socketConnection, tune } from './socket.js';
import { type Concealed, secureClient } from './tlsclient.js';

/** A server, and how to know it. */
export interface Endpoint {
  /** Name or address. */
  readonly host: string;
  readonly port: number;
  /** TLS from the first octet; TLS after the protocol's STARTTLS; or none, for loopback addresses only. */
  readonly tls: 'implicit' | 'starttls' | 'none';
  /** Certificates of the authorities that count instead of the system's, PEM. */
  readonly ca?: string;
  /** SHA-256 of the server's public key (SubjectPublicKeyInfo), base64 or hexadecimal: it decides alone. */
  readonly pin?: string;
  /** PEM texts. The key has no passphrase. */
  readonly clientCertificate?: { readonly certificate: string; readonly key: string | Concealed };
  /** The name in the server's certificate, where it is not `host`. */
  readonly serverName?: string;
}

export interface DialOptions {
  /** Milliseconds until the TCP connection stands, and again for the TLS handshake. Default: LIMITS. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** A connection to an endpoint. */
export interface Dialled {
  readonly connection: SocketConnection;
  readonly endpoint: Endpoint;
  /** `host:port` of the endpoint, as errors name it. */
  readonly peer: string;
  /** The address and port that the name led to. */
  readonly address: string;
  /** How it is encrypted, or undefined where it is not (yet). */
  readonly tls: TLSState | undefined;
}

export interface TLSState {
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly protocol: string;
  /** OpenSSL's name. */
  readonly cipher: string;
  /** Keying material that both sides and nobody else can compute (RFC 5705), for channel bindings (RFC 9266). */
  readonly exportKey: (label: string, octets: number) => Buffer;
}

/**
 * Connects to an endpoint: TCP, and TLS where it is implicit. With `starttls` what it gives is in clear until `startTLS`. Rejects with
 * ConnectionError.
 */
export async function dial(endpoint: Endpoint, options: DialOptions = {}): Promise<Dialled> {
  const peer = peerOf(endpoint);
  const socket = await connectTCP(endpoint, peer, options);
  tune(socket);
  if (endpoint.tls === 'implicit') return secured(endpoint, socket, options);
  // The address, not the name: what "localhost" leads to is for a file or a name server to say.
  if (endpoint.tls === 'none' && !isLoopback(socket.remoteAddress ?? '')) {
    const address = addressOf(socket);
    socket.destroy();
    throw connectionFault('insecure', peer, address);
  }
  const connection = socketConnection(socket, peer);
  return { connection, endpoint, peer, address: addressOf(socket), tls: undefined };
}

/**
 * Does the TLS handshake after the server has agreed to STARTTLS; the connection of `dialled` is of no use afterwards. Nothing that
 * was read before may be believed. Octets that came after the agreement, and were not read, were not said under TLS: then it rejects,
 * as with any failure, and the connection is lost. Octets that were read beyond the agreement are for the caller to notice.
 */
export async function startTLS(dialled: Dialled, options: DialOptions = {}): Promise<Dialled> {
  const { connection, endpoint, peer } = dialled;
  const { socket, unread } = connection.detach();
  if (unread.length > 0) {
    socket.destroy();
    throw connectionFault('injected', peer);
  }
  return secured(endpoint, socket, options);
}

/** `host:port`, an IPv6 address in brackets. */
export function peerOf({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Whether an address is one of this machine's own: 127.0.0.0/8 or ::1 (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3). */
export function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127(?:\.[0-9]{1,3}){3}$/i.test(address);
}

async function secured(endpoint: Endpoint, socket: Socket, options: DialOptions): Promise<Dialled> {
  const peer = peerOf(endpoint);
  const address = addressOf(socket);
  const { ca, pin, clientCertificate, serverName = endpoint.host } = endpoint;
  const { timeout: milliseconds, signal } = options;
  const tls = await secureClient(socket, peer, {
    serverName,
    ...(ca === undefined ? {} : { ca }),
    ...(pin === undefined ? {} : { pin }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(milliseconds === undefined ? {} : { milliseconds }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { connection: socketConnection(tls, peer), endpoint, peer, address, tls: stateOf(tls) };
}

function stateOf(socket: TLSSocket): TLSState {
  return {
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().name,
    exportKey: (label, octets) => socket.exportKeyingMaterial(octets, label, Buffer.alloc(0)),
  };
}

function connectTCP({ host, port }: Endpoint, peer: string, options: DialOptions): Promise<Socket> {
  const { timeout = LIMITS.connectMilliseconds, signal } = options;
  if (signal?.aborted === true) return Promise.reject(connectionFault('cancelled', peer, undefined, signal.reason));
  if (host === '' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    const text = `"${peer}" is no address to connect to. It needs a host, and a port from 1 to 65535.`;
    return Promise.reject(new ConnectionError('unreachable', text));
  }
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      // An error between here and the connection's own listener must not end the process.
      socket.off('connect', onConnect).on('error', ignore).off('error', onError);
      settle();
    };
    const fail = (error: ConnectionError): void => {
      finish(() => {
        socket.destroy();
        reject(error);
      });
    };
    const onConnect = (): void => {
      finish(() => {
        resolve(socket);
      });
    };
    const onError = (error: Error): void => {
      fail(explainFault(error, peer));
    };
    const onAbort = (): void => {
      fail(connectionFault('cancelled', peer, undefined, signal?.reason));
    };
    const timer = setTimeout(() => {
      fail(connectionFault('timeout', peer, `no answer in ${timeout / 1000} seconds`));
    }, timeout);
    socket.on('connect', onConnect).on('error', onError);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
