import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { KeyCommand, type Shown } from '#test/src/keycommand';

describe('postern key', () => {
  let key: KeyCommand;
  beforeEach(() => {
    key = new KeyCommand();
  });
  afterEach(() => {
    key.remove();
  });

  it('generates a locked Ed25519 key of version 4 for three years, ready to receive SEIPDv2', () => {
    const made = key.generate('Alice <alice@example.com>', 'alice@example.org');
    assert.equal(made.version, 4);
    assert.equal(made.algorithm, 'Ed25519');
    assert.deepEqual(
      made.subkeys.map(({ algorithm, capabilities }) => [algorithm, capabilities]),
      [['X25519', ['encrypt']]],
    );
    assert.deepEqual(
      made.userIDs.map(({ address, status }) => [address, status]),
      [
        ['alice@example.com', 'valid'],
        ['alice@example.org', 'valid'],
      ],
    );
    assert.equal(Date.parse(made.expires ?? '') - Date.parse(made.created), 3 * 365 * 86_400_000);
    assert.equal(made.seipdv2, true);
    assert.equal(made.problem, null);
    assert.equal(made.trust, 'pinned');
    assert.equal(made.privateKey?.state, 'locked');
    assert.equal(statSync(made.privateKey.file).mode & 0o777, 0o600);
    assert.equal(statSync(made.revocation ?? '').mode & 0o777, 0o600);
    assert.equal(key.show('alice@example.org').fingerprint, made.fingerprint);
  });

  it('generates version 6 with Argon2, RSA, and other lifetimes', () => {
    const v6 = key.generate('alice@example.com', '--v6', '--expires', 'never');
    assert.deepEqual([v6.version, v6.fingerprint.length, v6.expires], [6, 64, null]);
    const rsa = key.generate('bob@example.com', '--rsa', '3072', '--expires', '90d');
    assert.equal(rsa.algorithm, 'RSA-3072');
    assert.equal(Date.parse(rsa.expires ?? '') - Date.parse(rsa.created), 90 * 86_400_000);
    // S2K usage 253 (AEAD), AES-256, OCB, 20 octets of Argon2 with a salt, 3 passes, 4 lanes, 2^16 KiB (RFC 9580 §3.7.1.4).
    const secret = key.run(['export', '--secret', '--binary', 'alice@example.com']).stdout.toString('hex');
    assert.match(secret, /fd..09021404[0-9a-f]{32}030410/);
  });

  it('says what is wrong with what it should generate', () => {
    key.fails(['generate', 'Alice', '--no-passphrase'], 67, /"Alice" has no address/);
    key.fails(['generate', 'a@example.com', '--expires', 'soon'], 64, /Give a number of days/);
    key.fails(['generate', 'a@example.com', '--expires', '200y'], 64, /136y at most/);
    key.fails(['generate', 'a@example.com', '--rsa', '1024'], 64, /Allowed choices/);
    key.fails(['generate'], 64, /missing required argument/);
    key.fails(
      ['generate', 'a@example.com', '--passphrase-file', join(key.folder, 'absent')],
      66,
      /absent cannot be read/,
    );
    key.fails(['generate', 'a@example.com', '--passphrase', 'on the command line'], 64, /unknown option|Did you mean/);
    assert.equal(existsSync(key.home), false);
  });

  it('lists, shows and says where a private key is unprotected', async () => {
    assert.equal(key.ok(['list']), '');
    assert.equal(key.ok(['list', '--json']), '[]\n');
    key.ok(['generate', 'alice@example.com', '--no-passphrase']);
    const bob = await key.make('Bob <bob@example.com>');
    const list = key.ok(['list']);
    assert.match(list, /pinned, private key UNPROTECTED\n {4}<alice@example\.com>/);
    assert.match(list, /pinned, private key locked\n {4}Bob <bob@example\.com>/);
    assert.match(key.ok(['show', bob]), /Usable: +yes\n.*\n.*\nPrivate key: +locked \(locked, locked\)/);
    key.fails(['show', 'carol@example.com'], 67, /There is no certificate carol@example\.com/);
    key.fails(['show', bob.slice(-8)], 67, /too short/);
  });

  it('names damaged files of the keyring', async () => {
    await key.make('alice@example.com');
    writeFileSync(join(key.home, 'certificates', 'broken.asc'), 'nonsense');
    const result = key.run(['list']);
    assert.match(result.stdout.toString(), /alice@example\.com/);
    assert.match(result.stderr.toString(), /certificates\/broken\.asc is damaged/);
    assert.equal(result.status, 78);
  });

  it('fails where its output cannot be written', async () => {
    const fingerprint = await key.make('alice@example.com');
    for (const args of [['list'], ['show', fingerprint], ['export', fingerprint]]) {
      const command = [process.execPath, 'dist/src/main.js', '--home', key.home, 'key', ...args].join(' ');
      const full = spawnSync('sh', ['-c', `${command} > /dev/full`], { encoding: 'utf8' });
      assert.match(full.stderr, /^postern: .*ENOSPC/);
      assert.equal(full.status, 75);
    }
  });

  it('deletes only what it is told to', async () => {
    const alice = await key.make('alice@example.com');
    const other = await key.make('alice@example.com');
    const { privateKey } = key.show(alice);
    key.fails(['delete', 'alice@example.com', '--yes'], 67, /Several certificates are called/);
    key.fails(['delete', alice], 64, /nothing is done without --yes/);
    key.fails(['delete', alice, '--yes'], 77, /has a private key here.*Say --secret/);
    assert.equal((JSON.parse(key.ok(['list', '--json'])) as readonly Shown[]).length, 2);
    assert.equal(key.ok(['delete', alice, '--yes', '--secret']), `deleted ${alice}\n`);
    assert.equal(existsSync(privateKey?.file ?? ''), false);
    assert.equal(key.show('alice@example.com').fingerprint, other);
  });

  it('has help with examples for each command, and a manual that lists every option', () => {
    const manual = readFileSync('docs/man/postern-key.1', 'utf8').replaceAll('\\-', '-');
    const commands = ['generate', 'import', 'export', 'list', 'show', 'revoke', 'delete'];
    const overview = key.ok(['--help']);
    for (const command of commands) {
      assert.match(overview, new RegExp(`^  ${command}`, 'm'));
      const help = key.ok([command, '--help']);
      assert.match(help, /^Examples:\n {2}\$ postern key|^ {2}\$ gpg/m, command);
      const section = new RegExp(`^\\.It Cm ${command}\\b[^]*?(?=^\\.It Cm |^\\.Sh )`, 'm').exec(manual)?.[0] ?? '';
      for (const [, option = ''] of help.matchAll(/^ {2}(?:-\w, )?--([a-z0-9-]+)/gm)) {
        assert.ok(section.includes(`Fl -${option}`), `--${option} of ${command} is missing in the manual`);
      }
    }
    const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', 'docs/man/postern-key.1'], { encoding: 'utf8' });
    assert.equal(lint.stdout + lint.stderr, '');
    key.fails([], 64, /Usage: postern key/);
  });
});
