import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { originKey, readOriginKey } from '#lib/keys/origin';

describe('origin key', () => {
  let home = '';
  beforeEach(() => {
    home = join(mkdtempSync(join(tmpdir(), 'postern-test-')), 'home');
  });
  afterEach(() => {
    rmSync(join(home, '..'), { recursive: true });
  });

  it('is made once, by one of many at once, and is for the owner alone', async () => {
    assert.equal(await readOriginKey(home), undefined);
    const keys = await Promise.all(Array.from({ length: 20 }, () => originKey(home)));
    for (const key of keys) assert.deepEqual(key, keys[0]);
    assert.equal(keys[0]?.length, 32);
    assert.deepEqual(await readOriginKey(home), keys[0]);
    assert.equal(readFileSync(join(home, 'origin.key'), 'latin1'), `${keys[0].toString('base64')}\n`);
    assert.equal(statSync(join(home, 'origin.key')).mode & 0o777, 0o600);
    assert.equal(statSync(home).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(home), ['origin.key']);
  });

  it('is not replaced where it is damaged', async () => {
    await originKey(home);
    for (const damaged of ['', 'AAAA\n', `${'A'.repeat(43)}!\n`]) {
      writeFileSync(join(home, 'origin.key'), damaged);
      await assert.rejects(originKey(home), { code: 'state', message: /origin\.key does not hold 32 octets/ });
      assert.equal(readFileSync(join(home, 'origin.key'), 'latin1'), damaged);
    }
  });
});
