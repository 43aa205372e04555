import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

const MAIN = join(process.cwd(), 'dist', 'src', 'main.js');

/** What `--json` gives, as far as the tests look at it. */
interface Shown {
  readonly fingerprint: string;
  readonly keyID: string;
  readonly version: number;
  readonly algorithm: string;
  readonly created: string;
  readonly expires: string | null;
  readonly revoked: boolean;
  readonly userIDs: readonly { readonly text: string; readonly address: string | null; readonly status: string }[];
  readonly subkeys: readonly {
    readonly fingerprint: string;
    readonly algorithm: string;
    readonly capabilities: readonly string[];
  }[];
  readonly seipdv2: boolean;
  readonly problem: string | null;
  readonly trust: string;
  readonly source: string;
  readonly file: string;
  readonly revocation?: string;
  readonly privateKey: { readonly state: string; readonly parts: readonly string[]; readonly file: string } | null;
}

describe('postern key', () => {
  let folder = '';
  let passphraseFile = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
    passphraseFile = join(folder, 'passphrase');
    writeFileSync(passphraseFile, 'correct horse\n');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const run = (args: readonly string[], input: string | Buffer = ''): SpawnSyncReturns<Buffer> =>
    spawnSync(process.execPath, [MAIN, '--home', join(folder, 'home'), 'key', ...args], { input, timeout: 30_000 });
  const ok = (args: readonly string[], input: string | Buffer = ''): string => {
    const { stdout, stderr, status } = run(args, input);
    assert.equal(status, 0, stderr.toString());
    return stdout.toString();
  };
  const fails = (args: readonly string[], status: number, message: RegExp, input: string | Buffer = ''): void => {
    const result = run(args, input);
    assert.match(result.stderr.toString(), message);
    assert.equal(result.status, status, result.stderr.toString());
    assert.doesNotMatch(result.stderr.toString(), /internal error|correct horse/);
  };
  const generate = (...args: readonly string[]): Shown =>
    JSON.parse(ok(['generate', ...args, '--passphrase-file', passphraseFile, '--json'])) as Shown;
  const show = (name: string): Shown => {
    const [shown] = JSON.parse(ok(['show', name, '--json'])) as readonly Shown[];
    assert.ok(shown);
    return shown;
  };

  it('generates a locked Ed25519 key of version 4 for three years, ready to receive SEIPDv2', () => {
    const key = generate('Alice <alice@example.com>', 'alice@example.org');
    assert.equal(key.version, 4);
    assert.equal(key.algorithm, 'Ed25519');
    assert.deepEqual(
      key.subkeys.map(({ algorithm, capabilities }) => [algorithm, capabilities]),
      [['X25519', ['encrypt']]],
    );
    assert.deepEqual(
      key.userIDs.map(({ address, status }) => [address, status]),
      [
        ['alice@example.com', 'valid'],
        ['alice@example.org', 'valid'],
      ],
    );
    assert.equal(Date.parse(key.expires ?? '') - Date.parse(key.created), 3 * 365 * 86_400_000);
    assert.equal(key.seipdv2, true);
    assert.equal(key.problem, null);
    assert.equal(key.trust, 'pinned');
    assert.equal(key.privateKey?.state, 'locked');
    assert.equal(statSync(key.privateKey.file).mode & 0o777, 0o600);
    assert.equal(statSync(key.revocation ?? '').mode & 0o777, 0o600);
    assert.equal(show('alice@example.org').fingerprint, key.fingerprint);
  });

  it('generates version 6 with Argon2, RSA, and other lifetimes', () => {
    const v6 = generate('alice@example.com', '--v6', '--expires', 'never');
    assert.deepEqual([v6.version, v6.fingerprint.length, v6.expires], [6, 64, null]);
    const rsa = generate('bob@example.com', '--rsa', '3072', '--expires', '90d');
    assert.equal(rsa.algorithm, 'RSA-3072');
    assert.equal(Date.parse(rsa.expires ?? '') - Date.parse(rsa.created), 90 * 86_400_000);
    // S2K usage 253 (AEAD), AES-256, OCB, 20 octets of Argon2 with a salt, 3 passes, 4 lanes, 2^16 KiB (RFC 9580 §3.7.1.4).
    const secret = run(['export', '--secret', '--binary', 'alice@example.com']).stdout.toString('hex');
    assert.match(secret, /fd..09021404[0-9a-f]{32}030410/);
  });

  it('says what is wrong with what it should generate', () => {
    fails(['generate', 'Alice', '--no-passphrase'], 67, /"Alice" has no address/);
    fails(['generate', 'a@example.com', '--expires', 'soon'], 64, /Give a number of days/);
    fails(['generate', 'a@example.com', '--expires', '200y'], 64, /136y at most/);
    fails(['generate', 'a@example.com', '--rsa', '1024'], 64, /Allowed choices/);
    fails(['generate'], 64, /missing required argument/);
    fails(['generate', 'a@example.com', '--passphrase-file', join(folder, 'absent')], 66, /absent cannot be read/);
    fails(['generate', 'a@example.com', '--passphrase', 'on the command line'], 64, /unknown option|Did you mean/);
    assert.equal(existsSync(join(folder, 'home')), false);
  });

  it('lists, shows and says where a private key is unprotected', () => {
    assert.equal(ok(['list']), '');
    assert.equal(ok(['list', '--json']), '[]\n');
    ok(['generate', 'alice@example.com', '--no-passphrase']);
    const bob = generate('Bob <bob@example.com>');
    const list = ok(['list']);
    assert.match(list, /pinned, private key UNPROTECTED\n {4}<alice@example\.com>/);
    assert.match(list, /pinned, private key locked\n {4}Bob <bob@example\.com>/);
    assert.match(ok(['show', bob.fingerprint]), /Usable: +yes\n.*\n.*\nPrivate key: +locked \(locked, locked\)/);
    fails(['show', 'carol@example.com'], 67, /There is no certificate carol@example\.com/);
    fails(['show', bob.fingerprint.slice(-8)], 67, /too short/);
  });

  it('imports what it exports, and again without a change', () => {
    const { fingerprint } = generate('alice@example.com');
    const armored = ok(['export', 'alice@example.com']);
    const binary = run(['export', '--binary', fingerprint]).stdout;
    const secret = ok(['export', '--secret', 'alice@example.com']);
    assert.match(armored, /^-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n/, 'no provenance goes out');
    assert.match(secret, /^-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n/);
    rmSync(join(folder, 'home'), { recursive: true });
    assert.equal(ok(['import'], armored), `new certificate ${fingerprint} <alice@example.com>\n`);
    assert.equal(ok(['import', '-'], binary), `unchanged certificate ${fingerprint} <alice@example.com>\n`);
    assert.equal(show(fingerprint).trust, 'verified');
    ok(['import', '--trust', 'learned'], binary);
    assert.equal(show(fingerprint).trust, 'learned');
    assert.equal(ok(['import'], secret), `new private key ${fingerprint} <alice@example.com>\n`);
    assert.deepEqual([show(fingerprint).trust, show(fingerprint).privateKey?.state], ['pinned', 'locked']);
    assert.equal(
      ok(['import'], armored + secret),
      `unchanged certificate ${fingerprint} <alice@example.com>\nunchanged private key ${fingerprint} <alice@example.com>\n`,
    );
  });

  it('imports the good keys of a file and reports the bad ones', () => {
    generate('alice@example.com');
    generate('bob@example.com');
    const [alice, bob] = [ok(['export', 'alice@example.com']), ok(['export', 'bob@example.com'])];
    rmSync(join(folder, 'home'), { recursive: true });
    const half = bob.replace(/^(.{20}).*$/m, '$1').slice(0, 300);
    fails(
      ['import'],
      65,
      /^postern: -: .*(damaged|cannot be read)/,
      `text\n${half}\n-----END PGP PUBLIC KEY BLOCK-----\n${alice}`,
    );
    assert.equal((JSON.parse(ok(['list', '--json'])) as readonly Shown[]).length, 1);
    fails(['import'], 65, /There is no OpenPGP certificate or key in it/, 'just text');
    fails(['import'], 65, /There is no OpenPGP certificate or key in it/, '');
    fails(['import', join(folder, 'absent')], 66, /absent/);
    fails(['import'], 65, /the limit is 16777216/, Buffer.alloc(17 * 1024 * 1024, 0x20));
    fails(['import'], 65, /message, not a certificate/, Buffer.from([0xcb, 0x01, 0x62]));
    fails(['import'], 65, /A certificate has 2\d{6} octets; the limit is 1048576/, flooded(alice));
  });

  it('names damaged files of the keyring', () => {
    generate('alice@example.com');
    writeFileSync(join(folder, 'home', 'certificates', 'broken.asc'), 'nonsense');
    const result = run(['list']);
    assert.match(result.stdout.toString(), /alice@example\.com/);
    assert.match(result.stderr.toString(), /certificates\/broken\.asc is damaged/);
    assert.equal(result.status, 78);
  });

  it('revokes with the passphrase, and the revocation goes into exports', () => {
    const { fingerprint } = generate('alice@example.com');
    const before = ok(['export', fingerprint]);
    const wrong = join(folder, 'wrong');
    writeFileSync(wrong, 'wrong\n');
    fails(['revoke', fingerprint, '--passphrase-file', wrong], 77, /passphrase does not open the private key/);
    assert.equal(show(fingerprint).revoked, false);
    const out = ok(['revoke', 'alice@example.com', '--reason', 'superseded', '--passphrase-file', passphraseFile]);
    const path = /revocation in (.*)\n/.exec(out)?.[1] ?? '';
    assert.deepEqual([show(fingerprint).revoked, show(fingerprint).problem], [true, 'is revoked']);
    const [certificate, secret, revocation] = [
      ok(['export', fingerprint]),
      ok(['export', '--secret', fingerprint]),
      readFileSync(path),
    ];
    for (const copy of [certificate, secret]) {
      rmSync(join(folder, 'home'), { recursive: true });
      ok(['import'], copy);
      assert.equal(show(fingerprint).revoked, true);
    }
    rmSync(join(folder, 'home'), { recursive: true });
    fails(['import'], 65, /which is not in the keyring; import that first/, revocation);
    ok(['import'], before);
    assert.equal(ok(['import'], revocation), `updated revocation ${fingerprint} <alice@example.com>\n`);
    assert.equal(show(fingerprint).revoked, true);
  });

  it('revokes with what was kept, without a passphrase', () => {
    for (const options of [[], ['--v6']]) {
      const { fingerprint } = generate('alice@example.com', ...options);
      ok(['revoke', fingerprint, '--saved']);
      assert.equal(show(fingerprint).revoked, true);
    }
    const bob = generate('bob@example.com');
    const exported = ok(['export', bob.fingerprint]);
    rmSync(join(folder, 'home'), { recursive: true });
    ok(['import'], exported);
    fails(['revoke', bob.fingerprint, '--saved'], 66, /ENOENT/);
    fails(['revoke', bob.fingerprint], 67, /no private key/);
  });

  it('deletes only what it is told to', () => {
    const alice = generate('alice@example.com');
    const other = generate('alice@example.com');
    fails(['delete', 'alice@example.com', '--yes'], 67, /Several certificates are called/);
    fails(['delete', alice.fingerprint], 64, /nothing is done without --yes/);
    fails(['delete', alice.fingerprint, '--yes'], 77, /has a private key here.*Say --secret/);
    assert.equal((JSON.parse(ok(['list', '--json'])) as readonly Shown[]).length, 2);
    assert.equal(ok(['delete', alice.fingerprint, '--yes', '--secret']), `deleted ${alice.fingerprint}\n`);
    assert.equal(existsSync(alice.privateKey?.file ?? ''), false);
    assert.equal(show('alice@example.com').fingerprint, other.fingerprint);
  });

  it('has help with examples for each command, and a manual that lists every option', () => {
    const manual = readFileSync('docs/man/postern-key.1', 'utf8').replaceAll('\\-', '-');
    const commands = ['generate', 'import', 'export', 'list', 'show', 'revoke', 'delete'];
    const overview = ok(['--help']);
    for (const command of commands) {
      assert.match(overview, new RegExp(`^  ${command}`, 'm'));
      const help = ok([command, '--help']);
      assert.match(help, /^Examples:\n {2}\$ postern key|^ {2}\$ gpg/m, command);
      const section = new RegExp(`^\\.It Cm ${command}\\b[^]*?(?=^\\.It Cm |^\\.Sh )`, 'm').exec(manual)?.[0] ?? '';
      for (const [, option = ''] of help.matchAll(/^ {2}(?:-\w, )?--([a-z0-9-]+)/gm)) {
        assert.ok(section.includes(`Fl -${option}`), `--${option} of ${command} is missing in the manual`);
      }
    }
    const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', 'docs/man/postern-key.1'], { encoding: 'utf8' });
    assert.equal(lint.stdout + lint.stderr, '');
    fails([], 64, /Usage: postern key/);
  });
});

/** The certificate with far too many user IDs. */
function flooded(armored: string): Buffer {
  const base64 = armored
    .split('\n')
    .filter((line) => /^[A-Za-z0-9+/=]+$/.test(line) && !line.startsWith('='))
    .join('');
  const userID = Buffer.concat([Buffer.from([0xcd, 0xff, 0, 0, 0x04, 0]), Buffer.alloc(1024, 0x61)]);
  return Buffer.concat([Buffer.from(base64, 'base64'), ...Array.from({ length: 2000 }, () => userID)]);
}
