/**
 * A lock that survives being killed at any moment, on file systems and without anything but Node.
 *
 * It is a symbolic link whose target tells the holder: made in one step, with its content, by one process only. A dead holder's link
 * is not removed, for between looking and removing another could have put its own there. It is succeeded: who wants the lock makes
 * a second link, whose name follows from the first one's target, and so on; the lock belongs to the last one's holder. At the end all
 * are removed, the first one first, after which the others mean nothing.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, readlink, rm, symlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isSystemError } from '#lib/bytes/systemerror';
import { Exit, Failure } from '../exit.js';
import type { Directory } from './directory.js';

/** The lock's file name. Without a dot in front, or a Maildir++ listing would look at it. */
export const LOCK_NAME = 'postern-maildir.lock';

/** How often the lock may change under our eyes. */
const ATTEMPTS = 50;

/**
 * Keeps other runs away from a folder until the returned function is called. A lock whose process has ended is taken over.
 * @throws Failure (75) while another run is at work.
 */
export async function lockFolder(folder: Directory, shown: string): Promise<() => Promise<void>> {
  const began = await processBegan(process.pid);
  for (let i = 0; i < ATTEMPTS; i++) {
    const mine = [hostname(), process.pid, began, randomBytes(8).toString('hex')].join('|');
    const chain = await append(folder, shown, mine);
    if (chain === undefined) continue;
    // Its holder may have removed the first link since we read it: then ours hangs in the air, and another may have begun anew.
    if (!(await stands(chain))) {
      await rm(chain.at(-1)?.path ?? '', { force: true });
      continue;
    }
    await sweep(folder, chain);
    return async () => {
      for (const { path, target } of chain) if ((await holder(path)) === target) await rm(path);
    };
  }
  throw new Failure(Exit.tempFail, `Other runs come and go on ${shown}. Wait for their end.`);
}

interface Link {
  readonly path: string;
  readonly target: string;
}

/** Makes the last link of the chain; undefined where the chain has changed meanwhile. */
async function append(folder: Directory, shown: string, mine: string): Promise<readonly Link[] | undefined> {
  const chain: Link[] = [];
  for (let name = LOCK_NAME; ;) {
    const path = folder.path(name);
    if (await create(path, mine)) return [...chain, { path, target: mine }];
    const target = await holder(path);
    if (target === undefined) return undefined;
    if (await isAlive(target)) {
      const [host = '', pid = ''] = target.split('|');
      throw new Failure(
        Exit.tempFail,
        `Another run (process ${pid} on ${host}) is at work on ${shown}. Wait for its end; if it has ended, remove ${shown}/${LOCK_NAME}.`,
      );
    }
    chain.push({ path, target });
    name = `${LOCK_NAME}.${createHash('sha256').update(target).digest('hex').slice(0, 16)}`;
  }
}

/** Removes links that do not hang together with ours: somebody was killed while removing them. */
async function sweep(folder: Directory, chain: readonly Link[]): Promise<void> {
  for (const { name } of await folder.entries()) {
    const path = folder.path(name);
    if (name.startsWith(`${LOCK_NAME}.`) && !chain.some((link) => link.path === path)) await rm(path, { force: true });
  }
}

async function stands(chain: readonly Link[]): Promise<boolean> {
  for (const { path, target } of chain) if ((await holder(path)) !== target) return false;
  return true;
}

async function create(path: string, target: string): Promise<boolean> {
  try {
    await symlink(target, path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return false;
    throw error;
  }
}

/** What a link says, or undefined where there is none. */
async function holder(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Another host's process cannot be asked: it counts as alive. */
async function isAlive(target: string): Promise<boolean> {
  const [host, number, began] = target.split('|');
  if (host !== hostname()) return true;
  const pid = Number(number);
  if (!Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return !isSystemError(error, 'ESRCH');
  }
  return (await processBegan(pid)) === began;
}

/** Boot and start time of a process: field 22 of proc_pid_stat(5), after the name, which may hold anything. Empty elsewhere. */
async function processBegan(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
    return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`;
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].some((code) => isSystemError(error, code))) return '';
    throw error;
  }
}
