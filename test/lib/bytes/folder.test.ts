import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeFolder } from '#lib/bytes/atomic';

it('makes a folder and those above it, and says so where it cannot', async () => {
  const top = mkdtempSync(join(tmpdir(), 'folder-test-'));
  try {
    const path = join(top, 'a', 'b', 'c');
    await Promise.all([makeFolder(path, 0o700), makeFolder(path, 0o700)]);
    await makeFolder(path, 0o700);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    writeFileSync(join(top, 'file'), '');
    await assert.rejects(makeFolder(join(top, 'file'), 0o700), { code: 'EEXIST' });
    await assert.rejects(makeFolder(join(top, 'file', 'below'), 0o700), { code: 'ENOTDIR' });
    // Where the system denies a parent that is there, this must end.
    await assert.rejects(makeFolder('/proc/none/below', 0o700));
  } finally {
    rmSync(top, { recursive: true });
  }
});
