import { printable } from '#lib/keys/certificatename';
import { VaultError } from './error.js';
import { readVaultFile } from './file.js';
import { listVaultFiles, readVault, removeVaultFile, vaultPath, withVaultLock } from './folder.js';
import type { SlotKind } from './slot.js';

/** A vault in a list: what anybody who can read the file may know. */
export interface VaultListing {
  /** The folded address; undefined where the file has a name that no vault has. */
  readonly user: string | undefined;
  readonly path: string;
  /** Undefined where the file cannot be read, and `problem` says why. */
  readonly form: VaultForm | undefined;
  readonly problem: string | undefined;
}

/** Nothing of it is proved before the vault is opened. */
export interface VaultForm {
  readonly enrolled: boolean;
  readonly generation: number;
  readonly slots: readonly SlotKind[];
}

/** All vaults of a state folder, by address, opened by nobody. System errors pass. */
export async function listVaults(home: string): Promise<readonly VaultListing[]> {
  const listings: VaultListing[] = [];
  for (const { user, path } of await listVaultFiles(home)) {
    const listing = await look(user, path);
    if (listing !== undefined) listings.push(listing);
  }
  return listings;
}

/** Whether there is a vault of this user, in whatever state: for commands of whoever may list the folder anyway. */
export async function hasVault(home: string, user: string): Promise<boolean> {
  const path = vaultPath(home, user);
  return path !== undefined && (await readVault(path, printable(user)).catch(isThere)) !== undefined;
}

/** Deletes a vault: what is encrypted to the keys in it can never be read again. Rejects with VaultError `not-found` and `busy`. */
export async function removeVault(home: string, user: string): Promise<void> {
  const path = vaultPath(home, user);
  const removed =
    path !== undefined && (await hasVault(home, user)) && (await withVaultLock(path, () => removeVaultFile(path)));
  if (!removed) throw noVault(user);
}

/** The error for who asks for a vault that is not there and may know that. */
export function noVault(user: string): VaultError {
  return new VaultError('not-found', `There is no vault of ${printable(user)}; "postern user list" shows them.`);
}

async function look(user: string | undefined, path: string): Promise<VaultListing | undefined> {
  try {
    const bytes = await readVault(path, user ?? path);
    if (bytes === undefined) return undefined;
    const { enrolled, generation, slots } = readVaultFile(bytes, user ?? path);
    const form = { enrolled, generation, slots: slots.map(({ kind }) => kind) };
    const problem = user === undefined ? `${path} has a name that no vault has. Move it away.` : undefined;
    return { user, path, form, problem };
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    return { user, path, form: undefined, problem: error.message };
  }
}

/** A vault that is too large to be read is there all the same. */
function isThere(error: unknown): true {
  if (error instanceof VaultError) return true;
  throw error;
}
