import assert from 'node:assert/strict';
import { readFileSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '#lib/keys/secret';
import { addAppPassword } from '#lib/vault/access';
import { withProfile, withProviderAuth, withoutProfile, withDefaultProfile } from '#lib/vault/edit';
import { LIMITS } from '#lib/vault/limits';
import { listVaults, removeVault } from '#lib/vault/listing';
import { originKeyOf } from '#lib/vault/openvault';
import { privateKeysOf } from '#lib/vault/privatekey';
import { profileFor } from '#lib/vault/profile';
import { changeVault, createVault, openVault } from '#lib/vault/vault';
import { Home, PASSWORD, PROFILE, PROVIDER_PASSWORD, USER, refuses } from './material.js';

describe('a vault', () => {
  let home: Home;
  beforeEach(() => {
    home = new Home();
  });
  afterEach(() => {
    home.remove();
  });

  it('opens with its password to what was put in, whatever the case of the address', async () => {
    const { vault } = await home.create({ profile: PROFILE, keys: [Buffer.from('a key')] });
    const opened = await home.open(PASSWORD, 'Alice@EXAMPLE.com');
    for (const each of [vault, opened]) {
      assert.equal(each.user, USER);
      assert.deepEqual([each.generation, each.enrolled, each.defaultProfile], [1, false, 'home']);
      assert.deepEqual(
        each.slots.map(({ kind, name }) => [kind, name]),
        [
          ['password', 'main'],
          ['recovery', 'recovery code'],
        ],
      );
      assert.equal(each.openedWith?.name, 'main');
      assert.deepEqual(each.keys, [Buffer.from('a key')]);
      assert.equal(each.indexKey.length, 32);
      const { auth, ...settings } = profileFor(each, undefined);
      const { auth: expected, ...expectedSettings } = PROFILE;
      assert.deepEqual(settings, expectedSettings);
      assert.ok(auth.kind === 'password' && expected.kind === 'password' && auth.password.equals(expected.password));
    }
    assert.deepEqual(opened.indexKey, vault.indexKey);
  });

  it('has a random index key, and an origin key that is derived from it', async () => {
    const { vault } = await home.create();
    const { vault: other } = await home.create({ user: 'bob@example.com' });
    assert.notDeepEqual(vault.indexKey, other.indexKey);
    assert.deepEqual(vault.originKey, originKeyOf(vault.indexKey));
    // RFC 5869 over 32 octets 0..31, by another implementation (Python's hmac).
    assert.equal(
      originKeyOf(Buffer.from(Array.from({ length: 32 }, (_, i) => i))).toString('hex'),
      'fe69e4ab6881970c867061a9b2a852889375bb1b0afe3ffd463b4028d6211c92',
    );
  });

  it('gets a key for the address that signs and decrypts, and no other key', async () => {
    const { vault } = await createVault(home.path, { user: USER, password: PASSWORD });
    const [key, ...others] = await privateKeysOf(vault);
    assert.ok(key);
    assert.equal(others.length, 0);
    assert.deepEqual(key.getUserIDs(), [`<${USER}>`]);
    assert.equal(await key.getExpirationTime(), Infinity);
    assert.ok(key.isDecrypted());
  });

  it('answers alike to a wrong password and to a user who has none', async () => {
    await home.create();
    const wrong = await refuses(home.open(new Secret('wrong')), 'denied');
    const start = performance.now();
    const unknown = await refuses(home.open(PASSWORD, 'bob@example.com'), 'denied');
    // Argon2 takes some 45 ms, and everything else less than one. That nobody can tell the two apart is for the bench.
    assert.ok(performance.now() - start > 10);
    assert.equal(unknown.message.replace('bob@', 'alice@'), wrong.message);
    const strange = ['', 'alice', '../alice@example.com', `${'a'.repeat(300)}@example.com`, 'a\0b@example.com'];
    for (const user of strange) await refuses(home.open(PASSWORD, user), 'denied');
    await refuses(home.open(new Secret('')), 'denied');
    // No folder at all is no other answer.
    rmSync(home.path, { recursive: true });
    await refuses(home.open(), 'denied');
  });

  it('tells whoever decides what next, and only them, what kind of vault refused', async () => {
    await home.create({ profile: PROFILE });
    await home.create({ user: 'bob@example.com', profile: PROFILE, password: PROVIDER_PASSWORD });
    const wrong = new Secret('wrong');
    const messages = new Set<string>();
    for (const [user, denied] of [
      [USER, 'own'],
      ['bob@example.com', 'enrolled'],
      ['carol@example.com', 'none'],
    ] as const) {
      const error = await refuses(home.open(wrong, user), 'denied');
      assert.equal(error.denied, denied);
      messages.add(error.message.replace(user, ''));
    }
    assert.equal(messages.size, 1);
  });

  it('is enrolled where its password is the one of the provider', async () => {
    const { vault } = await home.create({ profile: PROFILE, password: PROVIDER_PASSWORD });
    assert.equal(vault.enrolled, true);
    assert.equal((await home.open(PROVIDER_PASSWORD)).enrolled, true);
    assert.equal((await listVaults(home.path))[0]?.form?.enrolled, true);
  });

  it('is made once, and only for an address and with a password', async () => {
    await home.create();
    const before = readFileSync(home.file);
    await refuses(home.create({ user: 'ALICE@example.com' }), 'exists');
    assert.deepEqual(readFileSync(home.file), before);
    const both = await Promise.allSettled([1, 2].map(() => home.create({ user: 'bob@example.com' })));
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    await refuses(home.create({ user: 'alice' }), 'invalid', /give an address/);
    await refuses(home.create({ user: `${'é'.repeat(60)}@example.com` }), 'invalid');
    await refuses(home.create({ user: 'carol@example.com', password: new Secret('') }), 'invalid', /empty/);
    const long = new Secret('a'.repeat(LIMITS.secret + 1));
    await refuses(home.create({ user: 'carol@example.com', password: long }), 'limit');
    const keys = Array.from({ length: LIMITS.keys + 1 }, () => Buffer.from('a key'));
    await refuses(home.create({ user: 'carol@example.com', keys }), 'limit', /private keys/);
    await refuses(home.create({ user: 'carol@example.com', keys: [Buffer.alloc(LIMITS.keySize + 1)] }), 'limit');
  });

  it('lies in a folder and a file that nobody else may read', async () => {
    await home.create();
    assert.equal(statSync(join(home.path, 'vaults')).mode & 0o777, 0o700);
    assert.equal(statSync(home.file).mode & 0o777, 0o600);
    await addAppPassword(await home.open(), 'phone', new Secret('phone password'));
    assert.equal(statSync(home.file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(join(home.path, 'vaults')), ['alice@example.com.vault']);
  });

  it('shows nothing but its form in its file', async () => {
    const user = 'zebra-user@zebra-domain.example';
    const password = new Secret('zebra-password');
    const { recoveryCode, vault } = await createVault(home.path, {
      user,
      password,
      profile: {
        ...PROFILE,
        name: 'zebra-profile',
        imap: { ...PROFILE.imap, host: 'zebra-host.example' },
        auth: { kind: 'password', user: 'zebra-login', password: new Secret('zebra-secret') },
      },
      keys: [Buffer.from('zebra-key')],
    });
    await addAppPassword(vault, 'zebra-slot', new Secret('zebra-app-password'));
    const bytes = readFileSync(join(home.path, 'vaults', `${user}.vault`));
    for (const text of [bytes.toString('latin1'), bytes.toString('utf16le')]) assert.doesNotMatch(text, /zebra/i);
    for (const secret of [vault.indexKey, vault.originKey, recoveryCode.revealBytes()]) {
      assert.equal(bytes.indexOf(secret), -1);
      assert.equal(bytes.indexOf(secret.toString('base64')), -1);
    }
    // Nor does its size tell how long a password is.
    const sizes = ['a', 'a'.repeat(64)].map(async (text, i) => {
      const auth = { ...PROFILE.auth, kind: 'password', password: new Secret(text) } as const;
      await home.create({ user: `u${i}@example.com`, profile: { ...PROFILE, auth } });
      return statSync(join(home.path, 'vaults', `u${i}@example.com.vault`)).size;
    });
    assert.equal(new Set(await Promise.all(sizes)).size, 1);
  });

  it('has other octets all over after each change, and counts it', async () => {
    const { vault } = await home.create();
    const before = readFileSync(home.file);
    const after = await changeVault(vault, (content) => content);
    assert.equal(after.generation, 2);
    const payload = (bytes: Buffer): Buffer => bytes.subarray(bytes.length - 1024, bytes.length - 64);
    assert.notDeepEqual(payload(readFileSync(home.file)), payload(before));
    assert.deepEqual(after.indexKey, (await home.open()).indexKey);
  });

  it('is closed for good: what is secret is overwritten, and nothing is given out any more', async () => {
    await home.create({ profile: PROFILE, keys: [Buffer.from('a key')] });
    const vault = await home.open();
    const { indexKey, originKey, keys, profiles } = vault;
    const [auth] = profiles.map((profile) => profile.auth);
    vault.close();
    vault.close();
    for (const octets of [indexKey, originKey, ...keys]) assert.deepEqual(octets, Buffer.alloc(octets.length));
    assert.ok(auth?.kind === 'password');
    assert.deepEqual(auth.password.revealBytes(), Buffer.alloc(14));
    assert.throws(() => vault.indexKey, { code: 'state' });
    assert.throws(() => vault.originKey, { code: 'state' });
    assert.throws(() => vault.profiles, { code: 'state' });
    await refuses(
      changeVault(vault, (content) => content),
      'state',
      /closed/,
    );
  });

  it('is never printed', async () => {
    const { vault, recoveryCode } = await home.create({ profile: PROFILE });
    const shown = [
      inspect({ vault, recoveryCode }, { depth: 9, showHidden: true }),
      JSON.stringify({ vault, recoveryCode, profiles: vault.profiles }),
      String(recoveryCode),
    ].join(' ');
    const secrets = [vault.indexKey, vault.originKey, recoveryCode.revealBytes(), PROVIDER_PASSWORD.revealBytes()];
    for (const secret of secrets) {
      for (const form of ['hex', 'base64', 'latin1'] as const) assert.ok(!shown.includes(secret.toString(form)));
      assert.ok(!shown.includes([...secret.subarray(0, 6)].join(',')));
      assert.ok(!shown.includes((secret.toString('hex').match(/../g) ?? []).slice(0, 6).join(' ')));
    }
  });

  it('keeps its profiles: one is the default, and each goes by its name', async () => {
    const { vault } = await home.create();
    assert.throws(() => profileFor(vault, undefined), { code: 'not-found', message: /has no profile\. Add one/ });
    const work = { ...PROFILE, name: 'work' };
    const one = await changeVault(vault, (content) => withProfile(content, PROFILE));
    const two = await changeVault(one, (content) => withProfile(content, work));
    assert.deepEqual([two.defaultProfile, profileFor(two, 'work').name], ['home', 'work']);
    assert.throws(() => profileFor(two, 'play'), { code: 'not-found' });
    await refuses(
      changeVault(two, (content) => withProfile(content, work)),
      'exists',
    );
    const replaced = await changeVault(two, (content) => withProfile(content, { ...work, compress: true }, true));
    assert.deepEqual(
      replaced.profiles.map(({ name, compress }) => [name, compress]),
      [
        ['home', false],
        ['work', true],
      ],
    );
    const other = await changeVault(replaced, (content) => withDefaultProfile(content, 'work'));
    assert.equal((await home.open()).defaultProfile, 'work');
    await refuses(
      changeVault(other, (content) => withDefaultProfile(content, 'play')),
      'not-found',
    );
    const less = await changeVault(other, (content) => withoutProfile(content, 'work'));
    assert.deepEqual([less.defaultProfile, less.profiles.length], ['home', 1]);
    const none = await changeVault(less, (content) => withoutProfile(content, 'home'));
    assert.deepEqual([none.defaultProfile, none.profiles.length], [undefined, 0]);
    await refuses(
      changeVault(none, (content) => withoutProfile(content, 'home')),
      'not-found',
    );
    const many = Array.from({ length: LIMITS.profiles + 1 }, (_, i) => ({ ...PROFILE, name: `p${i}` }));
    await refuses(
      changeVault(none, (content) => many.reduce((all, profile) => withProfile(all, profile), content)),
      'limit',
    );
  });

  it('takes an access token, and a fresh one in its place', async () => {
    const auth = {
      kind: 'oauth',
      user: 'alice',
      accessToken: new Secret('token 1'),
      expires: new Date(1e12),
      refresh: {
        tokenEndpoint: 'https://provider.example/token',
        clientID: 'postern',
        clientSecret: new Secret('client'),
        refreshToken: new Secret('refresh'),
      },
    } as const;
    const { vault } = await home.create({ profile: { ...PROFILE, auth, policies: { compatible: true } } });
    await changeVault(vault, (content) =>
      withProviderAuth(content, undefined, { ...auth, accessToken: new Secret('token 2') }),
    );
    const profile = profileFor(await home.open(), undefined);
    assert.ok(profile.auth.kind === 'oauth');
    assert.equal(profile.auth.accessToken.reveal(), 'token 2');
    assert.deepEqual(profile.auth.expires, auth.expires);
    assert.equal(profile.auth.refresh?.refreshToken.reveal(), 'refresh');
    assert.equal(profile.auth.refresh.clientSecret?.reveal(), 'client');
    assert.equal(profile.auth.refresh.clientID, 'postern');
    assert.deepEqual(profile.policies, { compatible: true });
  });

  it("is not another user's: a file in the place of another does not open", async () => {
    await home.create({ user: 'mallory@example.com' });
    renameSync(join(home.path, 'vaults', 'mallory@example.com.vault'), home.file);
    await refuses(home.open(), 'damaged');
  });

  it('is listed with its form, and the damaged ones with what is wrong', async () => {
    assert.deepEqual(await listVaults(home.path), []);
    await home.create();
    await home.create({ user: 'a/b%!ö@example.com' });
    const folder = join(home.path, 'vaults');
    writeFileSync(join(folder, 'bob@example.com.vault'), 'nonsense');
    writeFileSync(join(folder, 'huge@example.com.vault'), '');
    truncateSync(join(folder, 'huge@example.com.vault'), LIMITS.fileSize + 1);
    writeFileSync(join(folder, 'NOT an address.vault'), readFileSync(home.file));
    writeFileSync(join(folder, '.carol@example.com.vault.0123456789abcdef.tmp'), readFileSync(home.file));
    const listed = await listVaults(home.path);
    assert.deepEqual(
      listed.map(({ user, form, problem }) => [user, form?.slots, problem?.replace(/^.*(is damaged|name).*$/, '$1')]),
      [
        [undefined, ['password', 'recovery'], 'name'],
        ['a/b%!ö@example.com', ['password', 'recovery'], undefined],
        [USER, ['password', 'recovery'], undefined],
        ['bob@example.com', undefined, 'is damaged'],
        ['huge@example.com', undefined, 'is damaged'],
      ],
    );
    await refuses(home.open(PASSWORD, 'bob@example.com'), 'damaged');
    await refuses(home.open(PASSWORD, 'huge@example.com'), 'damaged');
  });

  it('is removed once', async () => {
    await home.create();
    await removeVault(home.path, USER);
    await refuses(home.open(), 'denied');
    await refuses(removeVault(home.path, USER), 'not-found');
    await refuses(removeVault(home.path, 'alice'), 'not-found');
    assert.deepEqual(readdirSync(join(home.path, 'vaults')), []);
  });

  it('passes on what the system says of a folder that cannot be read', async () => {
    writeFileSync(join(home.path, '..', 'file'), '');
    const inFile = openVault(join(home.path, '..', 'file'), USER, { kind: 'password', password: PASSWORD });
    await assert.rejects(inFile, { code: 'ENOTDIR' });
  });
});
