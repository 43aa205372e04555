import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { KeyCommand, type Shown } from '#test/src/keycommand';

describe('postern key import, export and revoke', () => {
  let key: KeyCommand;
  beforeEach(() => {
    key = new KeyCommand();
  });
  afterEach(() => {
    key.remove();
  });

  it('imports what it exports, and again without a change', async () => {
    const fingerprint = await key.make('alice@example.com');
    const armored = key.ok(['export', 'alice@example.com']);
    const binary = key.run(['export', '--binary', fingerprint]).stdout;
    const secret = key.ok(['export', '--secret', 'alice@example.com']);
    assert.match(armored, /^-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n/, 'no provenance goes out');
    assert.match(secret, /^-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n/);
    key.forget();
    assert.equal(key.ok(['import'], armored), `new certificate ${fingerprint} <alice@example.com>\n`);
    assert.equal(key.ok(['import', '-'], binary), `unchanged certificate ${fingerprint} <alice@example.com>\n`);
    assert.equal(key.show(fingerprint).trust, 'verified');
    key.ok(['import', '--trust', 'learned'], binary);
    assert.equal(key.show(fingerprint).trust, 'learned');
    assert.equal(key.ok(['import'], secret), `new private key ${fingerprint} <alice@example.com>\n`);
    assert.deepEqual([key.show(fingerprint).trust, key.show(fingerprint).privateKey?.state], ['pinned', 'locked']);
    assert.equal(
      key.ok(['import'], armored + secret),
      `unchanged certificate ${fingerprint} <alice@example.com>\nunchanged private key ${fingerprint} <alice@example.com>\n`,
    );
  });

  it('imports the good keys of a file and reports the bad ones', async () => {
    await key.make('alice@example.com');
    await key.make('bob@example.com');
    const [alice, bob] = [key.ok(['export', 'alice@example.com']), key.ok(['export', 'bob@example.com'])];
    key.forget();
    const half = bob.slice(0, 300);
    const text = `text\n${half}\n${half}\n-----END PGP PUBLIC KEY BLOCK-----\n${alice}\n`;
    key.fails(
      ['import'],
      65,
      /^postern: -: An armored block has no end.\npostern: -: .*(damaged|cannot be read|ends)/,
      text,
    );
    assert.equal((JSON.parse(key.ok(['list', '--json'])) as readonly Shown[]).length, 1);
    key.fails(['import'], 65, /There is no OpenPGP certificate or key in it/, 'just text');
    key.fails(['import', join(key.folder, 'absent')], 66, /absent/);
  });

  it('revokes with the passphrase, and the revocation goes into exports', async () => {
    const fingerprint = await key.make('alice@example.com');
    const before = key.ok(['export', fingerprint]);
    const wrong = join(key.folder, 'wrong');
    writeFileSync(wrong, 'wrong\n');
    key.fails(['revoke', fingerprint, '--passphrase-file', wrong], 77, /passphrase does not open the private key/);
    assert.equal(key.show(fingerprint).revoked, false);
    const out = key.ok([
      'revoke',
      'alice@example.com',
      '--reason',
      'superseded',
      '--passphrase-file',
      key.passphraseFile,
    ]);
    const path = /revocation in (.*)\n/.exec(out)?.[1] ?? '';
    assert.deepEqual([key.show(fingerprint).revoked, key.show(fingerprint).problem], [true, 'is revoked']);
    const [certificate, secret, revocation] = [
      key.ok(['export', fingerprint]),
      key.ok(['export', '--secret', fingerprint]),
      readFileSync(path),
    ];
    for (const copy of [certificate, secret]) {
      key.forget();
      key.ok(['import'], copy);
      assert.equal(key.show(fingerprint).revoked, true);
    }
    key.forget();
    key.fails(['import'], 65, /which is not in the keyring; import that first/, revocation);
    key.ok(['import'], before);
    assert.equal(key.ok(['import'], revocation), `updated revocation ${fingerprint} <alice@example.com>\n`);
    assert.equal(key.show(fingerprint).revoked, true);
  });

  it('revokes with what was kept, without a passphrase', async () => {
    for (const version of [4, 6] as const) {
      const fingerprint = await key.make('alice@example.com', version);
      key.ok(['revoke', fingerprint, '--saved']);
      assert.equal(key.show(fingerprint).revoked, true);
    }
    const bob = await key.make('bob@example.com');
    const exported = key.ok(['export', bob]);
    key.forget();
    key.ok(['import'], exported);
    key.fails(['revoke', bob, '--saved'], 66, /no revocation of .* was kept/);
    key.fails(['revoke', bob], 67, /no private key/);
  });
});
