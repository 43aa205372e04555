import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { type SecureContext, type SecureContextOptions, TLSSocket, createSecureContext } from 'node:tls';
import { ConnectionError } from './connection.js';
import { connectionFault, explainFault } from './fault.js';
import { LIMITS } from './limits.js';
import { addressOf, ignore } from './socket.js';

/** What a handshake as the server needs. */
export interface TLSServerOptions {
  /** Key and certificate. Read once for each handshake: give another one here, and new clients get it. */
  readonly context: SecureContext;
  /** The context for a host name that the client names (SNI, in lower case), or undefined for `context`. */
  readonly select?: (serverName: string) => SecureContext | undefined;
  /** `request`: the client may show a certificate. `require`: it must show one that the context's authorities have signed. */
  readonly clientCertificate?: 'off' | 'request' | 'require';
  /** Protocols by preference (RFC 7301), `imap` for instance. A client that offers others only is refused. */
  readonly protocols?: readonly string[];
  /** Milliseconds of the handshake. Default: LIMITS. */
  readonly milliseconds?: number;
  readonly signal?: AbortSignal;
}

/** A client behind TLS. */
export interface SecuredClient {
  readonly socket: TLSSocket;
  /** What the client named (SNI), in lower case. */
  readonly serverName: string | undefined;
  /** The certificate that the client showed, and whether it is one of the context's authorities, valid and not revoked. */
  readonly certificate: ClientCertificate | undefined;
}

export interface ClientCertificate {
  readonly x509: X509Certificate;
  readonly trusted: boolean;
  /** OpenSSL's name of what is wrong with it: `CERT_HAS_EXPIRED`, `CERT_REVOKED`, … */
  readonly problem: string | undefined;
}

/**
 * A context for a server from key, certificate and, for client certificates, `ca` and `crl` (PEM): TLS 1.2 or newer. Throws what
 * OpenSSL says about unusable ones.
 */
export function serverContext(options: SecureContextOptions): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    // OpenSSL resumes no session of a client that was asked for a certificate unless the server has a name for its sessions.
    sessionIdContext: 'postern',
    honorCipherOrder: true,
    ...options,
  });
}

/**
 * Does the server's side of a TLS handshake on an accepted socket: at once for implicit TLS, or on what `detach` gave after the reply to
 * STARTTLS. Rejects with ConnectionError, and the socket is destroyed then.
 */
export async function secureServer(socket: Socket, options: TLSServerOptions): Promise<SecuredClient> {
  const peer = addressOf(socket);
  const policy = options.clientCertificate ?? 'off';
  const secured = new TLSSocket(socket, {
    isServer: true,
    secureContext: options.context,
    requestCert: policy !== 'off',
    // Nobody can be refused by this option: without `tls.Server` it is left to us, below.
    rejectUnauthorized: policy === 'require',
    SNICallback: (name, done) => {
      done(null, options.select?.(name.toLowerCase()) ?? options.context);
    },
    ...(options.protocols === undefined ? {} : { ALPNProtocols: [...options.protocols] }),
  });
  try {
    await handshake(secured, 'secure', peer, options);
    const certificate = clientCertificate(secured);
    if (policy === 'require' && certificate?.trusted !== true) {
      const detail = certificate === undefined ? 'the client showed none' : certificate.problem;
      throw connectionFault('certificate', peer, detail);
    }
    const { servername } = secured;
    return {
      socket: secured,
      serverName: typeof servername === 'string' ? servername.toLowerCase() : undefined,
      certificate,
    };
  } catch (error) {
    secured.destroy();
    socket.destroy();
    throw error instanceof ConnectionError ? error : explainFault(error, peer, 'tls');
  }
}

/** Waits for the end of a handshake. Rejects with ConnectionError when it fails, takes too long or is cancelled; destroys nothing. */
export function handshake(
  socket: TLSSocket,
  event: 'secure' | 'secureConnect',
  peer: string,
  options: { readonly milliseconds?: number; readonly signal?: AbortSignal },
): Promise<void> {
  const { signal, milliseconds = LIMITS.handshakeMilliseconds } = options;
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off(event, onDone).off('close', onClose).off('end', onClose);
      // What fails after the handshake is reported to whoever reads, and must not end the process before that.
      socket.on('error', ignore).off('error', onError);
      settle();
    };
    const fail = (error: ConnectionError): void => {
      finish(() => {
        reject(error);
      });
    };
    const onDone = (): void => {
      finish(resolve);
    };
    const onClose = (): void => {
      fail(connectionFault('tls', peer, 'it was closed during the handshake'));
    };
    const onError = (error: Error): void => {
      fail(explainFault(error, peer, 'tls'));
    };
    const onAbort = (): void => {
      fail(connectionFault('cancelled', peer, undefined, signal?.reason));
    };
    const timer = setTimeout(() => {
      fail(connectionFault('timeout', peer, 'no end of the TLS handshake'));
    }, milliseconds);
    socket.on('error', onError).on(event, onDone).on('close', onClose).on('end', onClose);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
  });
}

function clientCertificate(socket: TLSSocket): ClientCertificate | undefined {
  const x509 = socket.getPeerX509Certificate();
  if (x509 === undefined) return undefined;
  const problem = verification(socket);
  return { x509, trusted: problem === undefined, problem };
}

/**
 * What is wrong with the client's certificate. `authorized` is set by `tls.Server` alone, which cannot take a single socket and say whose
 * it is afterwards; this asks where it asks. Were it gone, no certificate would be trusted.
 */
function verification(socket: TLSSocket): string | undefined {
  const handle = (socket as unknown as { readonly _handle?: unknown })._handle;
  if (typeof handle !== 'object' || handle === null || !('verifyError' in handle)) return 'UNKNOWN';
  const { verifyError } = handle;
  if (typeof verifyError !== 'function') return 'UNKNOWN';
  const error: unknown = verifyError.call(handle);
  if (error === undefined || error === null) return undefined;
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
}
