import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gather, memorySource } from '#lib/bytes/source';
import { openStored } from '#lib/message/open';
import { HEADER_POLICIES } from '#lib/message/policy';
import { sealAtRest, sealForOthers } from '#lib/message/seal';
import { lines, person } from './fixture.js';

/** Signatures that others have made over a message hold after it was sealed and opened. */

const alice = await person('Alice <alice@example.com>');
const originKey = Buffer.alloc(32, 7);
const folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function run(command: string, args: readonly string[], input: Buffer | string = ''): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, { input, cwd: folder, timeout: 30_000 });
  if (error) throw error;
  assert.equal(status, 0, stderr.toString());
  return stdout;
}

async function throughPostern(message: Buffer): Promise<readonly Buffer[]> {
  const results: Buffer[] = [];
  for (const policy of HEADER_POLICIES) {
    const sealed = await sealAtRest(memorySource(message), { recipients: [alice.recipient], policy, originKey });
    const stored = await gather(sealed.stream());
    const view = await openStored(memorySource(stored), { keys: () => [alice.key], originKey });
    results.push(await gather(view.stream()));
  }
  return results;
}

describe('DKIM', () => {
  const DKIM = `
import sys, dkim
key, record, what = open('dkim.pem', 'rb').read(), open('dkim.txt', 'rb').read(), sys.argv[1]
message = sys.stdin.buffer.read()
if what == 'sign':
    sys.stdout.buffer.write(dkim.sign(message, b's', b'example.com', key, canonicalize=(b'simple', b'simple')) + message)
else:
    sys.exit(0 if dkim.verify(message, dnsfunc=lambda name, timeout=5: record) else 1)
`;
  const dkim = (what: 'sign' | 'verify', message: Buffer): Buffer =>
    run('/usr/bin/python3', ['-c', DKIM, what], message);

  it('still verifies', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(folder, 'dkim.pem'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
    const record = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    writeFileSync(join(folder, 'dkim.txt'), `v=DKIM1; k=rsa; p=${record}`);
    const message = lines(
      'From: Bob <bob@example.com>',
      'To:  alice@example.com',
      'Subject: a',
      '\tb',
      '',
      'hello ',
      '',
      '',
    );
    const signed = dkim('sign', message);
    assert.match(signed.toString(), /^DKIM-Signature:/);
    for (const opened of await throughPostern(signed)) dkim('verify', opened);
    const changed = Buffer.from(signed.toString().replace('hello ', 'hello'));
    assert.throws(() => dkim('verify', changed));
  });
});

describe('S/MIME', () => {
  const made = (): Buffer => {
    run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'smime.key',
      '-out',
      'smime.pem',
      '-subj',
      '/CN=Bob/emailAddress=bob@example.com',
      '-days',
      '2',
    ]);
    return run(
      'openssl',
      [
        'cms',
        '-sign',
        '-signer',
        'smime.pem',
        '-inkey',
        'smime.key',
        '-text',
        '-crlfeol',
        '-from',
        'bob@example.com',
        '-to',
        'alice@example.com',
        '-subject',
        'signed',
      ],
      'hello\r\n',
    );
  };
  const verify = (message: Buffer): Buffer =>
    run('openssl', ['cms', '-verify', '-CAfile', 'smime.pem', '-text'], message);

  it('still verifies, at rest and for others', async () => {
    const signed = made();
    assert.match(signed.toString(), /multipart\/signed/);
    for (const opened of await throughPostern(signed)) verify(opened);
    assert.throws(() => verify(Buffer.from(signed.toString().replace('hello', 'hallo'))));

    const sealed = await sealForOthers(memorySource(signed), { recipients: [alice.recipient] });
    const stored = await gather(sealed.stream());
    const view = await openStored(memorySource(stored), { keys: () => [alice.key] });
    const shown = (await gather(view.stream())).toString('latin1');
    const part = shown.slice(shown.search(/Content-Type: multipart\/signed/), shown.lastIndexOf('\r\n--postern-'));
    verify(Buffer.from(`MIME-Version: 1.0\r\n${part}`, 'latin1'));
  });
});

describe('PGP/MIME signatures', () => {
  const home = join(folder, 'gnupg');
  const gpg = (args: readonly string[], input: Buffer | string = ''): Buffer =>
    run('gpg', ['--homedir', home, '--batch', '--quiet', '--no-autostart', '--trust-model', 'always', ...args], input);
  /** The multipart/signed that a message is: verified as RFC 3156 §5 says. */
  const verify = (message: Buffer): void => {
    const text = message.toString('latin1');
    const [, part = '', signature = ''] =
      /--s\r\n([^]*?)\r\n--s\r\nContent-Type: application\/pgp-signature\r\n\r\n([^]*?)\r\n--s--/.exec(text) ?? [];
    writeFileSync(join(folder, 'part'), part, 'latin1');
    writeFileSync(join(folder, 'part.asc'), signature);
    gpg(['--verify', 'part.asc', 'part']);
  };

  it('still verify', async () => {
    run('mkdir', ['-m', '700', home]);
    writeFileSync(join(folder, 'key.asc'), alice.key.armor());
    spawnSync('gpg-agent', ['--homedir', home, '--daemon'], { stdio: 'ignore' });
    try {
      gpg(['--import', 'key.asc']);
      const part = lines('Content-Type: text/plain', '', 'hello ', 'From me').subarray(0, -2);
      const signature = gpg(['--armor', '--detach-sign', '--local-user', 'alice@example.com'], part).toString();
      const message = lines(
        'From: alice@example.com',
        'Content-Type: multipart/signed; boundary=s; protocol="application/pgp-signature"; micalg=pgp-sha512',
        '',
        '--s',
        part.toString(),
        '--s',
        'Content-Type: application/pgp-signature',
        '',
        signature,
        '--s--',
      );
      verify(message);
      for (const opened of await throughPostern(message)) verify(opened);
      assert.throws(() => {
        verify(Buffer.from(message.toString().replace('hello ', 'hello')));
      });
    } finally {
      spawnSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    }
  });
});

describe('other OpenPGP programs', () => {
  it('find the message in its stored form', async () => {
    const message = readFileSync(join(process.cwd(), 'test/corpus/signed.eml'));
    const home = join(folder, 'gnupg-2');
    run('mkdir', ['-m', '700', home]);
    writeFileSync(join(folder, 'secret.asc'), alice.key.armor());
    const sealed = await sealAtRest(memorySource(message), { recipients: [alice.recipient], compatible: true });
    const stored = (await gather(sealed.stream())).toString('latin1');
    const [armored = ''] = /-----BEGIN PGP MESSAGE-----[^]*-----END PGP MESSAGE-----\r\n/.exec(stored) ?? [];
    assert.deepEqual(run('sqop', ['decrypt', 'secret.asc'], armored), message);
    spawnSync('gpg-agent', ['--homedir', home, '--daemon'], { stdio: 'ignore' });
    try {
      const gpg = ['--homedir', home, '--batch', '--quiet', '--no-autostart'];
      run('gpg', [...gpg, '--import', 'secret.asc']);
      assert.deepEqual(run('gpg', [...gpg, '--decrypt'], armored), message);
    } finally {
      spawnSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    }
  });

  it('make messages that are opened', async () => {
    writeFileSync(join(folder, 'cert.asc'), alice.key.toPublic().armor());
    writeFileSync(join(folder, 'secret.asc'), alice.key.armor());
    const payload = lines('Content-Type: text/plain', '', 'hello');
    const armored = run('sqop', ['encrypt', '--sign-with=secret.asc', 'cert.asc'], payload).toString();
    const stored = lines(
      'From: alice@example.com',
      'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b',
      '',
      '--b',
      'Content-Type: application/pgp-encrypted',
      '',
      'Version: 1',
      '--b',
      'Content-Type: application/octet-stream',
      '',
      armored,
      '--b--',
    );
    const view = await openStored(memorySource(stored), {
      keys: () => [alice.key],
      verifiers: () => [alice.key.toPublic()],
    });
    const shown = (await gather(view.stream())).toString();
    assert.match(shown, /^Postern-Status: encrypted; signature=valid; signer=alice@example.com;/);
    assert.match(shown, /\r\n\r\nhello\r\n$/);
  });
});
