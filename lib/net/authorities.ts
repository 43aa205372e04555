import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type SecureContext, createSecureContext } from 'node:tls';
import { LIMITS } from './limits.js';

/**
 * Where systems keep the certificates of the authorities they trust: what `SSL_CERT_FILE` names (OpenSSL's own variable), Debian and Alpine,
 * Fedora, SUSE, FreeBSD.
 */
const FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
] as const;

/**
 * Contexts in use, by a digest of what they are made of. A context takes 30 KB, with the system's authorities a megabyte, and a user's
 * sessions all have the same. Their sockets hold it; when the last one is gone, so is the context and the key in it.
 */
const inUse = new Map<string, WeakRef<SecureContext>>();
const gone = new FinalizationRegistry<string>((digest) => {
  if (inUse.get(digest)?.deref() === undefined) inUse.delete(digest);
});

let kept: { readonly context: SecureContext; readonly until: number } | undefined;

/**
 * A context that trusts the system's authorities, and where no file of them is found those that Node comes with. Reading the list
 * takes some 20 ms, so that it is kept for a while.
 */
export async function systemContext(now: number = Date.now()): Promise<SecureContext> {
  if (kept === undefined || kept.until <= now) {
    const context = clientContext(await systemAuthorities());
    kept = { context, until: now + LIMITS.authoritiesMilliseconds };
  }
  return kept.context;
}

/** The system's authorities as PEM, or undefined where there is no such file. */
export async function systemAuthorities(
  files: readonly string[] = [
    ...(process.env['SSL_CERT_FILE'] === undefined ? [] : [process.env['SSL_CERT_FILE']]),
    ...FILES,
  ],
): Promise<string | undefined> {
  for (const file of files) {
    try {
      return await readFile(file, 'latin1');
    } catch {
      // The next one, or none.
    }
  }
  return undefined;
}

/**
 * A context for a client: TLS 1.2 or newer, these authorities (PEM; undefined: Node's), and a certificate of its own where it has one. It
 * may be in use by others with the same.
 */
export function clientContext(
  ca: string | undefined,
  identity?: { readonly certificate: string; readonly key: string },
): SecureContext {
  const digest = createHash('sha256')
    .update(JSON.stringify([ca, identity?.certificate, identity?.key]))
    .digest('base64');
  const shared = inUse.get(digest)?.deref();
  if (shared !== undefined) return shared;
  const context = createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
    ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.key }),
  });
  inUse.set(digest, new WeakRef(context));
  gone.register(context, digest);
  return context;
}
