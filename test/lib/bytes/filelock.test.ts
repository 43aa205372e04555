import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { LockError, withFileLock } from '#lib/bytes/filelock';

/** Beyond the largest process ID that Linux gives out. */
const DEAD = 2 ** 22 + 1;

describe('file lock', () => {
  let folder = '';
  let path = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
    path = join(folder, 'lock');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** Runs many actions at once and tells how many were at work at the same time. */
  async function compete(): Promise<number> {
    const state = { inside: 0, most: 0, done: 0 };
    await Promise.all(
      Array.from({ length: 10 }, () =>
        withFileLock(path, async () => {
          state.inside += 1;
          state.most = Math.max(state.most, state.inside);
          await new Promise((resolve) => setTimeout(resolve, 2));
          state.inside -= 1;
          state.done += 1;
        }),
      ),
    );
    assert.equal(state.done, 10);
    assert.deepEqual(readdirSync(folder), []);
    return state.most;
  }

  it('lets one in at a time and leaves nothing behind', async () => {
    assert.equal(await compete(), 1);
  });

  it('is taken over from a process that is gone, by one of many', async () => {
    writeFileSync(path, `${DEAD} ${hostname()}\n`);
    assert.equal(await compete(), 1);
    writeFileSync(path, `${DEAD} ${hostname()}\n`);
    writeFileSync(`${path}.break`, `${DEAD} ${hostname()}\n`);
    assert.equal(await compete(), 1);
  });

  it('is respected while its process lives, or is on another machine', async () => {
    for (const holder of [`${process.pid} ${hostname()}\n`, `${DEAD} elsewhere.example\n`]) {
      writeFileSync(path, holder);
      await assert.rejects(
        withFileLock(path, () => Promise.resolve(), 50),
        (error: Error) => error instanceof LockError && error.message.includes(holder.trim()),
      );
    }
  });

  it('that is stale is not waited for without end where another process that lives is about to break it', async () => {
    writeFileSync(path, `${DEAD} ${hostname()}\n`);
    writeFileSync(`${path}.break`, `${process.pid} ${hostname()}\n`);
    await assert.rejects(
      withFileLock(path, () => Promise.resolve(), 50),
      LockError,
    );
  });

  it('is given back where the action fails', async () => {
    await assert.rejects(
      withFileLock(path, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.deepEqual(readdirSync(folder), []);
  });
});
