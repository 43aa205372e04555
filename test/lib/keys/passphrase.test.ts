import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { generate } from '#lib/keys/generate';
import { isLocked, isUnprotected, lock, secretPackets, unlock } from '#lib/keys/passphrase';
import { Secret } from '#lib/keys/secret';
import { type PrivateKey, readPrivateKey } from '#lib/openpgp/library';

const RIGHT = new Secret('correct horse ✓');
const WRONG = new Secret('incorrect horse');

describe('locks of private keys', () => {
  const keys = new Map<number, PrivateKey>();
  before(async () => {
    for (const version of [4, 6] as const) {
      keys.set(version, (await generate({ userIDs: ['alice@example.com'], version, passphrase: RIGHT })).key);
    }
  });
  const key = (version: number): PrivateKey => {
    const found = keys.get(version);
    assert.ok(found);
    return found;
  };

  for (const version of [4, 6]) {
    it(`open with the passphrase and with no other (version ${version})`, async () => {
      const locked = key(version);
      assert.deepEqual([isLocked(locked), isUnprotected(locked)], [true, false]);
      const open = await unlock(locked, RIGHT);
      assert.deepEqual([isLocked(open), isUnprotected(open)], [false, true]);
      assert.equal(isLocked(locked), true, 'the key itself stays locked');
      await assert.rejects(unlock(locked, WRONG), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'passphrase');
        assert.match(error.message, new RegExp(locked.getFingerprint(), 'i'));
        assert.doesNotMatch(String(error.stack), /horse/);
        return true;
      });
    });

    it(`hold nothing unlocked and serialise to the same (version ${version})`, async () => {
      const open = await unlock(key(version), RIGHT);
      const again = await lock(open, WRONG);
      assert.ok(secretPackets(again).every((packet) => !packet.isDecrypted()));
      const reread = await readPrivateKey({ binaryKey: again.write() });
      await unlock(reread, WRONG);
      await assert.rejects(unlock(reread, RIGHT), { code: 'passphrase' });
    });
  }

  it('open in part where the parts have different passphrases', async () => {
    const open = await unlock(key(4), RIGHT);
    const mixed = await readPrivateKey({ binaryKey: open.write() });
    const [, subkey] = secretPackets(mixed);
    await subkey?.encrypt(WRONG.reveal());
    const both = await lock(await readPrivateKey({ binaryKey: mixed.write() }), RIGHT);
    const states = async (passphrase: Secret): Promise<readonly boolean[]> =>
      secretPackets(await unlock(both, passphrase)).map((packet) => packet.isDecrypted());
    assert.deepEqual(await states(RIGHT), [true, false]);
    assert.deepEqual(await states(WRONG), [false, true]);
  });

  it('may not ask for more work than we do', async () => {
    // 64 MiB, three passes, four lanes; the salt before them is random.
    const bytes = Buffer.from(key(6).write());
    for (const [what, octets] of [
      ['1 TiB', [3, 4, 30]],
      ['255 passes', [255, 4, 16]],
    ] as const) {
      const hostile = Buffer.from(bytes);
      let found = 0;
      for (let at = 0; at < bytes.length - 20; at += 1) {
        if (bytes[at] !== 4 || bytes.readUIntBE(at + 17, 3) !== 0x030410) continue;
        Buffer.from(octets).copy(hostile, at + 17);
        found += 1;
      }
      assert.equal(found, 2, what);
      const start = performance.now();
      await assert.rejects(unlock(await readPrivateKey({ binaryKey: hostile }), RIGHT), { code: 'unsupported' }, what);
      assert.ok(performance.now() - start < 1000, what);
    }
  });
});
