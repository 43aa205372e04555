/** From the errors of sockets, resolver and TLS to sentences. None of them holds a secret: they name peer, cause and remedy. */
import { ConnectionError, type ConnectionErrorCode } from './connection.js';

/** Codes of Node and of the system that say more than that TLS failed or the connection is gone. */
const CODES: Readonly<Record<string, ConnectionErrorCode>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EINVAL: 'unreachable',
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  ETIMEDOUT: 'timeout',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ABORT_ERR: 'cancelled',
  ERR_TLS_CERT_ALTNAME_INVALID: 'name-mismatch',
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate',
  CERT_UNTRUSTED: 'certificate',
  CERT_REJECTED: 'certificate',
  CERT_REVOKED: 'certificate',
  CERT_CHAIN_TOO_LONG: 'certificate',
  CERT_SIGNATURE_FAILURE: 'certificate',
  INVALID_CA: 'certificate',
  INVALID_PURPOSE: 'certificate',
  PATH_LENGTH_EXCEEDED: 'certificate',
};

/** How the sentence about each goes on after "The connection to PEER", and what to do. */
const SENTENCES: Readonly<Record<ConnectionErrorCode, readonly [cause: string, remedy: string]>> = {
  refused: ['was refused', 'Check host and port, and whether the server is running'],
  unreachable: ['found no way there', 'Check the address, and the network of this machine'],
  timeout: ['took too long', 'Check host, port and firewalls, or try again later'],
  dns: ['found no address for the name', 'Check the name, and the resolver of this machine'],
  tls: ['failed in TLS', 'Check that the port speaks TLS, version 1.2 or newer'],
  certificate: [
    'was given a certificate that is not trusted',
    'If it is the right server, name its certificate authority or pin its key',
  ],
  'name-mismatch': [
    'was given a certificate for another name',
    'Use the host name that the certificate is for, or set the server name',
  ],
  pin: [
    'was given a certificate with another key than the pinned one',
    'If the key was changed on purpose, pin the new one',
  ],
  expired: [
    'was given a certificate that is not valid at present',
    'Check the clock of this machine, and whether the server has a newer one',
  ],
  insecure: ['would not be encrypted', 'Use TLS; without it only addresses of this machine (loopback) are allowed'],
  injected: ['brought octets before the TLS handshake', 'Somebody may be interfering: check the network in between'],
  compression: ['brought damaged compressed data', 'Connect again, without compression if it happens again'],
  reset: ['was broken off', 'Connect again'],
  closed: ['has been closed', 'Connect again'],
  cancelled: ['was cancelled', 'Connect again if it is still wanted'],
};

/** An error that names the peer (`host:port`), what happened, and what to do. `detail` is put in parentheses. */
export function connectionFault(
  code: ConnectionErrorCode,
  peer: string,
  detail?: string,
  cause?: unknown,
): ConnectionError {
  const [what, remedy] = SENTENCES[code];
  const inside = detail === undefined || detail === '' ? '' : ` (${detail})`;
  return new ConnectionError(code, `The connection to ${peer} ${what}${inside}. ${remedy}.`, { cause });
}

/** The same for an error that Node reports. `otherwise` is the code where Node's says nothing to us. */
export function explainFault(error: unknown, peer: string, otherwise: 'tls' | 'reset' = 'reset'): ConnectionError {
  if (error instanceof ConnectionError) return error;
  const code = codeOf(error);
  const isTLS = code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO';
  return connectionFault(CODES[code] ?? (isTLS ? 'tls' : otherwise), peer, detailOf(error, code), error);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Node's own name for the fault; where it has none, the first line of its message, which is short and printable. */
function detailOf(error: unknown, code: string): string {
  if (code !== '') return code;
  const [line = ''] = error instanceof Error ? error.message.split('\n') : [];
  return line.replace(/[^\x20-\x7e]/g, '?').slice(0, 100);
}
