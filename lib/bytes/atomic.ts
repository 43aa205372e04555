import { randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isSystemError } from './systemerror.js';

/**
 * The one way to write a file of state. Whoever reads `path` sees the old content or the new one, whole, also after a crash:
 * the bytes go to a temporary file beside it, reach the disk, and take the name in one step. `mode` is the file's permission
 * bits, less the process's umask. Rejects with the system's error, and then the old file is untouched.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  await writeBeside(path, bytes, mode, (temporary) => rename(temporary, path));
}

/**
 * As `writeFileAtomic`, but only where `path` does not exist yet. Resolves to false, with nothing written, where it does: of
 * several processes exactly one gets true.
 */
export async function createFileAtomic(path: string, bytes: Uint8Array, mode: number): Promise<boolean> {
  try {
    await writeBeside(path, bytes, mode, async (temporary) => {
      // Unlike rename(2), link(2) does not replace.
      await link(temporary, path);
      await rm(temporary);
    });
    return true;
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return false;
    throw error;
  }
}

async function writeBeside(
  path: string,
  bytes: Uint8Array,
  mode: number,
  take: (temporary: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path).slice(0, 100)}.${randomBytes(8).toString('hex')}.tmp`);
  const file = await open(temporary, 'wx', mode);
  try {
    await writeAndClose(file, bytes);
    await take(temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

async function writeAndClose(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a new name in a folder last: without it a crash may bring the old name back. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder and those above it, where they are missing. `mode` is for those that are made. Rejects with the system's error.
 * Node's own recursive mkdir tries for ever where the system says that a parent which exists does not, as below /proc.
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
  const parent = dirname(path);
  try {
    await mkdir(path, mode);
    return;
  } catch (error) {
    if (isSystemError(error, 'EEXIST') && (await stat(path)).isDirectory()) return;
    if (!isSystemError(error, 'ENOENT') || parent === path) throw error;
  }
  await makeFolder(parent, mode);
  await mkdir(path, mode).catch((error: unknown) => {
    // Another process was faster.
    if (!isSystemError(error, 'EEXIST')) throw error;
  });
}
