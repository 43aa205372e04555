/** Certificates for one test run, made by openssl: right ones, and each kind of wrong one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM texts. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

export interface IssueOptions {
  /** `subjectAltName` of the extension. Default `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string;
  /** Days that it is valid. Negative: it has expired. Default 30. */
  readonly days?: number;
  readonly usage?: 'serverAuth' | 'clientAuth';
}

export interface Authority {
  /** PEM. */
  readonly ca: string;
  readonly issue: (commonName: string, options?: IssueOptions) => Identity;
  readonly selfSigned: (commonName: string) => Identity;
  /** SHA-256 of the public key (SubjectPublicKeyInfo) of a certificate, hexadecimal, as openssl computes it. */
  readonly pinOf: (identity: Identity) => string;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'] as const;

/** Makes a certificate authority. */
export function makeAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'postern-ca-'));
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const file = (name: string): string => join(folder, name);
  const read = (name: string): string => readFileSync(file(name), 'latin1');
  const openssl = (args: readonly string[], input?: string | Buffer): Buffer =>
    execFileSync('openssl', args, { stdio: 'pipe', ...(input === undefined ? {} : { input }) });
  const keep = ['-keyout', file('new.key'), '-out'];
  openssl(['req', '-x509', ...NEW_KEY, '-days', '30', '-subj', '/CN=Test CA', ...keep, file('ca.pem')]);
  const ca = read('ca.pem');
  const caKey = read('new.key');
  writeFileSync(file('ca.key'), caKey, { mode: 0o600 });
  return {
    ca,
    issue: (commonName, options = {}) => {
      const { names = 'DNS:localhost,IP:127.0.0.1', days = 30, usage = 'serverAuth' } = options;
      openssl(['req', ...NEW_KEY, '-subj', `/CN=${commonName}`, ...keep, file('new.csr')]);
      writeFileSync(
        file('new.ext'),
        `basicConstraints=CA:FALSE\nextendedKeyUsage=${usage}\n${names === '' ? '' : `subjectAltName=${names}\n`}`,
      );
      const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', file('new.ext')];
      openssl(['x509', '-req', '-in', file('new.csr'), ...signer, '-days', String(days), '-out', file('new.pem')]);
      return { certificate: read('new.pem'), key: read('new.key') };
    },
    selfSigned: (commonName) => {
      openssl(['req', '-x509', ...NEW_KEY, '-days', '30', '-subj', `/CN=${commonName}`, ...keep, file('new.pem')]);
      return { certificate: read('new.pem'), key: read('new.key') };
    },
    pinOf: ({ certificate }) => {
      const publicKey = openssl(['x509', '-pubkey', '-noout'], certificate);
      const der = openssl(['pkey', '-pubin', '-outform', 'DER'], publicKey);
      return openssl(['dgst', '-sha256', '-r'], der).toString('latin1').slice(0, 64);
    },
  };
}
