import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Keyring } from '#lib/keys/keyring';
import { unlock } from '#lib/keys/passphrase';
import { Secret } from '#lib/keys/secret';
import { KeyCommand } from '#test/src/keycommand';

const PASSPHRASE = 'correct horse';
const MESSAGE = 'A message, in clear.\n';

/** Runs a program that must succeed, and returns its standard output. */
function program(name: string, args: readonly string[], input: string | Buffer = ''): Buffer {
  const { stdout, stderr, status } = spawnSync(name, args, { input, timeout: 60_000 });
  assert.equal(status, 0, `${name} ${args.join(' ')}: ${String(stderr)}`);
  return stdout;
}

describe('keys and other programs', () => {
  const key = new KeyCommand();
  const gnupg = join(key.folder, 'gnupg');
  const gpg = (args: readonly string[], input: string | Buffer = ''): Buffer =>
    program(
      'gpg',
      ['--homedir', gnupg, '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', PASSPHRASE, ...args],
      input,
    );
  const gpgFingerprint = (name: string): string =>
    /^fpr:+([0-9A-F]{40}):/m.exec(gpg(['--with-colons', '--list-keys', name]).toString())?.[1] ?? '';

  before(() => {
    mkdirSync(gnupg, { mode: 0o700 });
    // As little work on passphrases as GnuPG allows.
    writeFileSync(join(gnupg, 'gpg-agent.conf'), 's2k-count 65536\n');
    gpg(['--quick-generate-key', 'Dora <dora@example.com>', 'future-default']);
    gpg(['--quick-add-key', gpgFingerprint('dora@example.com'), 'ed25519', 'sign']);
    gpg(['--passphrase', '', '--quick-generate-key', 'open@example.com', 'future-default']);
  });
  after(() => {
    spawnSync('gpgconf', ['--homedir', gnupg, '--kill', 'all']);
    key.remove();
  });

  it('imports all that gpg --export writes', () => {
    const out = key.ok(['import'], gpg(['--export']));
    assert.match(out, /^new certificate [0-9A-F]{40} Dora <dora@example\.com>$/m);
    assert.match(out, /^new certificate [0-9A-F]{40} open@example\.com$/m);
    assert.equal(key.show('dora@example.com').problem, null);
    assert.equal(key.show('dora@example.com').seipdv2, false);
    key.forget();
    key.ok(['import'], gpg(['--export', '--armor', 'dora@example.com']));
    assert.equal(key.show('dora@example.com').fingerprint, gpgFingerprint('dora@example.com'));
    key.forget();
  });

  it('imports a locked private key from GnuPG, first without and then with its primary key', async () => {
    const fingerprint = gpgFingerprint('dora@example.com');
    const subkeysOnly = gpg(['--export-secret-subkeys', fingerprint]);
    assert.equal(key.ok(['import'], subkeysOnly), `new private key ${fingerprint} Dora <dora@example.com>\n`);
    assert.deepEqual(key.show(fingerprint).privateKey?.parts, ['absent', 'locked', 'locked']);
    key.fails(
      ['revoke', fingerprint, '--passphrase-file', key.passphraseFile],
      67,
      /which alone can revoke it, is not here/,
    );
    const whole = gpg(['--export-secret-keys', '--armor', fingerprint]);
    assert.match(key.ok(['import'], whole), /^updated private key/);
    assert.deepEqual(key.show(fingerprint).privateKey?.parts, ['locked', 'locked', 'locked']);
    assert.match(key.ok(['import'], subkeysOnly), /^unchanged private key/);
    const [stored] = await new Keyring(key.home).privateKeys();
    assert.ok(stored);
    const open = await unlock(stored.key, new Secret(PASSPHRASE));
    assert.ok(open.getKeys().every((each) => each.keyPacket.isDecrypted()));
    await assert.rejects(unlock(stored.key, new Secret('wrong')), { name: 'OpenPGPError', code: 'passphrase' });
    await assert.rejects(unlock(stored.key, new Secret('')), { name: 'OpenPGPError', code: 'passphrase' });
    key.forget();
  });

  it('locks a private key that comes without a passphrase, unless told not to', async () => {
    const exported = gpg(['--export-secret-keys', 'open@example.com']);
    key.ok(['import', '--passphrase-file', key.passphraseFile], exported);
    assert.equal(key.show('open@example.com').privateKey?.state, 'locked');
    const [stored] = await new Keyring(key.home).privateKeys();
    assert.ok(stored);
    await unlock(stored.key, new Secret(PASSPHRASE));
    assert.match(key.ok(['import', '--no-passphrase'], exported), /^unchanged/);
    assert.equal(key.show('open@example.com').privateKey?.state, 'locked');
    key.forget();
    key.ok(['import', '--no-passphrase'], exported);
    assert.equal(key.show('open@example.com').privateKey?.state, 'unprotected');
    key.forget();
    gpg(['--passphrase', '', '--export-secret-subkeys', '--output', join(key.folder, 'stub'), 'open@example.com']);
    key.ok(['import', '--passphrase-file', key.passphraseFile, join(key.folder, 'stub')]);
    assert.deepEqual(key.show('open@example.com').privateKey?.parts, ['absent', 'locked']);
    key.forget();
  });

  it('takes a revocation from GnuPG', () => {
    const fingerprint = gpgFingerprint('dora@example.com');
    key.ok(['import'], gpg(['--export', fingerprint]));
    // GnuPG makes it unusable by accident with a colon before the armor.
    const kept = readFileSync(join(gnupg, 'openpgp-revocs.d', `${fingerprint}.rev`), 'utf8').replace(
      /^:-----/m,
      '-----',
    );
    assert.match(key.ok(['import'], kept), /^updated revocation/);
    assert.equal(key.show(fingerprint).problem, 'is revoked');
    key.forget();
  });

  for (const [what, options] of [
    ['Ed25519', []],
    ['RSA', ['--rsa', '3072']],
  ] as const) {
    it(`makes version 4 keys (${what}) that GnuPG, Sequoia and RNP encrypt to and decrypt with`, () => {
      const { fingerprint } = key.generate('Alice <alice@example.com>', ...options);
      const secret = join(key.folder, 'secret.asc');
      const certificate = join(key.folder, 'certificate.asc');
      writeFileSync(secret, key.ok(['export', '--secret', fingerprint]));
      writeFileSync(certificate, key.ok(['export', fingerprint]));

      gpg(['--import', secret]);
      const toGnuPG = gpg(['--trust-model', 'always', '--armor', '--encrypt', '--recipient', fingerprint], MESSAGE);
      assert.equal(gpg(['--decrypt'], toGnuPG).toString(), MESSAGE);

      const toSequoia = program('sqop', ['encrypt', certificate], MESSAGE);
      const opened = program('sqop', ['decrypt', '--with-key-password', key.passphraseFile, secret], toSequoia);
      assert.equal(opened.toString(), MESSAGE);
      assert.equal(gpg(['--decrypt'], toSequoia).toString(), MESSAGE);

      const rnp = join(key.folder, `rnp-${what}`);
      mkdirSync(rnp);
      program('rnpkeys', ['--homedir', rnp, '--import', secret]);
      const toRNP = program('rnp', ['--homedir', rnp, '--encrypt', '--armor', '-r', fingerprint], MESSAGE);
      const decrypted = program('rnp', ['--homedir', rnp, '--password', PASSPHRASE, '--decrypt'], toRNP);
      assert.equal(decrypted.toString(), MESSAGE);

      // A revocation made here counts there.
      key.ok(['revoke', fingerprint, '--saved']);
      gpg(['--import'], key.ok(['export', fingerprint]));
      assert.match(gpg(['--with-colons', '--list-keys', fingerprint]).toString(), /^pub:r:/m);
      key.forget();
    });
  }
});
