/** The vaults folder: one file a user, replaced in one step and changed by one process at a time. */
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createFileAtomic, makeFolder, syncFolder, writeFileAtomic } from '#lib/bytes/atomic';
import { LockError, withFileLock } from '#lib/bytes/filelock';
import { isSystemError } from '#lib/bytes/systemerror';
import { parseAddress } from '#lib/keys/address';
import { VaultError } from './error.js';
import { damagedVault } from './file.js';
import { LIMITS } from './limits.js';
import { fileNameOf, userOfFileName, vaultsFolder } from './username.js';

const ENDING = '.vault';
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** What the atomic write leaves when it is killed (lib/bytes/atomic.ts). */
const LEFTOVER = /^\..*\.[0-9a-f]{16}\.tmp$/s;

/** Where the vault of an address is; undefined where the text is no address, or one that no file can be named after. */
export function vaultPath(home: string, user: string): string | undefined {
  const address = parseAddress(user);
  const name = address && fileNameOf(address);
  return name === undefined ? undefined : join(vaultsFolder(home), `${name}${ENDING}`);
}

/** Whether a vault of this user lies where it should: a file cannot be put in the place of another user's. */
export function isVaultOf(path: string, user: string): boolean {
  const address = parseAddress(user);
  return address !== undefined && basename(path) === `${fileNameOf(address) ?? ''}${ENDING}`;
}

/** The octets of a vault; undefined where there is none. Rejects with VaultError `damaged` where it is too large, and system errors. */
export async function readVault(path: string, whose: string): Promise<Buffer | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    if ((await file.stat()).size > LIMITS.fileSize) throw damagedVault(whose);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Writes a vault that must not exist yet; false where it does. */
export async function createVaultFile(path: string, bytes: Buffer): Promise<boolean> {
  await makeFolder(dirname(path), FOLDER_MODE);
  return createFileAtomic(path, bytes, FILE_MODE);
}

/** Writes a vault. Who calls it holds the lock. */
export async function replaceVaultFile(path: string, bytes: Buffer): Promise<void> {
  await writeFileAtomic(path, bytes, FILE_MODE);
}

/** Deletes a vault. Resolves to false where there is none. Who calls it holds the lock. */
export async function removeVaultFile(path: string): Promise<boolean> {
  try {
    await rm(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false;
    throw error;
  }
  await syncFolder(dirname(path));
  return true;
}

/**
 * Runs `action` while nobody else changes this vault. What a crash has left in the folder is removed first: it is sealed, but with
 * slots that may have been revoked since. Rejects with VaultError `busy`.
 */
export async function withVaultLock<Result>(path: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await withFileLock(
      `${path}.lock`,
      async () => {
        await removeLeftovers(dirname(path));
        return action();
      },
      LIMITS.lockPatience,
    );
  } catch (error) {
    if (error instanceof LockError) throw new VaultError('busy', error.message, { cause: error });
    throw error;
  }
}

/** Folded addresses and paths of all vaults, in order; undefined in place of an address for a file that is named otherwise. */
export async function listVaultFiles(
  home: string,
): Promise<readonly { readonly user: string | undefined; readonly path: string }[]> {
  let names: readonly string[];
  try {
    names = await readdir(vaultsFolder(home));
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
  return names
    .filter((name) => name.endsWith(ENDING) && !LEFTOVER.test(name))
    .sort()
    .map((name) => ({ user: userOfFileName(basename(name, ENDING)), path: join(vaultsFolder(home), name) }));
}

async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!LEFTOVER.test(name)) continue;
    const path = join(folder, name);
    try {
      if (Date.now() - (await stat(path)).mtimeMs > LIMITS.leftover) await rm(path);
    } catch (error) {
      // Another process has put it in its place, or removed it.
      if (!isSystemError(error, 'ENOENT')) throw error;
    }
  }
}
