import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type ShownProfile, USER, UserCommand } from '#test/src/usercommand';

const HEX = '00112233445566778899aabbccddeeff'.repeat(2);
const PIN = Buffer.from(HEX, 'hex').toString('base64');

describe('postern user profile', () => {
  let user: UserCommand;
  let secret: readonly string[] = [];
  beforeEach(async () => {
    user = new UserCommand();
    secret = ['--provider-password-file', user.secret('provider', 'battery staple')];
    await user.make();
  });
  afterEach(() => {
    user.remove();
  });

  const add = (name: string, ...options: readonly string[]): readonly string[] => [
    ...['profile', 'add', USER, name, ...user.unlock, ...secret],
    ...options,
  ];
  const show = (name: string): ShownProfile => {
    const [profile] = user.json(['profile', 'show', USER, name, ...user.unlock]) as readonly ShownProfile[];
    assert.ok(profile);
    return profile;
  };

  it('adds one with all its settings', async () => {
    const [certificate, key] = [join(user.folder, 'client.pem'), join(user.folder, 'client.key')];
    const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=c'];
    assert.equal(spawnSync('openssl', [...make, '-keyout', key, '-out', certificate]).status, 0);
    const imap = [
      '--imap-host',
      'imap.example.com',
      '--imap-port',
      '1993',
      '--imap-tls',
      'starttls',
      '--imap-ca',
      certificate,
    ];
    const smtp = [
      '--smtp-host',
      '::1',
      '--smtp-tls',
      'none',
      '--smtp-pin',
      HEX.toUpperCase().replace(/..(?=.)/g, '$&:'),
    ];
    const client = ['--client-certificate', certificate, '--client-key', key];
    const rest = ['--provider-user', 'a.example', '--compress', '--compatible'];
    const text = user.ok(add('work', ...imap, ...smtp, ...client, ...rest));
    assert.match(text, /IMAP: +imap\.example\.com:1993, TLS starttls, CA of its own, client certificate\n/);
    assert.match(text, /SMTP: +\[::1\]:587, no TLS, key /);
    const pem = readFileSync(certificate, 'latin1');
    assert.deepEqual(show('work'), {
      name: 'work',
      imap: { host: 'imap.example.com', port: 1993, tls: 'starttls', ca: pem, pin: null, clientCertificate: pem },
      smtp: { host: '::1', port: 587, tls: 'none', ca: null, pin: PIN, clientCertificate: pem },
      auth: 'password',
      user: 'a.example',
      compress: true,
      policies: { compatible: true },
      default: true,
    });
    const [profile] = (await user.open()).profiles;
    assert.ok(profile?.auth.kind === 'password');
    assert.equal(profile.auth.password.reveal(), 'battery staple');
    assert.equal(profile.imap.clientCertificate?.key.reveal(), readFileSync(key, 'latin1'));
  });

  it('takes what is usual where nothing is said', () => {
    user.ok(add('home', '--imap-host', 'imap.example.com', '--smtp-host', 'smtp.example.com'));
    const { imap, smtp, compress, policies, ...more } = show('home');
    assert.deepEqual([imap.port, imap.tls, smtp?.port, smtp?.tls], [993, 'implicit', 465, 'implicit']);
    assert.deepEqual([compress, policies, more.user, more.auth], [false, {}, USER, 'password']);
    user.ok(add('two', '--imap-host', 'imap.example.com', '--imap-tls', 'starttls', '--no-compatible'));
    assert.deepEqual(
      [show('two').imap.port, show('two').smtp, show('two').policies],
      [143, null, { compatible: false }],
    );
    for (const pin of [`sha256//${PIN}`, PIN]) {
      user.ok(add('two', '--imap-host', 'imap.example.com', '--imap-pin', pin, '--replace'));
      assert.equal(show('two').imap.pin, PIN);
    }
  });

  it('has policies, which can be changed alone', async () => {
    const exempt = ['--exempt', 'Spam', '--exempt', 'Entwürfe'];
    const text = user.ok(add('home', '--imap-host', 'imap.example.com', '--headers', 'strict', ...exempt));
    assert.match(text, /headers strict\)\n/);
    assert.match(text, /Exempt: +Spam\n +Exempt: +Entwürfe\n/);
    assert.deepEqual(show('home').policies, { headers: 'strict', exempt: ['Spam', 'Entwürfe'] });
    const change = (...options: readonly string[]): object => {
      user.ok(['profile', 'change', USER, 'home', ...user.unlock, ...options]);
      return show('home').policies;
    };
    assert.deepEqual(change('--compatible'), { headers: 'strict', exempt: ['Spam', 'Entwürfe'], compatible: true });
    assert.deepEqual(change('--exempt', 'Junk'), { headers: 'strict', exempt: ['Junk'], compatible: true });
    assert.deepEqual(change('--no-exempt', '--headers', 'standard'), { headers: 'standard', compatible: true });
    const [profile] = (await user.open()).profiles;
    assert.ok(profile?.auth.kind === 'password');
    assert.equal(profile.auth.password.reveal(), 'battery staple');
    user.fails(['profile', 'change', USER, 'work', ...user.unlock, '--compatible'], 67, /no profile "work"/);
    user.fails(['profile', 'change', USER, 'home', ...user.unlock, '--exempt', ''], 65, /cannot be the name/);
    user.fails(['profile', 'change', USER, 'home', ...user.unlock, '--headers', 'all'], 64, /Allowed choices/);
  });

  it('logs in with an access token', async () => {
    const token = user.secret('token', 'a bearer token');
    const args = [
      'profile',
      'add',
      USER,
      'oauth',
      ...user.unlock,
      '--imap-host',
      'imap.example.com',
      '--auth',
      'oauth',
    ];
    user.ok([...args, '--access-token-file', token]);
    assert.equal(show('oauth').auth, 'oauth');
    const [profile] = (await user.open()).profiles;
    assert.ok(profile?.auth.kind === 'oauth');
    assert.equal(profile.auth.accessToken.reveal(), 'a bearer token');
    user.fails([...args, '--replace'], 77, /access token is needed and there is no terminal/);
  });

  it('has a default one, which can be another, and removes them', () => {
    const imap = ['--imap-host', 'imap.example.com'];
    user.ok(add('home', ...imap));
    user.ok(add('work', ...imap));
    user.ok(add('play', ...imap, '--default'));
    const names = (): readonly (readonly [string, boolean | undefined])[] =>
      (user.json(['profile', 'show', USER, ...user.unlock]) as readonly ShownProfile[]).map((each) => [
        each.name,
        each.default,
      ]);
    assert.deepEqual(names(), [
      ['home', false],
      ['work', false],
      ['play', true],
    ]);
    assert.equal(user.ok(['profile', 'default', USER, 'work', ...user.unlock]), 'the default profile is "work"\n');
    const removed = user.ok(['profile', 'remove', USER, 'work', ...user.unlock]);
    assert.equal(removed, 'removed the profile "work"; the default one is "home"\n');
    user.fails(['profile', 'default', USER, 'work', ...user.unlock], 67, /no profile "work"/);
    user.fails(['profile', 'remove', USER, 'work', ...user.unlock], 67, /no profile "work"/);
    user.fails(['profile', 'show', USER, 'work', ...user.unlock], 67, /no profile "work"/);
    user.fails(add('home', ...imap), 73, /a profile "home" already/);
    assert.equal(names().length, 2);
  });

  it('says what is wrong with its settings', () => {
    const imap = ['--imap-host', 'imap.example.com'];
    user.fails(add('home'), 64, /give --imap-host/);
    user.fails(add('home', ...imap, '--imap-tls', 'none'), 65, /everybody on the way to imap\.example\.com/);
    user.fails(add('home', ...imap, '--imap-tls', 'ssl'), 64, /Allowed choices are implicit, starttls, none/);
    user.fails(add('home', ...imap, '--imap-port', '0'), 65, /0 is no port for IMAP/);
    user.fails(add('home', ...imap, '--imap-port', 'x'), 64, /Give a number/);
    user.fails(add('home', ...imap, '--imap-pin', 'x'), 65, /is no SHA-256/);
    user.fails(add('home', ...imap, '--imap-ca', user.password), 65, /The CA file for IMAP holds no certificate/);
    user.fails(add('home', ...imap, '--imap-ca', join(user.folder, 'absent')), 66, /absent/);
    user.fails(add('home', ...imap, '--client-key', user.password), 64, /needs both --client-certificate/);
    user.fails(add('a!b', ...imap), 65, /"a!b" cannot be the name of a profile/);
    assert.deepEqual(user.json(['profile', 'show', USER, ...user.unlock]), []);
  });
});
