import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { createFileAtomic } from './atomic.js';
import { isSystemError } from './systemerror.js';

/** Milliseconds between two looks at a lock that somebody else holds. */
const PAUSE = 20;

/** The lock is held by another process that is alive, for longer than we wait. */
export class LockError extends Error {
  override readonly name = 'LockError';
}

/**
 * Runs `action` while this process alone, of all on this machine, and this call alone within it, holds the lock file `path`. Waits
 * up to `patience` milliseconds for others. A lock whose process is gone is taken over. Rejects with LockError.
 */
export async function withFileLock<Result>(
  path: string,
  action: () => Promise<Result>,
  patience = 15_000,
): Promise<Result> {
  const deadline = Date.now() + patience;
  const holder = Buffer.from(`${process.pid} ${hostname()}\n`);
  while ((await readHolder(path)) !== undefined || !(await createFileAtomic(path, holder, 0o600))) {
    if ((await isStale(path)) && (await breakLock(path))) continue;
    if (Date.now() > deadline) {
      const who = (await readHolder(path)) ?? 'unknown';
      throw new LockError(
        `${path} is locked by another process (${who}). Try again, or delete that file if there is no such process.`,
      );
    }
    await setTimeout(PAUSE + Math.random() * PAUSE);
  }
  try {
    return await action();
  } finally {
    await rm(path, { force: true });
  }
}

/**
 * Only who holds the second lock removes a stale one, after looking again: else two could each remove the other's new lock. False
 * where somebody else holds the second lock.
 */
async function breakLock(path: string): Promise<boolean> {
  const breaking = `${path}.break`;
  if (!(await createFileAtomic(breaking, Buffer.from(`${process.pid} ${hostname()}\n`), 0o600))) {
    await setTimeout(PAUSE);
    // Its owner was killed within these few lines: the whole dance starts over.
    if (await isStale(breaking)) await rm(breaking, { force: true });
    return false;
  }
  try {
    if (await isStale(path)) await rm(path, { force: true });
    return true;
  } finally {
    await rm(breaking, { force: true });
  }
}

async function readHolder(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'latin1')).trim();
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** True where the lock's process is not alive any more. Of another machine's process nobody can tell. */
async function isStale(path: string): Promise<boolean> {
  const [, pid, host] = /^(\d+) (.+)$/.exec((await readHolder(path)) ?? '') ?? [];
  if (pid === undefined || host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return isSystemError(error, 'ESRCH');
  }
}
