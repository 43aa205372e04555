import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import { parseAddress } from '#lib/keys/address';
import { findCertificate, findSigningKey } from '#lib/keys/find';
import { generate } from '#lib/keys/generate';
import { Keyring } from '#lib/keys/keyring';
import { readSingleKey } from '#lib/keys/keyfile';
import { isLocked, unlock } from '#lib/keys/passphrase';
import type { Provenance, Trust } from '#lib/keys/provenance';
import { applyRevocation, revoke } from '#lib/keys/revoke';
import { Secret } from '#lib/keys/secret';
import type { CertificateSource } from '#lib/keys/source';
import { type PrivateKey, type PublicKey, generateKey, reformatKey } from '#lib/openpgp/library';

const PASSPHRASE = new Secret('correct horse');
const DAY = 86_400;

type SubkeyOptions = NonNullable<Parameters<typeof generateKey>[0]['subkeys']>[number];

function provenance(trust: Trust): Provenance {
  return { trust, source: 'test', since: new Date('2026-01-02T03:04:05Z') };
}

function fingerprint(key: PublicKey): string {
  return key.getFingerprint().toUpperCase();
}

async function newKey(...userIDs: readonly string[]): Promise<PrivateKey> {
  return (await generate({ userIDs })).key;
}

/** The certificate of a key that was changed by hand, as somebody else reads it. */
async function reread(key: PublicKey): Promise<PublicKey> {
  return (await readSingleKey(Buffer.from(key.toPublic().write()))).toPublic();
}

function address(text: string): NonNullable<ReturnType<typeof parseAddress>> {
  const parsed = parseAddress(text);
  assert.ok(parsed);
  return parsed;
}

describe('keyring', () => {
  let home = '';
  let keyring: Keyring;
  let alice: PrivateKey;
  let bob: PrivateKey;
  before(async () => {
    alice = await newKey('Alice <alice@example.com>', 'alice@example.org');
    bob = await newKey('bob@example.com');
  });
  beforeEach(() => {
    home = join(mkdtempSync(join(tmpdir(), 'postern-test-')), 'home');
    keyring = new Keyring(home);
  });
  afterEach(() => {
    rmSync(join(home, '..'), { recursive: true });
  });

  const add = (key: PublicKey, trust: Trust = 'verified'): Promise<string> =>
    keyring.write((writer) => writer.addCertificate(key.toPublic(), provenance(trust)));
  const find = async (name: string): Promise<string> => fingerprint((await findCertificate(keyring, name)).certificate);

  it('keeps one armored file a certificate, named for people, with where it came from', async () => {
    assert.equal(await add(alice, 'pinned'), 'new');
    const file = `alice@example.com-${alice.getKeyID().toHex().toUpperCase()}.asc`;
    assert.deepEqual(readdirSync(join(home, 'certificates')), [file]);
    const text = readFileSync(join(home, 'certificates', file), 'latin1');
    assert.match(
      text,
      /^-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: postern trust=pinned since=2026-01-02T03:04:05.000Z source=test\n\n/,
    );
    const [stored] = await keyring.certificates();
    assert.deepEqual(stored?.provenance, provenance('pinned'));
    assert.equal((await readSingleKey(Buffer.from(text))).getFingerprint(), alice.getFingerprint());
  });

  it('keeps private keys for the owner alone, and their certificates with the others', async () => {
    await keyring.write((writer) => writer.addPrivateKey(alice, provenance('pinned')));
    assert.equal(statSync(home).mode & 0o777, 0o700);
    assert.equal(statSync(join(home, 'private')).mode & 0o777, 0o700);
    const [stored] = await keyring.privateKeys();
    assert.equal(statSync(stored?.path ?? '').mode & 0o777, 0o600);
    const [certificate] = await keyring.certificates();
    assert.equal(certificate?.certificate.isPrivate(), false);
    assert.doesNotMatch(readFileSync(certificate.path, 'latin1'), /PRIVATE/);
    assert.deepEqual(readdirSync(home).sort(), [
      'certificates',
      'certificates.catalogue',
      'private',
      'private.catalogue',
    ]);
  });

  it('finds a certificate by each of its addresses, by fingerprint and long key ID of key and subkey, and by file', async () => {
    await add(alice);
    await add(bob);
    const [subkey] = alice.subkeys;
    assert.ok(subkey);
    const spaced = fingerprint(alice).replace(/(.{4})/g, '$1 ');
    for (const name of [
      'alice@example.com',
      '<alice@example.com>',
      'alice@example.org',
      'alice@EXAMPLE.com',
      'Alice@example.com',
      fingerprint(alice),
      `0x${alice.getFingerprint()}`,
      spaced,
      alice.getKeyID().toHex(),
      subkey.getFingerprint(),
      subkey.getKeyID().toHex(),
      (await keyring.lookup(address('alice@example.com')))[0]?.path ?? '',
    ]) {
      assert.equal(await find(name), fingerprint(alice), name);
    }
  });

  it('refuses names that do not tell one certificate', async () => {
    await add(alice);
    await assert.rejects(find(fingerprint(alice).slice(-8)), { code: 'name', message: /too short: anybody can make/ });
    await assert.rejects(find(`${fingerprint(alice)}00`), { code: 'name', message: /42 digits/ });
    await assert.rejects(find('no such thing'), { code: 'name' });
    await assert.rejects(find('carol@example.com'), { code: 'not-found', message: /carol@example\.com.*key import/ });
    await assert.rejects(find('F'.repeat(40)), { code: 'not-found' });
    await assert.rejects(find(join(home, 'absent.asc')), { code: 'ENOENT' });
    // An address is an address, whatever lies in the folder we are in.
    await assert.rejects(find('certificates/../../etc@example.com'), { code: 'not-found' });
  });

  it('matches the whole address and no part of it', async () => {
    await add(bob);
    for (const name of ['ob@example.com', 'bob@example.co', 'bob@example.com.au', 'bob@sub.example.com', 'bob@com']) {
      await assert.rejects(find(name), { code: 'not-found' });
    }
  });

  it('folds international domains', async () => {
    const key = await newKey('Jörg <jörg@bücher.example>');
    await add(key);
    assert.equal(await find('jörg@xn--bcher-kva.example'), fingerprint(key));
    assert.equal(await find('JÖRG@BÜCHER.example'), fingerprint(key));
  });

  it('prefers trust, then the exact spelling, then the newest', async () => {
    const make = (userID: string, days: number): Promise<PrivateKey> =>
      generate({ userIDs: [userID], date: new Date(Date.now() - days * DAY * 1000) }).then(({ key }) => key);
    const [old, young, spelt, pinned] = await Promise.all([
      make('carol@example.com', 30),
      make('carol@example.com', 2),
      make('Carol@example.com', 20),
      make('CAROL@example.com', 40),
    ]);
    await add(old, 'discovered');
    await add(young, 'discovered');
    assert.equal(await find('carol@example.com'), fingerprint(young));
    await add(spelt, 'discovered');
    assert.equal(await find('Carol@example.com'), fingerprint(spelt));
    await add(pinned, 'pinned');
    assert.equal(await find('carol@example.com'), fingerprint(pinned));
    await assert.rejects(findCertificate(keyring, 'bob@example.com', { minTrust: 'verified' }), { code: 'not-found' });
    await add(bob, 'learned');
    await assert.rejects(findCertificate(keyring, 'bob@example.com', { minTrust: 'verified' }), {
      code: 'unusable',
      message: /is only learned, and verified is asked for/,
    });
  });

  it('tells of each certificate why it cannot be used', async () => {
    const past = new Date(Date.now() - 400 * DAY * 1000);
    const expired = await generate({ userIDs: ['dave@example.com'], date: past, lifetime: 365 * DAY });
    const revoked = await generate({ userIDs: ['dave@example.com'] });
    const { certificate } = await applyRevocation(revoked.key.toPublic(), revoked.revocation);
    await add(expired.key);
    await add(certificate);
    const day = new Date(past.getTime() + 365 * DAY * 1000).toISOString().slice(0, 10);
    await assert.rejects(find('dave@example.com'), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'unusable');
      assert.match(error.message, new RegExp(`certificate ${fingerprint(expired.key)} expired on ${day}`));
      assert.match(error.message, new RegExp(`certificate ${fingerprint(revoked.key)} is revoked`));
      return true;
    });
    await assert.rejects(find(fingerprint(expired.key)), { code: 'unusable', message: /expired on/ });
    const usable = await newKey('dave@example.com');
    await add(usable, 'learned');
    assert.equal(await find('dave@example.com'), fingerprint(usable));
  });

  it('tells when it is the subkey that cannot be used', async () => {
    const date = new Date(Date.now() - 10 * DAY * 1000);
    const make = async (subkeys: SubkeyOptions[]): Promise<PublicKey> => {
      const userIDs = { email: 'gina@example.com' };
      const { publicKey } = await generateKey({ userIDs, date, subkeys, format: 'object' });
      await add(publicKey);
      return publicKey;
    };
    const ended = await make([{ keyExpirationTime: 5 * DAY }]);
    const day = new Date(date.getTime() + 5 * DAY * 1000).toISOString().slice(0, 10);
    const message = new RegExp(`has a subkey for encryption that expired on ${day}`);
    await assert.rejects(find(fingerprint(ended)), { code: 'unusable', message });
    const without = await make([{ sign: true }]);
    await assert.rejects(find(fingerprint(without)), {
      code: 'unusable',
      message: /has no valid subkey for encryption/,
    });
    const young = await findCertificate(keyring, 'gina@example.com', { date: new Date(date.getTime() + DAY * 1000) });
    assert.equal(fingerprint(young.certificate), fingerprint(ended));
  });

  it('asks other sources after the keyring, and only where that has nothing usable', async () => {
    const asked: string[] = [];
    const source: CertificateSource = {
      name: 'test',
      lookup: ({ text }) => {
        asked.push(text);
        return Promise.resolve([{ certificate: bob.toPublic(), provenance: provenance('discovered') }]);
      },
    };
    await add(alice, 'learned');
    const options = { sources: [source] };
    assert.equal(
      fingerprint((await findCertificate(keyring, 'alice@example.com', options)).certificate),
      fingerprint(alice),
    );
    assert.deepEqual(asked, []);
    assert.equal(
      fingerprint((await findCertificate(keyring, 'bob@example.com', options)).certificate),
      fingerprint(bob),
    );
    // What a source says is not believed: this certificate is not carol's.
    await assert.rejects(findCertificate(keyring, 'carol@example.com', options), {
      message: /has no user ID with this address/,
    });
    const broken = { name: 'broken', lookup: () => Promise.reject(new Error('not reached')) };
    await assert.rejects(findCertificate(keyring, 'dave@example.com', { sources: [broken] }), {
      message: 'not reached',
    });
  });

  it('does not believe a user ID that the key has not signed', async () => {
    // Mallory takes a signed user ID of somebody else and puts it onto a key of her own.
    const mallory = await newKey('mallory@example.com');
    const stolen = (await readSingleKey(Buffer.from(alice.toPublic().armor()))).toPublic();
    const forged = mallory.toPublic();
    forged.users.push(...stolen.users);
    await add(await reread(forged));
    await assert.rejects(find('alice@example.com'), {
      code: 'unusable',
      message: /has a user ID with this address that its key has not signed/,
    });
    assert.equal(await find('mallory@example.com'), fingerprint(mallory));
  });

  it('does not use a revoked user ID', async () => {
    const key = await newKey('erin@example.com', 'erin@old.example');
    const [, old] = key.users;
    assert.ok(old);
    const { keyPacket } = key;
    assert.ok('isDummy' in keyPacket);
    key.users[1] = await old.revoke(keyPacket, undefined, new Date());
    await add(await reread(key));
    assert.equal(await find('erin@example.com'), fingerprint(key));
    await assert.rejects(find('erin@old.example'), { code: 'unusable', message: /has revoked its user ID/ });
  });

  it('merges a newer copy and loses nothing of either', async () => {
    await add(alice, 'verified');
    const { privateKey: renamed } = await reformatKey({
      privateKey: alice,
      userIDs: [{ name: 'Alice', email: 'alice@new.example' }],
      format: 'object',
      date: new Date(Date.now() + 1000),
    });
    const { certificate } = await revoke(renamed, 'superseded', '');
    assert.equal(await add(renamed, 'learned'), 'updated');
    assert.equal(await add(renamed, 'learned'), 'unchanged');
    const [stored] = await keyring.certificates();
    assert.deepEqual(stored?.certificate.getUserIDs().length, 3);
    assert.equal(stored.provenance.trust, 'verified', 'trust does not fall');
    assert.equal(await add(renamed, 'pinned'), 'updated');
    assert.equal((await keyring.certificates())[0]?.provenance.trust, 'pinned');
    await keyring.write((writer) => writer.addCertificate(renamed.toPublic(), provenance('learned'), true));
    assert.equal((await keyring.certificates())[0]?.provenance.trust, 'learned', 'unless that is asked for');
    assert.equal(await add(certificate), 'updated');
    await add(alice);
    await assert.rejects(find('alice@example.com'), { code: 'unusable', message: /is revoked/ });
    assert.equal(readdirSync(join(home, 'certificates')).length, 1);
  });

  it('keeps a secret and its lock when a public or another private copy comes', async () => {
    const { key } = await generate({ userIDs: ['frank@example.com'], passphrase: PASSPHRASE });
    const open = await unlock(key, PASSPHRASE);
    const put = (copy: PrivateKey): Promise<string> =>
      keyring.write((writer) => writer.addPrivateKey(copy, provenance('pinned')));
    assert.equal(await put(key), 'new');
    await add(key);
    assert.equal(await put(open), 'unchanged');
    const [stored] = await keyring.privateKeys();
    assert.ok(stored && isLocked(stored.key));
    await unlock(stored.key, PASSPHRASE);
  });

  it('completes a stub of a primary key and never the other way round', async () => {
    const stub = await readSingleKey(Buffer.from(alice.write()));
    assert.ok(stub.isPrivate());
    const { keyPacket } = stub;
    assert.ok('makeDummy' in keyPacket);
    keyPacket.makeDummy();
    const put = (copy: PrivateKey): Promise<string> =>
      keyring.write((writer) => writer.addPrivateKey(copy, provenance('pinned')));
    const isWhole = async (): Promise<boolean> => {
      const [stored] = await keyring.privateKeys();
      const packet = stored?.key.keyPacket;
      assert.ok(packet && 'isDummy' in packet);
      return !packet.isDummy();
    };
    assert.equal(await put(stub), 'new');
    assert.equal(await isWhole(), false);
    assert.equal(await put(alice), 'updated');
    assert.equal(await isWhole(), true);
    assert.equal(await put(stub), 'unchanged');
    assert.equal(await isWhole(), true);
  });

  it('finds private keys by what a message names', async () => {
    for (const key of [alice, bob]) await keyring.write((writer) => writer.addPrivateKey(key, provenance('pinned')));
    const subkey = bob.subkeys[0]?.getKeyID().toHex() ?? '';
    assert.deepEqual(
      (await keyring.privateKeysForMessage([subkey, '1122334455667788'])).map(({ key }) => fingerprint(key)),
      [fingerprint(bob)],
    );
    assert.equal((await keyring.privateKeysForMessage(['0'.repeat(16)])).length, 2);
    assert.equal((await keyring.privateKeysForMessage(['1122334455667788'])).length, 0);
    assert.equal(fingerprint((await findSigningKey(keyring, 'bob@example.com')).key), fingerprint(bob));
    assert.equal(fingerprint((await findSigningKey(keyring, fingerprint(alice))).key), fingerprint(alice));
    await assert.rejects(findSigningKey(keyring, 'carol@example.com'), { code: 'not-found' });
  });

  it('does not sign with a key whose certificate has been revoked', async () => {
    await keyring.write((writer) => writer.addPrivateKey(bob, provenance('pinned')));
    await add((await revoke(bob, 'compromised', '')).certificate);
    await assert.rejects(findSigningKey(keyring, 'bob@example.com'), { code: 'unusable', message: /revoked/i });
  });

  it('deletes a private key only where that is said', async () => {
    await keyring.write((writer) => writer.addPrivateKey(alice, provenance('pinned')));
    await add(bob);
    await assert.rejects(
      keyring.write((writer) => writer.remove(fingerprint(alice), false)),
      { code: 'refused' },
    );
    assert.equal((await keyring.certificates()).length, 2);
    await keyring.write((writer) => writer.remove(fingerprint(bob), false));
    await keyring.write((writer) => writer.remove(fingerprint(alice), true));
    assert.deepEqual([await keyring.certificates(), await keyring.privateKeys()], [[], []]);
  });

  it('names damaged files and shows the others', async () => {
    await add(alice);
    const put = (name: string, content: string): void => {
      writeFileSync(join(home, 'certificates', name), content);
    };
    put('empty.asc', '');
    put('half.asc', alice.toPublic().armor().slice(0, 400));
    put('secret.asc', bob.armor());
    put('two.asc', alice.toPublic().armor() + bob.toPublic().armor());
    put('.hidden.asc', 'not looked at');
    put('README', 'not looked at');
    mkdirSync(join(home, 'certificates', 'folder.asc'));
    assert.equal(await find('alice@example.com'), fingerprint(alice));
    assert.equal((await keyring.certificates()).length, 1);
    const damaged = await keyring.damaged();
    assert.deepEqual(
      damaged.map(({ path }) => path.slice(home.length)),
      ['empty', 'folder', 'half', 'secret', 'two'].map((name) => `/certificates/${name}.asc`),
    );
    await assert.rejects(find('bob@example.com'), { code: 'not-found', message: /half\.asc is damaged/ });
  });

  it('follows files that are put there, renamed, changed in place and taken away by hand', async () => {
    await add(alice);
    const folder = join(home, 'certificates');
    writeFileSync(join(folder, 'friend.asc'), bob.toPublic().armor());
    assert.equal(await find('bob@example.com'), fingerprint(bob));
    assert.equal((await keyring.lookup(address('bob@example.com')))[0]?.provenance.source, 'file');
    renameSync(join(folder, 'friend.asc'), join(folder, 'bob.asc'));
    assert.equal(await find('bob@example.com'), fingerprint(bob));
    const carol = await newKey('carol@example.com');
    // An editor may write in place, which the folder's time does not tell.
    const long = new Date(Date.now() - 1_000_000);
    utimesSync(folder, long, long);
    await keyring.certificates();
    writeFileSync(join(folder, 'bob.asc'), carol.toPublic().armor());
    utimesSync(folder, long, long);
    for (const ring of [keyring, new Keyring(home)]) {
      assert.equal(fingerprint((await findCertificate(ring, 'carol@example.com')).certificate), fingerprint(carol));
      await assert.rejects(findCertificate(ring, 'bob@example.com'), { code: 'not-found' });
    }
    rmSync(join(folder, 'bob.asc'));
    await assert.rejects(find('carol@example.com'), { code: 'not-found' });
  });

  it('works with a catalogue that is damaged, gone, or not to be written', async () => {
    await add(alice);
    for (const content of ['', '{', 'null', '{"version":1,"folderTime":1,"entries":[{}]}', '{"version":2}']) {
      writeFileSync(join(home, 'certificates.catalogue'), content);
      assert.equal(
        fingerprint((await findCertificate(new Keyring(home), 'alice@example.com')).certificate),
        fingerprint(alice),
      );
    }
    rmSync(join(home, 'certificates.catalogue'));
    mkdirSync(join(home, 'certificates.catalogue'));
    chmodSync(home, 0o500);
    assert.equal(
      fingerprint((await findCertificate(new Keyring(home), 'alice@example.com')).certificate),
      fingerprint(alice),
    );
    chmodSync(home, 0o700);
  });

  it('never makes a path of a user ID', async () => {
    for (const userID of [
      '../../../tmp/evil',
      '/etc/passwd',
      '..',
      '.hidden',
      'a\0b',
      'x'.repeat(1500),
      '\u202Egpj',
      '"a/../b"@example.com',
    ]) {
      const key = await newKey('zoe@example.com');
      const [user] = key.users;
      assert.ok(user?.userID);
      Object.assign(user.userID, { userID });
      const certificate = await reread(key);
      await add(certificate);
      const [stored] = await keyring.withFingerprint(fingerprint(key));
      const name = (stored?.path ?? '').slice(join(home, 'certificates').length);
      assert.match(name, /^\/[\p{L}\p{N}_@"][\p{L}\p{N}@._+=-]*-[0-9A-F]{16}\.asc$/u, userID);
      assert.ok(name.length < 150);
    }
    assert.deepEqual(readdirSync(join(home, '..')), ['home']);
  });

  it('loses nothing when many import at once, from several processes', async () => {
    const keys = await Promise.all(Array.from({ length: 6 }, (_, i) => newKey(`user${i}@example.com`)));
    const files = keys.map((key, i) => {
      const path = join(home, '..', `${i}.asc`);
      // Each import also brings one more user ID of the same certificate.
      writeFileSync(path, key.toPublic().armor() + (variants[i] ?? ''));
      return path;
    });
    const main = join(process.cwd(), 'dist', 'src', 'main.js');
    const runs = files.map((file) => spawn(process.execPath, [main, '--home', home, 'key', 'import', file]));
    const codes = await Promise.all(runs.map(async (run) => ((await once(run, 'close')) as [number])[0]));
    assert.deepEqual(
      codes,
      keys.map(() => 0),
    );
    assert.equal((await keyring.certificates()).length, keys.length + 1);
    const [shared] = await keyring.lookup(address('alice@example.com'));
    assert.equal(shared?.certificate.getUserIDs().length, 8);
  });

  /** The same certificate six times, each with another user ID more. */
  const variants: string[] = [];
  before(async () => {
    for (let i = 0; i < 6; i += 1) {
      const { publicKey } = await reformatKey({
        privateKey: alice,
        userIDs: [{ email: `alice${i}@example.com` }],
        format: 'object',
      });
      const both = await alice.toPublic().update(publicKey);
      variants.push(both.armor());
    }
  });
});
