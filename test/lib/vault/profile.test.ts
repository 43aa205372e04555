import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Secret } from '#lib/keys/secret';
import { LIMITS } from '#lib/vault/limits';
import type { Profile, ProviderEndpoint } from '#lib/vault/profile';
import { checkProfile, isLoopback } from '#lib/vault/profilecheck';
import { decodeProfile, encodeProfile } from '#lib/vault/profilecodec';
import { PROFILE } from './material.js';

describe('profiles', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
  let certificate = '';
  let key = '';
  let otherKey = '';
  before(() => {
    for (const name of ['one', 'two']) {
      const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
      const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.pem`)];
      assert.equal(spawnSync('openssl', [...args, '-subj', `/CN=${name}`, ...files]).status, 0);
    }
    const read = (name: string): string => readFileSync(join(folder, name), 'latin1');
    [certificate, key, otherKey] = [read('one.pem'), read('one.key'), read('two.key')];
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const check = (imap: Partial<ProviderEndpoint>): void => {
    checkProfile({ ...PROFILE, imap: { ...PROFILE.imap, ...imap } });
  };
  const refused = (imap: Partial<ProviderEndpoint>, message: RegExp, code = 'invalid'): void => {
    assert.throws(
      () => {
        check(imap);
      },
      { name: 'VaultError', code, message },
    );
  };

  it('may name hosts, addresses, ports, and how TLS is used and proved', () => {
    for (const host of ['imap.example.com', 'localhost', '192.0.2.1', '2001:db8::1', 'xn--bcher-kva.example'])
      check({ host });
    check({ ca: certificate });
    check({ ca: certificate + certificate });
    check({ pin: `${'A'.repeat(43)}=` });
    check({ clientCertificate: { certificate, key: new Secret(key) } });
  });

  it('do not send a password in clear over a network', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', 'LOCALHOST']) check({ host, tls: 'none' });
    const hosts = [
      'imap.example.com',
      '10.0.0.1',
      '::2',
      '128.0.0.1',
      'localhost.example.com',
      '127.0.0.1.example.com',
    ];
    for (const host of [...hosts, '127.example.com']) {
      assert.equal(isLoopback(host), false);
      refused({ host, tls: 'none' }, /everybody on the way to/);
    }
    const smtp = { host: 'smtp.example.com', port: 25, tls: 'none' } as const;
    assert.throws(() => {
      checkProfile({ ...PROFILE, smtp });
    }, /for SMTP/);
  });

  it('are refused where something could not work', () => {
    for (const host of [
      '',
      'a b',
      'a/b',
      'a\nb',
      '-a',
      '.',
      'a..b',
      'bücher.example',
      'a'.repeat(LIMITS.host + 1),
      'a:1',
    ]) {
      refused({ host }, /is no host for IMAP/);
    }
    for (const port of [0, -1, 65536, 1.5, NaN]) refused({ port }, /is no port for IMAP/);
    refused({ tls: 'ssl' as never }, /is no way to use TLS/);
    refused({ pin: 'abc' }, /is no SHA-256/);
    refused({ pin: `${'A'.repeat(43)}=`, ca: certificate }, /Both a CA and a pinned key/);
    refused({ ca: 'nonsense' }, /holds no certificate/);
    refused({ ca: certificate.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA') }, /cannot be read/);
    refused({ ca: certificate.repeat(500) }, /octets; the limit is/, 'limit');
    const client = (pem: string, secret: string): Partial<ProviderEndpoint> => ({
      clientCertificate: { certificate: pem, key: new Secret(secret) },
    });
    refused(client(certificate, otherKey), /is not that of the client certificate/);
    refused(client(certificate, 'nonsense'), /is no private key in PEM/);
    refused(client('nonsense', key), /holds no certificate/);
    refused(client(certificate, ''), /is empty/);
    for (const name of ['', 'a!b', 'a@b', '-']) {
      assert.throws(() => {
        checkProfile({ ...PROFILE, name });
      }, /cannot be the name of a profile/);
    }
  });

  it('are refused with credentials that no protocol could carry', () => {
    const auth = (change: object): Profile => ({ ...PROFILE, auth: { ...PROFILE.auth, ...change } });
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ user: '' }, /user name at the provider/],
      [{ user: 'a\r\nb' }, /user name at the provider/],
      [{ user: 'a'.repeat(LIMITS.providerUser + 1) }, /more than 512 octets/],
      [{ password: new Secret('') }, /is empty/],
      [{ password: new Secret('a\nb') }, /has a line end or a NUL/],
      [{ password: new Secret('a\0b') }, /has a line end or a NUL/],
      [{ password: new Secret('a'.repeat(LIMITS.secret + 1)) }, /more than 16384 octets/],
    ];
    const refresh = { tokenEndpoint: 'https://a.example/', clientID: 'c', refreshToken: new Secret('r') };
    const oauth = { kind: 'oauth', accessToken: new Secret('t') };
    checkProfile(auth({ ...oauth, refresh }));
    const tokens: readonly (readonly [object, RegExp])[] = [
      [{ ...oauth, accessToken: new Secret('a\rb') }, /The access token has a line end/],
      [{ ...oauth, refresh: { ...refresh, tokenEndpoint: 'http://a.example/' } }, /is no https address/],
      [{ ...oauth, refresh: { ...refresh, tokenEndpoint: 'nonsense' } }, /is no https address/],
      [{ ...oauth, refresh: { ...refresh, clientID: '' } }, /client ID/],
      [{ ...oauth, refresh: { ...refresh, refreshToken: new Secret('') } }, /refresh token is empty/],
      [{ ...oauth, refresh: { ...refresh, clientSecret: new Secret('') } }, /client secret is empty/],
    ];
    for (const [change, message] of [...cases, ...tokens]) {
      assert.throws(() => {
        checkProfile(auth(change));
      }, message);
    }
  });

  it('come back as they went, and their secrets are not in the JSON', () => {
    const profile: Profile = {
      ...PROFILE,
      imap: { ...PROFILE.imap, ca: certificate, clientCertificate: { certificate, key: new Secret(key) } },
      smtp: { host: '::1', port: 25, tls: 'none', pin: `${'A'.repeat(43)}=` },
      compress: true,
      policies: { compatible: false, headers: 'strict', exempt: ['Spam', 'Entwürfe'] },
    };
    const blobs: Buffer[] = [];
    const json = JSON.stringify(encodeProfile(profile, (secret) => blobs.push(secret.revealBytes()) - 1));
    assert.doesNotMatch(json, /staple|PRIVATE KEY/);
    const back = decodeProfile(JSON.parse(json), blobs);
    assert.deepEqual(JSON.parse(JSON.stringify(back)), JSON.parse(JSON.stringify(profile)));
    assert.equal(back.imap.clientCertificate?.key.reveal(), key);
    assert.throws(() => decodeProfile(JSON.parse(json), []), TypeError);
    assert.throws(() => decodeProfile({}, blobs), TypeError);
  });

  it('have the policies that were known when they were stored, and no others than are known now', () => {
    const stored = (policies: object): unknown => ({ ...encodeProfile(PROFILE, () => 0), policies });
    const decoded = (policies: object): object => decodeProfile(stored(policies), [Buffer.from('x')]).policies;
    assert.deepEqual(decoded({}), {});
    assert.deepEqual(decoded({ compatible: true, unknown: 1 }), { compatible: true });
    assert.throws(() => decoded({ headers: 'all' }), TypeError);
    assert.throws(() => decoded({ exempt: [1] }), TypeError);
    const checked = (policies: object): void => {
      checkProfile({ ...PROFILE, policies });
    };
    checked({ headers: 'none', exempt: ['Spam'] });
    assert.throws(() => {
      checked({ headers: 'all' });
    }, /is no policy for headers/);
    for (const name of ['', 'a\nb']) {
      assert.throws(() => {
        checked({ exempt: [name] });
      }, /cannot be the name of a mailbox/);
    }
    assert.throws(() => {
      checked({ exempt: ['a'.repeat(LIMITS.mailbox + 1)] });
    }, /more than 4096 octets/);
    assert.throws(() => {
      checked({ exempt: Array(LIMITS.exempt + 1).fill('a') });
    }, /More than 64 mailboxes/);
  });
});
