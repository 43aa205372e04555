import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createFileAtomic, writeFileAtomic } from '#lib/bytes/atomic';

describe('atomic writing', () => {
  let folder = '';
  let path = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
    path = join(folder, 'state');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('replaces the whole file with the given mode and leaves nothing else behind', async () => {
    writeFileSync(path, 'a longer old content', { mode: 0o644 });
    await writeFileAtomic(path, Buffer.from('new'), 0o600);
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['state']);
  });

  it('shows a reader the old content or the new one, never a part', async () => {
    const contents = Array.from({ length: 30 }, (_, i) => Buffer.alloc(100_000, i));
    await writeFileAtomic(path, Buffer.alloc(100_000), 0o600);
    const state = { writing: true };
    const reader = (async () => {
      while (state.writing) {
        const seen = readFileSync(path);
        assert.equal(seen.length, 100_000);
        assert.ok(seen.every((octet) => octet === seen[0]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await Promise.all(contents.map((content) => writeFileAtomic(path, content, 0o600)));
    state.writing = false;
    await reader;
    assert.deepEqual(readdirSync(folder), ['state']);
  });

  it('leaves the old file and no temporary one where it fails', async () => {
    await assert.rejects(writeFileAtomic(join(folder, 'absent', 'state'), Buffer.from('x'), 0o600), { code: 'ENOENT' });
    // The name is taken by a folder, so that the last step fails.
    await assert.rejects(writeFileAtomic(folder, Buffer.from('x'), 0o600));
    assert.deepEqual(readdirSync(folder), []);
  });

  it('creates a file for exactly one of many', async () => {
    const tries = Array.from({ length: 20 }, (_, i) => createFileAtomic(path, Buffer.from(String(i)), 0o600));
    const created = await Promise.all(tries);
    assert.equal(created.filter(Boolean).length, 1);
    assert.equal(readFileSync(path, 'utf8'), String(created.indexOf(true)));
    assert.deepEqual(readdirSync(folder), ['state']);
  });
});
