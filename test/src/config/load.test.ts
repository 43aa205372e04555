import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { type Configuration, loadConfiguration } from '#src/config/load';
import { problemLine } from '#src/config/problem';
import { materialFolder } from './material.js';

const BROKEN = join('test', 'src', 'config', 'broken');

const folder = materialFolder();
const file = join(folder, 'postern.toml');
after(() => {
  rmSync(folder, { recursive: true });
});

/** What is wrong with a configuration, without what differs from run to run. */
async function problemsOf(document: string | Buffer, now?: Date): Promise<readonly string[]> {
  writeFileSync(file, document);
  const loaded = await loadConfiguration(file, now);
  return (loaded.ok ? [] : loaded.problems).map((problem) =>
    problemLine(problem)
      .replace(`${file}:`, '')
      .replaceAll(folder, 'FOLDER')
      .replace(/\w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT/, 'DATE'),
  );
}

async function load(document: string): Promise<Configuration> {
  assert.deepEqual(await problemsOf(document), []);
  const loaded = await loadConfiguration(file);
  assert.ok(loaded.ok);
  return loaded.configuration;
}

describe('a broken configuration', () => {
  const names = readdirSync(BROKEN).filter((name) => name.endsWith('.toml'));
  assert.ok(names.length >= 25);
  for (const name of names) {
    it(`is told: ${name}`, async () => {
      const document = readFileSync(join(BROKEN, name), 'utf8');
      const expected = [...document.matchAll(/^#! (.*)$/gm)].map(([, line]) => line);
      assert.ok(expected.length > 0, 'the file says nothing of what is wrong with it');
      assert.deepEqual(await problemsOf(document), expected);
    });
  }

  it('is told where it is no text, or too large, or not there', async () => {
    assert.deepEqual(await problemsOf(Buffer.from('# \xff', 'latin1')), [' The file is not in UTF-8. Save it so.']);
    assert.match((await problemsOf('#'.repeat(1024 * 1024 + 1))).join(), /more than 1048576 octets/);
    const loaded = await loadConfiguration(join(folder, 'none.toml'));
    assert.match(loaded.ok ? '' : loaded.problems.map(problemLine).join(), /none\.toml: no such file/);
  });

  it('is one whose certificate is not valid yet', async () => {
    const document = '[[listen]]\n[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n';
    assert.deepEqual(await problemsOf(document, new Date('2020-01-01')), [
      '3: tls.certificate: The certificate in FOLDER/cert.pem is not valid before DATE. Check the clock, or wait.',
    ]);
  });
});

describe('a configuration', () => {
  it('has the defaults where nothing is written', async () => {
    const { listeners, certificate, provider, enrolment, limits, log } = await load('[[listen]]\ntls = "none"\n');
    assert.deepEqual(listeners, [{ protocol: 'imap', address: '127.0.0.1', port: 143, tls: 'none' }]);
    assert.equal(certificate, undefined);
    assert.equal(provider, undefined);
    assert.deepEqual(enrolment, { enabled: false });
    assert.deepEqual(limits, {
      connections: 1000,
      connectionsPerAddress: 50,
      handshakeTimeout: 30_000,
      loginTimeout: 120_000,
      errorBudget: 20,
      idleTimeout: 2_100_000,
      stopTimeout: 30_000,
    });
    assert.deepEqual(log, { level: 'info', format: 'text', addresses: 'peers' });
  });

  it('has the port that goes with its TLS', async () => {
    const { listeners, provider } = await load(
      '[[listen]]\n[[listen]]\ntls = "starttls"\n[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n[provider.imap]\nhost = "::1"\ntls = "none"\n',
    );
    assert.deepEqual(
      listeners.map(({ port }) => port),
      [993, 143],
    );
    assert.equal(provider?.port, 143);
  });

  it('brings the files that it names, relative to itself', async () => {
    const { certificate, provider } = await load(
      '[[listen]]\n[tls]\ncertificate = "./cert.pem"\nkey = "key.pem"\n[provider.imap]\nhost = "imap.example.com"\nca = "ca.pem"\n',
    );
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    assert.ok(certificate);
    assert.equal(certificate.certificate, read('cert.pem'));
    assert.equal(certificate.key.reveal(), read('key.pem'));
    assert.deepEqual(provider, { host: 'imap.example.com', port: 993, tls: 'implicit', ca: read('ca.pem') });
  });

  it('shows no private key when it is printed', async () => {
    const configuration = await load('[[listen]]\n[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n');
    assert.doesNotMatch(inspect(configuration, { depth: 9 }) + JSON.stringify(configuration), /PRIVATE KEY/);
  });

  it('may begin with a byte order mark and have lines that end in CRLF', async () => {
    const { listeners } = await load('\ufeff[[listen]]\r\ntls = "none"\r\nport = 1143\r\n');
    assert.equal(listeners[0]?.port, 1143);
    assert.deepEqual(await problemsOf('\ufeff[[listen]]\r\ntls = "none"\r\nport = 0\r\n'), [
      '3: listen.port is 0; expected a port from 1 to 65535.',
    ]);
  });
});
