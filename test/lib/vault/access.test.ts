import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Secret } from '#lib/keys/secret';
import { addAppPassword, addKeyFile, rekeyVault, renewRecoveryCode, revokeSlot } from '#lib/vault/access';
import { withProfile } from '#lib/vault/edit';
import { LIMITS } from '#lib/vault/limits';
import type { OpenVault } from '#lib/vault/openvault';
import { profileFor } from '#lib/vault/profile';
import { changeVault, openVault } from '#lib/vault/vault';
import { Home, PASSWORD, PROFILE, PROVIDER_PASSWORD, USER, refuses } from './material.js';

const PHONE = new Secret('phone password');
const NEW = new Secret('new password');

describe('the ways into a vault', () => {
  let home: Home;
  beforeEach(() => {
    home = new Home();
  });
  afterEach(() => {
    home.remove();
  });

  const names = (vault: OpenVault): readonly string[] => vault.slots.map(({ kind, name }) => `${kind} ${name}`);
  const withCode = (code: Secret): Promise<OpenVault> => openVault(home.path, USER, { kind: 'recovery', code });
  const withKey = (key: Buffer): Promise<OpenVault> => openVault(home.path, USER, { kind: 'key-file', key });
  const providerPassword = (vault: OpenVault, name?: string): string | undefined => {
    const { auth } = profileFor(vault, name);
    return auth.kind === 'password' ? auth.password.reveal() : undefined;
  };

  it('are several passwords, each with its name', async () => {
    const { vault } = await home.create();
    const after = await addAppPassword(vault, 'phone', PHONE);
    assert.deepEqual(names(after), ['password main', 'recovery recovery code', 'password phone']);
    const opened = await home.open(PHONE);
    assert.deepEqual([opened.openedWith?.name, opened.generation], ['phone', 2]);
    assert.deepEqual(opened.indexKey, (await home.open()).indexKey);
    await refuses(addAppPassword(opened, 'phone', NEW), 'exists', /an app password "phone" already/);
    await refuses(addAppPassword(opened, 'a/b', NEW), 'invalid', /cannot be a name/);
    await refuses(addAppPassword(opened, 'tablet', new Secret('')), 'invalid', /empty/);
    await refuses(addAppPassword(opened, 'tablet', new Secret('x'.repeat(LIMITS.secret + 1))), 'limit');
    await refuses(home.open(NEW), 'denied');
  });

  it('are revoked one by one, and the last one stays', async () => {
    const { vault } = await home.create();
    const both = await addAppPassword(vault, 'phone', PHONE);
    const copy = join(home.path, 'copy');
    copyFileSync(home.file, copy);
    const one = await revokeSlot(both, 'password', 'phone');
    assert.deepEqual(names(one), ['password main', 'recovery recovery code']);
    await refuses(home.open(PHONE), 'denied');
    (await home.open()).close();
    await refuses(revokeSlot(one, 'password', 'phone'), 'not-found');
    await refuses(revokeSlot(one, 'key-file', 'main'), 'not-found');
    await refuses(revokeSlot(one, 'password', 'main'), 'invalid', /last way/);
    // What an old copy of the file holds stays open to the old password; nothing can change that.
    copyFileSync(copy, home.file);
    assert.equal((await home.open(PHONE)).generation, 2);
  });

  it('do not get whoever was revoked back in, also not with what an old copy told them', async () => {
    const { vault } = await home.create();
    const both = await addAppPassword(vault, 'phone', PHONE);
    const thief = await home.open(PHONE);
    await revokeSlot(both, 'password', 'phone');
    // The session that is open goes on reading what it had, and can change nothing any more.
    const before = readFileSync(home.file);
    await refuses(addAppPassword(thief, 'again', PHONE), 'denied', /revoked/);
    assert.deepEqual(readFileSync(home.file), before);
  });

  it('do not open for whoever revoked their own', async () => {
    const { vault } = await home.create();
    await addAppPassword(vault, 'phone', PHONE);
    const own = await revokeSlot(await home.open(PHONE), 'password', 'phone');
    assert.equal(own.openedWith, undefined);
    await refuses(addAppPassword(own, 'again', PHONE), 'denied');
  });

  it('are a recovery code, which a new one voids', async () => {
    const { vault, recoveryCode: first } = await home.create();
    const recovered = await withCode(new Secret(first.reveal().toLowerCase().replaceAll('-', ' ')));
    assert.equal(recovered.openedWith?.kind, 'recovery');
    const { vault: after, recoveryCode: second } = await renewRecoveryCode(recovered);
    assert.deepEqual([...names(after)].sort(), [...names(vault)].sort());
    assert.equal(after.openedWith?.kind, 'recovery');
    await refuses(withCode(first), 'denied');
    assert.equal((await withCode(second)).generation, 2);
    await refuses(withCode(new Secret('0'.repeat(30))), 'invalid', /typing mistake/);
    // A code is no password, in whatever form.
    await refuses(home.open(second), 'denied');
    await refuses(home.open(new Secret(second.reveal().replaceAll('-', ''))), 'denied');
  });

  it('are key files', async () => {
    const { vault } = await home.create();
    const { vault: after, key } = await addKeyFile(vault, 'usb stick');
    assert.equal(key.length, 32);
    assert.ok(names(after).includes('key-file usb stick'));
    assert.equal((await withKey(key)).openedWith?.kind, 'key-file');
    await refuses(withKey(Buffer.alloc(32)), 'denied');
    await refuses(addKeyFile(after, 'usb stick'), 'exists', /a key file "usb stick"/);
    const none = openVault(home.path, 'bob@example.com', { kind: 'key-file', key });
    assert.equal((await refuses(none, 'denied')).denied, 'none');
    await revokeSlot(after, 'key-file', 'usb stick');
    await refuses(withKey(key), 'denied');
  });

  it('are as many as the limit allows', async () => {
    let { vault } = await home.create();
    while (vault.slots.length < LIMITS.slots) ({ vault } = await addKeyFile(vault, `key ${vault.slots.length}`));
    await refuses(addKeyFile(vault, 'one more'), 'limit', /remove what is not used/);
    (await home.open()).close();
  });

  it('get a new password in place of the one that opened', async () => {
    await home.create();
    const rekeyed = await rekeyVault(await home.open(), NEW);
    await refuses(home.open(PASSWORD), 'denied');
    assert.deepEqual(names(await home.open(NEW)), ['recovery recovery code', 'password main']);
    // The new object has the new way in.
    await addAppPassword(rekeyed, 'phone', PHONE);
    await rekeyVault(await home.open(PHONE), new Secret('another'));
    await refuses(home.open(PHONE), 'denied');
    assert.equal((await home.open(new Secret('another'))).openedWith?.name, 'phone');
    assert.equal((await home.open(NEW)).openedWith?.name, 'main');
  });

  it('get a new password with the recovery code, and with a key file', async () => {
    const { vault, recoveryCode } = await home.create();
    const { key } = await addKeyFile(vault, 'usb');
    await rekeyVault(await withCode(recoveryCode), NEW);
    await refuses(home.open(PASSWORD), 'denied');
    await rekeyVault(await withKey(key), PHONE, { name: 'main' });
    await refuses(home.open(NEW), 'denied');
    assert.equal((await home.open(PHONE)).openedWith?.name, 'main');
    // Both are still there.
    (await withCode(recoveryCode)).close();
    (await withKey(key)).close();
    await refuses(rekeyVault(await withKey(key), NEW, { name: 'phone' }), 'not-found');
    await refuses(rekeyVault(await withKey(key), new Secret('')), 'invalid');
  });

  it('follow the password of the provider, with the copy of it that the profile has', async () => {
    await home.create({ profile: PROFILE, password: PROVIDER_PASSWORD });
    const both = await rekeyVault(await home.open(PROVIDER_PASSWORD), NEW, { provider: { profile: undefined } });
    assert.deepEqual([both.enrolled, providerPassword(both)], [true, NEW.reveal()]);
    const opened = await home.open(NEW);
    assert.deepEqual([opened.enrolled, providerPassword(opened)], [true, NEW.reveal()]);
    // The vault alone: from now on its password is its own.
    const alone = await rekeyVault(opened, PHONE);
    assert.deepEqual([alone.enrolled, providerPassword(alone)], [false, NEW.reveal()]);
    // And back.
    assert.equal((await rekeyVault(alone, NEW)).enrolled, true);
  });

  it('leave a profile alone that has no password, or is not there', async () => {
    const auth = { kind: 'oauth', user: 'alice', accessToken: new Secret('token') } as const;
    const { vault } = await home.create({ profile: { ...PROFILE, auth } });
    const before = readFileSync(home.file);
    await refuses(rekeyVault(vault, NEW, { provider: { profile: undefined } }), 'invalid', /access token/);
    await refuses(rekeyVault(vault, NEW, { provider: { profile: 'work' } }), 'not-found');
    assert.deepEqual(readFileSync(home.file), before);
    const more = await changeVault(vault, (content) => withProfile(content, { ...PROFILE, name: 'work' }));
    const after = await rekeyVault(more, NEW, { provider: { profile: 'work' } });
    assert.deepEqual([after.enrolled, providerPassword(after, 'work')], [false, NEW.reveal()]);
  });

  it('cannot be changed through an object of an older or a removed file', async () => {
    const { vault } = await home.create();
    const old = readFileSync(home.file);
    const newer = await changeVault(vault, (content) => content);
    writeFileSync(home.file, old);
    await refuses(addAppPassword(newer, 'phone', PHONE), 'state', /older/);
    writeFileSync(home.file, '');
    await refuses(addAppPassword(newer, 'phone', PHONE), 'damaged');
    home.remove();
    await home.create({ user: 'bob@example.com' });
    await refuses(addAppPassword(newer, 'phone', PHONE), 'not-found');
  });
});
