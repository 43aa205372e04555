import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Secret } from '#lib/keys/secret';
import { addAppPassword } from '#lib/vault/access';
import { withProfile } from '#lib/vault/edit';
import { LIMITS } from '#lib/vault/limits';
import { listVaults } from '#lib/vault/listing';
import { changeVault } from '#lib/vault/vault';
import { Home, PASSWORD, PROFILE, USER } from './material.js';

/** Opens the vault once and adds key files to it, one after another, until it is killed or has made all of them. */
const PROGRAM = `
const [home, user, password, prefix, count] = process.argv.slice(1);
const { Secret } = await import('#lib/keys/secret');
const { addKeyFile } = await import('#lib/vault/access');
const { openVault } = await import('#lib/vault/vault');
const vault = await openVault(home, user, { kind: 'password', password: new Secret(password) });
console.log('open');
for (let i = 0; i < Number(count); i += 1) await addKeyFile(vault, prefix + i);
`;

function start(home: Home, prefix: string, count: number): ChildProcess {
  const args = ['--input-type=module', '-e', PROGRAM, '--', home.path, USER, PASSWORD.reveal(), prefix, String(count)];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

describe('a vault that is changed', () => {
  let home: Home;
  beforeEach(() => {
    home = new Home();
  });
  afterEach(() => {
    home.remove();
  });

  it('by two processes at once loses nothing of what either has written', async () => {
    await home.create();
    const count = 15;
    const processes = ['a', 'b'].map((prefix) => start(home, prefix, count));
    for (const code of await Promise.all(processes.map(async (child) => (await once(child, 'exit'))[0] as number))) {
      assert.equal(code, 0);
    }
    const vault = await home.open();
    const names = vault.slots.filter(({ kind }) => kind === 'key-file').map(({ name }) => name);
    const expected = ['a', 'b'].flatMap((prefix) => Array.from({ length: count }, (_, i) => `${prefix}${i}`));
    assert.deepEqual([...names].sort(), [...expected].sort());
    assert.equal(vault.generation, 1 + 2 * count);
    assert.deepEqual(readdirSync(dirname(home.file)), [`${USER}.vault`]);
  });

  it('through two objects of one process keeps both changes', async () => {
    const { vault } = await home.create();
    const other = await home.open();
    await Promise.all([
      changeVault(vault, (content) => withProfile(content, PROFILE)),
      addAppPassword(other, 'phone', new Secret('phone password')),
    ]);
    const after = await home.open();
    assert.deepEqual([after.profiles.length, after.slots.length, after.generation], [1, 3, 3]);
  });

  it('by a process that is killed at any time is whole: what it was, or what it became', async () => {
    await home.create();
    let generation = 1;
    for (let round = 0; round < 6; round += 1) {
      const child = start(home, `r${round} `, 9);
      assert.ok(child.stdout);
      await once(child.stdout, 'data');
      await setTimeout(4 * round);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const vault = await home.open();
      assert.ok(vault.generation >= generation);
      assert.equal(vault.slots.length, vault.generation + 1);
      generation = vault.generation;
      vault.close();
    }
    // The lock that was left does not keep the next one out.
    await addAppPassword(await home.open(), 'phone', new Secret('phone password'));
    assert.equal((await home.open()).generation, generation + 1);
  });

  it('gets rid of what crashes left beside it, and leaves alone what may still be written', async () => {
    const { vault } = await home.create();
    const folder = dirname(home.file);
    const [old, recent] = ['0123456789abcdef', 'fedcba9876543210'].map((id) =>
      join(folder, `.${USER}.vault.${id}.tmp`),
    );
    assert.ok(old !== undefined && recent !== undefined);
    for (const path of [old, recent]) writeFileSync(path, readFileSync(home.file).subarray(0, 100));
    const long = (Date.now() - LIMITS.leftover) / 1000 - 1;
    utimesSync(old, long, long);
    assert.equal((await listVaults(home.path)).length, 1);
    (await home.open()).close();
    await changeVault(vault, (content) => content);
    assert.deepEqual([existsSync(old), existsSync(recent)], [false, true]);
  });

  it('waits for another process, and says who it is when that takes too long', async (test) => {
    const { vault } = await home.create();
    const lock = `${home.file}.lock`;
    writeFileSync(lock, `${process.pid} ${hostname()}\n`);
    test.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const change = changeVault(vault, (content) => content);
    await setTimeout(100);
    test.mock.timers.tick(LIMITS.lockPatience + 1);
    await assert.rejects(change, { name: 'VaultError', code: 'busy', message: new RegExp(`${process.pid}`) });
    assert.equal((await home.open()).generation, 1);
  });
});
