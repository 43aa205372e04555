import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeAuthority } from '#test/lib/net/certificates';

/** A new folder with the certificates and keys that the configurations of the tests name: right ones, and each kind of wrong one. */
export function materialFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
  const authority = makeAuthority();
  const own = authority.issue('localhost');
  const other = authority.issue('localhost');
  const expired = authority.issue('localhost', { days: -1 });
  const path = (name: string): string => join(folder, name);
  const files = {
    'ca.pem': authority.ca,
    'cert.pem': `${own.certificate}${authority.ca}`,
    'key.pem': own.key,
    'other-key.pem': other.key,
    'expired.pem': expired.certificate,
    'expired-key.pem': expired.key,
    'damaged.pem': own.certificate.replace(/\n.{64}\n/, '\n'),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(path(name), content);
  const lock = ['-aes256', '-passout', 'pass:correct horse'];
  execFileSync('openssl', ['pkey', '-in', path('key.pem'), '-out', path('locked-key.pem'), ...lock]);
  return folder;
}
