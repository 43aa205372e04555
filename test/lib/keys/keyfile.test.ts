import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { KeyringError } from '#lib/keys/error';
import { generate } from '#lib/keys/generate';
import { type KeyFileEntry, readKeyFile, readSingleKey } from '#lib/keys/keyfile';
import { issuerOf } from '#lib/keys/revoke';
import type { PrivateKey } from '#lib/openpgp/library';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 100);

function kinds(entries: readonly KeyFileEntry[]): readonly string[] {
  return entries.map((entry) => (entry.kind === 'key' ? (entry.key.isPrivate() ? 'private' : 'public') : entry.kind));
}

describe('key files', () => {
  let alice: PrivateKey;
  let bob: PrivateKey;
  let revocation = '';
  before(async () => {
    ({ key: alice, revocation } = await generate({ userIDs: ['alice@example.com'] }));
    ({ key: bob } = await generate({ userIDs: ['bob@example.com'], version: 6 }));
  });

  it('are read binary and armored, with one key or several, in one block or several, whatever stands between', async () => {
    const both = Buffer.concat([alice.toPublic().write(), bob.write()]);
    assert.deepEqual(kinds(await readKeyFile(both)), ['public', 'private']);
    const armored = `Dear all,\n\n${alice.toPublic().armor()}\nand\n${bob.armor().replaceAll('\n', '\r\n')}\n${revocation}bye\n`;
    assert.deepEqual(kinds(await readKeyFile(Buffer.from(armored))), ['public', 'private', 'revocation']);
  });

  it('give what is whole before the damage, and say that there is damage', async () => {
    const both = Buffer.concat([alice.toPublic().write(), bob.toPublic().write()]);
    const size = alice.toPublic().write().length;
    for (const cut of [size + 10, size + 60, both.length - 1]) {
      assert.deepEqual(kinds(await readKeyFile(both.subarray(0, cut))), ['public', 'problem'], `cut at ${cut}`);
    }
    assert.deepEqual(kinds(await readKeyFile(both.subarray(0, size - 1))), ['problem']);
    const text = alice.toPublic().armor();
    assert.deepEqual(kinds(await readKeyFile(Buffer.from(`${text.slice(0, 300)}\n${bob.armor()}`))), [
      'problem',
      'private',
    ]);
  });

  it('are refused when they are something else or too large', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('just text'), Buffer.from('-----BEGIN PGP MESSAGE-----')]) {
      await assert.rejects(readKeyFile(bytes), { code: 'data', message: /no OpenPGP certificate or key/ });
    }
    await assert.rejects(readKeyFile(Buffer.alloc(16 * 1024 * 1024 + 1, 0x20)), {
      code: 'data',
      message: /the limit is/,
    });
    const userID = Buffer.concat([Buffer.from([0xcd, 0xff, 0, 0, 0x04, 0]), Buffer.alloc(1024, 0x61)]);
    const flood = Buffer.concat([alice.toPublic().write(), ...Array.from({ length: 1100 }, () => userID)]);
    const [entry] = await readKeyFile(flood);
    assert.match(entry?.kind === 'problem' ? entry.message : '', /the limit is 1048576/);
    await assert.rejects(readSingleKey(Buffer.concat([alice.write(), bob.write()])), {
      code: 'data',
      message: /2 certificates/,
    });
  });

  it('never end in anything but an answer or a KeyringError, whatever the bytes', async () => {
    const samples = [alice.write(), bob.toPublic().write(), Buffer.from(alice.armor()), Buffer.from(revocation)];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 4 }),
        fc.nat(2500),
        async (sample, changes, end) => {
          const bytes = Buffer.from(sample.subarray(0, Math.max(end, 1)));
          for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
          try {
            for (const entry of await readKeyFile(bytes)) {
              if (entry.kind === 'revocation') await issuerOf(entry.signature);
            }
          } catch (error) {
            if (!(error instanceof KeyringError)) throw error;
          }
        },
      ),
      { numRuns: RUNS },
    );
  });
});
