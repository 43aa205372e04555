import { createHash, timingSafeEqual } from 'node:crypto';
import { type Socket, isIP } from 'node:net';
import { type SecureContext, type TLSSocket, connect } from 'node:tls';
import { clientContext, systemAuthorities, systemContext } from './authorities.js';
import { ConnectionError } from './connection.js';
import { connectionFault, explainFault } from './fault.js';
import { handshake } from './tlsserver.js';

/** Text that shows itself only when asked (`Secret` of lib/keys is one). */
export interface Concealed {
  reveal(): string;
}

/** By what a server's certificate is judged, and what we show of ourselves. */
export interface TLSClientOptions {
  /** The name that the certificate must be for, and that is sent (SNI) unless it is an address. */
  readonly serverName: string;
  /** Certificates of the authorities that count, PEM. Without: those of the system. */
  readonly ca?: string;
  /**
   * SHA-256 of the public key (SubjectPublicKeyInfo), in base64 or in hexadecimal. With it the key decides alone: authority, name and
   * dates of the certificate do not count.
   */
  readonly pin?: string;
  readonly clientCertificate?: { readonly certificate: string; readonly key: string | Concealed };
  /** Protocols to offer (RFC 7301). */
  readonly protocols?: readonly string[];
  readonly milliseconds?: number;
  readonly signal?: AbortSignal;
}

/**
 * Does the client's side of a TLS handshake on a connected socket. `peer` names the server in errors. Rejects with ConnectionError, and
 * the socket is destroyed then; a certificate that does not suffice has been sent nothing but the handshake.
 */
export async function secureClient(socket: Socket, peer: string, options: TLSClientOptions): Promise<TLSSocket> {
  const { pin } = options;
  let secured: TLSSocket | undefined;
  try {
    const pinned = pin === undefined ? undefined : readPin(pin, peer);
    const name = options.serverName.replace(/\.$/, '');
    const secureContext = await contextFor(options, peer);
    if (socket.destroyed) throw connectionFault('reset', peer, 'before the TLS handshake');
    secured = connect({
      socket,
      // What the certificate is compared with. An address is compared too, and may not be sent as a name (RFC 6066 §3).
      host: name,
      ...(isIP(name) === 0 ? { servername: name } : {}),
      secureContext,
      rejectUnauthorized: pinned === undefined,
      ...(options.protocols === undefined ? {} : { ALPNProtocols: [...options.protocols] }),
    });
    await handshake(secured, 'secureConnect', peer, options);
    if (pinned !== undefined) checkPin(secured, pinned, peer);
    return secured;
  } catch (error) {
    secured?.destroy();
    socket.destroy();
    throw error instanceof ConnectionError ? error : explainFault(error, peer, 'tls');
  }
}

/** The octets of a pin, or undefined where it is none: 32 octets in hexadecimal (colons allowed) or base64, maybe with `sha256/` before. */
export function pinOctets(pin: string): Buffer | undefined {
  // Base64 can begin with the slash that a prefix ends in: the length tells them apart.
  const [, hexadecimal, base64] =
    /^(?:sha-?256(?::|\/\/?))?(?:((?:[0-9a-f]{2}:?){32})|([A-Z0-9+/]{43})=?)$/i.exec(pin.trim()) ?? [];
  if (hexadecimal !== undefined) return Buffer.from(hexadecimal.replaceAll(':', ''), 'hex');
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}

function readPin(pin: string, peer: string): Buffer {
  const octets = pinOctets(pin);
  if (octets === undefined) {
    throw new ConnectionError(
      'pin',
      `The pin for ${peer} is no SHA-256 digest. It should be the digest of the public key in base64 or hexadecimal.`,
    );
  }
  return octets;
}

function checkPin(socket: TLSSocket, pinned: Buffer, peer: string): void {
  const key = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' });
  const digest = createHash('sha256')
    .update(key ?? '')
    .digest();
  if (key === undefined || !timingSafeEqual(digest, pinned)) {
    throw connectionFault('pin', peer, `its pin would be ${digest.toString('base64')}`);
  }
}

async function contextFor({ ca, clientCertificate }: TLSClientOptions, peer: string): Promise<SecureContext> {
  if (clientCertificate === undefined && ca === undefined) return systemContext();
  const authorities = ca ?? (await systemAuthorities());
  try {
    if (clientCertificate === undefined) return clientContext(authorities);
    const { certificate, key } = clientCertificate;
    return clientContext(authorities, { certificate, key: typeof key === 'string' ? key : key.reveal() });
  } catch (error) {
    // OpenSSL's own words are not passed on: they are about the contents of key files.
    const what =
      clientCertificate === undefined ? 'certificate authority' : 'client certificate, its key or the authority';
    throw new ConnectionError(
      'tls',
      `The ${what} for ${peer} cannot be used. It must be PEM, the key without a passphrase and the certificate's own.`,
      { cause: error },
    );
  }
}
