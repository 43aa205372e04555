import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { generate } from '#lib/keys/generate';
import { Keyring } from '#lib/keys/keyring';
import { Secret } from '#lib/keys/secret';
import { privateKeysOf } from '#lib/vault/privatekey';
import { PASSWORD, USER, UserCommand } from '#test/src/usercommand';

describe('postern user', () => {
  let user: UserCommand;
  beforeEach(() => {
    user = new UserCommand();
  });
  afterEach(() => {
    user.remove();
  });

  it('makes a vault with a key, whose certificate goes into the keyring, and a recovery code', async () => {
    const shown = user.json(['add', 'Alice@Example.com', ...user.unlock]) as ReturnType<typeof user.show>;
    assert.equal(shown.user, 'Alice@example.com');
    assert.deepEqual([shown.enrolled, shown.profiles, shown.defaultProfile], [false, [], null]);
    const vault = await user.open();
    const [key] = await privateKeysOf(vault);
    const fingerprint = key?.getFingerprint().toUpperCase() ?? '';
    assert.deepEqual(shown.keys, [{ fingerprint, userIDs: ['<Alice@example.com>'] }]);
    const [certificate] = await new Keyring(user.home).withFingerprint(fingerprint);
    assert.equal(certificate?.provenance.trust, 'pinned');
    assert.deepEqual(await new Keyring(user.home).privateKeys(), []);
    const code = user.secret('code', shown.recoveryCode ?? '');
    assert.deepEqual(user.show('--recovery-code-file', code).keys, shown.keys);
    assert.equal(statSync(join(user.home, 'vaults')).mode & 0o777, 0o700);
    user.fails(['add', USER, ...user.unlock], 73, /There is a vault of alice@example\.com already/);
  });

  it('makes one with a profile, that may be locked with the password of the provider', async () => {
    const provider = ['--imap-host', 'imap.example.com', '--smtp-host', 'smtp.example.com'];
    const text = user.ok([
      'add',
      USER,
      ...user.unlock,
      '--no-key',
      ...provider,
      '--same-password',
      '--profile',
      'home',
    ]);
    assert.match(text, /^Locked with: +the provider's own password$/m);
    assert.match(text, /^Profile: +home \(default\)$/m);
    assert.match(text, /^ {2}IMAP: +imap\.example\.com:993, TLS implicit$/m);
    assert.match(text, /^Recovery: +(?:[0-9A-Z]{5}-){5}[0-9A-Z]{5}\nWrite the recovery code down/m);
    const vault = await user.open();
    assert.equal(vault.enrolled, true);
    assert.deepEqual(vault.keys, []);
    // Two secrets in two lines of standard input: first the password, then the provider's.
    const args = ['add', 'bob@example.com', '--no-key', ...provider];
    const two = [...args, '--password-fd', '0', '--provider-password-fd', '0'];
    const shown = user.json(two, 'one secret\nanother secret\n') as ReturnType<typeof user.show>;
    assert.equal(shown.enrolled, false);
    assert.match(
      user.ok(['list']),
      /^alice@example\.com: 1 password, recovery code, locked with the provider's password$/m,
    );
    assert.match(user.ok(['list']), /^bob@example\.com: 1 password, recovery code$/m);
  });

  it('takes a private key from a file, or from the keyring', async () => {
    const { key } = await generate({ userIDs: [USER], passphrase: new Secret('key passphrase') });
    const passphrase = user.secret('passphrase', 'key passphrase');
    const file = user.file('key.asc', key.armor());
    const fingerprint = key.getFingerprint().toUpperCase();
    const passphraseOption = ['--passphrase-file', passphrase];
    const add = ['add', USER, ...user.unlock];
    user.fails([...add, '--import-key', file, '--passphrase-file', user.password], 77, /does not open the private key/);
    assert.equal(existsSync(join(user.home, 'vaults')), false);
    user.ok([...add, '--import-key', file, ...passphraseOption]);
    assert.equal(user.show().keys[0]?.fingerprint, fingerprint);
    const [opened] = await privateKeysOf(await user.open());
    assert.ok(opened?.isDecrypted());
    user.ok(['remove', USER, '--yes']);
    await new Keyring(user.home).write((writer) =>
      writer.addPrivateKey(key, { trust: 'pinned', source: 'import', since: new Date() }),
    );
    user.ok([...add, '--from-keyring', USER, ...passphraseOption]);
    assert.equal(user.show().keys[0]?.fingerprint, fingerprint);
    const bob = ['add', 'bob@example.com', ...user.unlock];
    user.fails([...bob, '--from-keyring', 'carol@example.com'], 67, /no private key to sign with/);
    user.fails([...bob, '--import-key', user.file('certificate.asc', key.toPublic().armor())], 65, /no private key/);
    user.fails([...bob, '--import-key', file, '--no-key'], 64, /Give one of --import-key/);
  });

  it('says what is wrong before it asks for anything', () => {
    user.fails(['add', 'alice'], 65, /"alice" cannot be a user/);
    user.fails(['add', USER, '--imap-port', '99', ...user.unlock], 64, /give --imap-host/);
    user.fails(['add', USER], 77, /password is needed and there is no terminal to ask on\. Give --password-fd or/);
    user.fails(['add', USER, '--password-file', user.file('empty', '\n')], 77, /is empty/);
    user.fails(['add', USER, '--password', 'on the command line'], 64, /unknown option|Did you mean/);
    user.fails(['show', USER, ...user.unlock], 67, /There is no vault of alice@example\.com/);
    user.fails(['remove', USER], 67, /There is no vault/);
    user.fails(
      ['show', USER, ...user.unlock, '--key-file', 'x'],
      64,
      /Give one of password, recovery code and key file/,
    );
    assert.equal(existsSync(user.home), false);
  });

  it('opens with the right password alone', async () => {
    await user.make();
    const wrong = user.secret('wrong', 'incorrect donkey');
    user.fails(['show', USER, '--password-file', wrong], 77, /does not open a vault of alice@example\.com/);
    user.fails(['show', USER, '--recovery-code-file', wrong], 65, /typing mistake/);
    user.fails(['show', USER, '--key-file', wrong], 65, /is no key file/);
    user.fails(['show', USER, '--key-file', join(user.folder, 'absent')], 66, /absent/);
    user.fails(['show', USER], 77, /no terminal to ask on/);
    assert.match(user.ok(['show', USER, ...user.unlock]), /^Opened by: +app password "main", since \d{4}/m);
  });

  it('adds app passwords, made or given, and revokes them one by one', async () => {
    await user.make();
    const made = user.json(['app-password', 'add', USER, 'phone', ...user.unlock]) as { readonly password: string };
    assert.match(made.password, /^(?:[0-9a-z]{5}-){3}[0-9a-z]{5}$/);
    const phone = user.secret('phone', made.password);
    const laptop = user.secret('laptop', 'laptop password');
    user.ok(['app-password', 'add', USER, 'laptop', '--password-file', phone, '--new-password-file', laptop]);
    const list = user.ok(['app-password', 'list', USER, '--password-file', laptop]);
    assert.match(list, /^app password "main".*\napp password "phone".*\napp password "laptop".*\n$/);
    const [first] = user.json(['app-password', 'list', USER, ...user.unlock]) as readonly { readonly name: string }[];
    assert.equal(first?.name, 'main');
    user.fails(['app-password', 'add', USER, 'phone', ...user.unlock], 73, /"phone" already/);
    assert.equal(
      user.ok(['app-password', 'revoke', USER, 'phone', ...user.unlock]),
      'revoked the app password "phone"\n',
    );
    user.fails(['show', USER, '--password-file', phone], 77, /does not open/);
    user.fails(['app-password', 'revoke', USER, 'phone', ...user.unlock], 67, /"phone" is not the name/);
    user.ok(['app-password', 'revoke', USER, 'main', ...user.unlock]);
    user.fails(['app-password', 'revoke', USER, 'laptop', '--password-file', laptop], 65, /last way into the vault/);
  });

  it('makes key files that open the vault', async () => {
    await user.make();
    const output = join(user.folder, 'alice.key');
    user.ok(['key-file', 'add', USER, 'usb', ...user.unlock, '--output', output]);
    assert.equal(statSync(output).mode & 0o777, 0o600);
    assert.match(readFileSync(output, 'latin1'), /^[A-Za-z0-9+/]{43}=\n$/);
    const ways = user.show('--key-file', output).slots.map(({ kind, name }) => `${kind} ${name}`);
    assert.deepEqual(ways, ['password main', 'recovery recovery code', 'key-file usb']);
    // A file that is there stays, and there is no slot for a key that nobody has.
    const before = readFileSync(output);
    user.fails(['key-file', 'add', USER, 'other', ...user.unlock, '--output', output], 73, /exists already/);
    assert.deepEqual(readFileSync(output), before);
    assert.equal(user.show().slots.length, 3);
    user.fails(['key-file', 'add', USER, 'other', ...user.unlock], 64, /--output/);
    user.ok(['key-file', 'revoke', USER, 'usb', '--key-file', output]);
    user.fails(['show', USER, '--key-file', output], 77, /does not open/);
  });

  it('makes a new recovery code and voids the old', async () => {
    const old = user.file('old', (await user.make()).reveal());
    const made = user.json(['recovery', USER, '--recovery-code-file', old]) as { readonly recoveryCode: string };
    user.fails(['show', USER, '--recovery-code-file', old], 77, /does not open/);
    user.ok(['show', USER, '--recovery-code-fd', '0'], `${made.recoveryCode.toLowerCase()}\n`);
    assert.match(user.ok(['recovery', USER, ...user.unlock]), /^(?:[0-9A-Z]{5}-){5}[0-9A-Z]{5}\n.*The old one is void/);
  });

  it('locks a vault with a new password, from the old one, the recovery code or a key file', async () => {
    const code = user.file('code', (await user.make()).reveal());
    const [one, two] = [user.secret('one', 'first new password'), user.secret('two', 'second new password')];
    const rekey = ['rekey', USER, '--password-fd', '0', '--new-password-fd', '0'];
    assert.equal(
      user.ok(rekey, `${PASSWORD}\nfirst new password\n`),
      'the app password "main" of alice@example.com is a new one\n',
    );
    user.fails(['show', USER, ...user.unlock], 77, /does not open/);
    user.ok(['show', USER, '--password-file', one]);
    user.ok(['rekey', USER, '--recovery-code-file', code, '--new-password-file', two]);
    user.fails(['show', USER, '--password-file', one], 77, /does not open/);
    const key = join(user.folder, 'key');
    user.ok(['key-file', 'add', USER, 'usb', '--password-file', two, '--output', key]);
    user.ok(['rekey', USER, '--key-file', key, '--new-password-file', one, '--name', 'main']);
    user.ok(['show', USER, '--password-file', one]);
    user.fails(['rekey', USER, '--key-file', key, '--new-password-file', two, '--name', 'x'], 67, /is not the name/);
    user.fails(rekey, 77, /is empty/, 'first new password\n\n');
  });

  it('follows a new password of the provider', async () => {
    const provider = ['--imap-host', 'imap.example.com', '--same-password', '--no-key'];
    user.ok(['add', USER, ...user.unlock, ...provider]);
    const next = user.secret('next', 'provider has changed it');
    const rekey = ['rekey', USER, '--provider', '--new-password-file', next];
    user.fails([...rekey, ...user.unlock, '--profile', 'work'], 67, /no profile "work"/);
    const shown = user.json([...rekey, ...user.unlock]) as { readonly enrolled: boolean };
    assert.equal(shown.enrolled, true);
    const [profile] = (await user.open('provider has changed it')).profiles;
    assert.ok(profile?.auth.kind === 'password');
    assert.equal(profile.auth.password.reveal(), 'provider has changed it');
  });

  it('removes a vault when it is told to', async () => {
    await user.make();
    user.fails(['remove', USER], 64, /nothing is done without --yes/);
    assert.equal(user.ok(['list', '--json']).includes(USER), true);
    assert.equal(user.ok(['remove', USER, '--yes']), 'removed the vault of alice@example.com\n');
    assert.equal(user.ok(['list']), '');
  });

  it('names damaged vaults and lists the others', async () => {
    await user.make();
    writeFileSync(join(user.home, 'vaults', 'bob@example.com.vault'), 'nonsense');
    const result = user.run(['list']);
    assert.match(result.stdout, /^alice@example\.com: /);
    assert.match(result.stderr, /The vault of bob@example\.com is damaged/);
    assert.equal(result.status, 78);
    user.fails(['show', 'bob@example.com', ...user.unlock], 78, /is damaged/);
  });

  it('has no secret in its arguments or its environment while it works', async () => {
    await user.make();
    const args = ['dist/src/main.js', '--home', user.home, 'user', 'show', USER, '--password-fd', '0'];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'inherit'] });
    child.stdin.write(PASSWORD);
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const file of ['cmdline', 'environ', 'comm']) {
      assert.doesNotMatch(readFileSync(`/proc/${String(child.pid)}/${file}`, 'latin1'), /horse/);
    }
    child.stdin.end('\n');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  it('has help with examples for each command, and a manual that lists every option', () => {
    const manual = readFileSync('docs/man/postern-user.1', 'utf8').replaceAll('\\-', '-');
    const overview = user.ok(['--help']);
    const commands = ['add', 'list', 'show', 'remove', 'rekey', 'recovery'];
    const nested = ['app-password add', 'app-password list', 'app-password revoke', 'key-file add', 'key-file revoke'];
    const profile = ['profile add', 'profile show', 'profile remove', 'profile default'];
    for (const command of [...commands, ...nested, ...profile]) {
      const words = command.split(' ');
      assert.match(overview, new RegExp(`^  ${words[0] ?? ''}\\b`, 'm'));
      const help = user.ok([...words, '--help']);
      assert.match(help, /^Examples:\n {2}\$ postern user/m, command);
      const name = words.join('(?: Cm)? ');
      const section = new RegExp(`^\\.It Cm ${name}\\b[^]*?(?=^\\.It Cm |^\\.Sh )`, 'm').exec(manual)?.[0] ?? '';
      for (const [, option = ''] of help.matchAll(/^ {2}(?:-\w, )?--([a-z0-9-]+)/gm)) {
        assert.ok(section.includes(`Fl -${option}`), `--${option} of ${command} is missing in the manual`);
      }
    }
    const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', 'docs/man/postern-user.1'], { encoding: 'utf8' });
    assert.equal(lint.stdout + lint.stderr, '');
    user.fails([], 64, /Usage: postern user/);
  });
});
