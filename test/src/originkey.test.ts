import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { originKey } from '#lib/keys/origin';
import { markingKey } from '#src/originkey';

/** Another user than root, for whom file permissions count. */
const OTHER = 65534;

it('a key that is there and closed to us is a mistake; a state folder that is closed to us is not', async () => {
  const home = mkdtempSync(join(tmpdir(), 'originkey-test-'));
  const isRoot = process.geteuid?.() === 0;
  try {
    const key = await originKey(home);
    assert.deepEqual(await markingKey(home, undefined), key);
    chmodSync(join(home, 'origin.key'), 0);
    chmodSync(home, 0o755);
    if (isRoot) process.seteuid?.(OTHER);
    await assert.rejects(markingKey(home, undefined), { name: 'Failure', exitCode: 78 });
    if (isRoot) process.seteuid?.(0);
    chmodSync(home, 0);
    if (isRoot) process.seteuid?.(OTHER);
    assert.equal(await markingKey(home, undefined), undefined);
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(home, 0o700);
    rmSync(home, { recursive: true });
  }
});
