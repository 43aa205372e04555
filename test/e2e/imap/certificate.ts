/** A certificate authority for one test, and a server certificate from it, made by openssl. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ServerCertificate {
  /** Files, PEM. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Makes `ca.pem`, `server.pem` and `server.key` in a folder, for localhost and 127.0.0.1. */
export function makeCertificate(folder: string): ServerCertificate {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { stdio: 'pipe' });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    ...['req', '-x509', ...newKey, '-days', '30', '-subj', '/CN=Postern test CA'],
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-keyout', file('ca.key'), '-out', file('ca.pem')],
  );
  openssl('req', ...newKey, '-subj', '/CN=localhost', '-keyout', file('server.key'), '-out', file('server.csr'));
  writeFileSync(
    file('server.ext'),
    'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n',
  );
  openssl(
    ...['x509', '-req', '-in', file('server.csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'],
    ...['-days', '30', '-extfile', file('server.ext'), '-out', file('server.pem')],
  );
  return { ca: file('ca.pem'), certificate: file('server.pem'), key: file('server.key') };
}
