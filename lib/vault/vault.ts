/**
 * lib/vault: one locked box a user, with the profiles, the private keys and the index key.
 *
 * This file opens, makes and changes vaults; listing.ts lists and removes them. file.ts is the form of the file and payload.ts what is sealed in it;
 * slot.ts is how a password leads to the data key; edit.ts and access.ts are the changes that can be made; profile.ts is what the
 * proxies read. Nothing here asks anybody for anything: that is the program's.
 */
import { randomBytes } from 'node:crypto';
import { parseAddress } from '#lib/keys/address';
import { printable } from '#lib/keys/certificatename';
import type { Secret } from '#lib/keys/secret';
import { SALT_SIZE, STANDARD_COST, stretch } from './argon2.js';
import { INDEX_KEY_SIZE, type VaultContent, checkContent, eraseContent } from './content.js';
import { VaultError } from './error.js';
import {
  type VaultFile,
  type VaultHeader,
  damagedVault,
  headerOf,
  openPayload,
  readVaultFile,
  writeVaultFile,
} from './file.js';
import { createVaultFile, isVaultOf, readVault, replaceVaultFile, vaultPath, withVaultLock } from './folder.js';
import { LIMITS } from './limits.js';
import { type OpenVault, UnlockedVault } from './openvault.js';
import { decodeContent, encodeContent } from './payload.js';
import type { Profile } from './profile.js';
import { checkSecret } from './profilecheck.js';
import { makeRecoveryCode } from './recoverycode.js';
import { type Identity, makeSlot } from './slot.js';
import { type Unlock, findSlot, stretchUnlock } from './unlock.js';

/** The name of the password that a vault is made with, and of the recovery code. */
export const MAIN_SLOT = 'main';
export const RECOVERY_SLOT = 'recovery code';

/** Slots of the vault that is tried where there is none. */
const DECOY = Array.from({ length: 3 }, () => makeSlot('password', '', randomBytes(32)).slot);

/** What a vault is made of. */
export interface NewVault {
  /** The address. */
  readonly user: string;
  /** Opens the vault. Where it is the provider's password in `profile`, the vault is enrolled. */
  readonly password: Secret;
  readonly profile?: Profile;
  /** Transferable secret keys without passphrase. Default: a new one for the address; empty: none. */
  readonly keys?: readonly Buffer[];
}

/**
 * Opens the vault of a user. `user` is an address, of whatever case. Rejects with VaultError `denied` where there is no such vault, and
 * where it does not open with this, both after the same work; besides `damaged`, `version`, `limit`, `busy`, and `invalid` for a
 * recovery code with a typing mistake. System errors pass.
 */
export async function openVault(home: string, user: string, unlock: Unlock): Promise<OpenVault> {
  const path = vaultPath(home, user);
  const whose = printable(user);
  const found = path === undefined ? undefined : await tryRead(path, whose);
  const file = found instanceof VaultError ? undefined : found;
  const stretched = await stretchUnlock(unlock, file?.salt ?? randomBytes(SALT_SIZE), file?.cost ?? STANDARD_COST);
  const identity = findSlot(file?.slots ?? DECOY, unlock.kind, stretched);
  stretched.fill(0);
  // Told as late as a wrong password, so that a damaged vault does not answer faster either.
  if (found instanceof VaultError) throw found;
  if (path === undefined || file === undefined || identity === undefined) {
    const denied = file === undefined ? 'none' : file.enrolled ? 'enrolled' : 'own';
    throw new VaultError('denied', `That does not open a vault of ${whose}. Check the user name and the password.`, {
      denied,
    });
  }
  return new UnlockedVault({ path, header: headerOf(file), content: unseal(file, identity, path, whose), identity });
}

/**
 * Makes a vault, and with it a recovery code that nobody can show again. Rejects with VaultError `exists`, `invalid`, `limit`.
 */
export async function createVault(
  home: string,
  { user, password, profile, keys }: NewVault,
): Promise<{ readonly vault: OpenVault; readonly recoveryCode: Secret }> {
  const address = parseAddress(user);
  const path = vaultPath(home, user);
  if (address === undefined || path === undefined) {
    throw new VaultError('invalid', `"${printable(user)}" cannot be a user: give an address as alice@example.com.`);
  }
  checkSecret(password, LIMITS.secret, 'The password');
  const exists = new VaultError('exists', `There is a vault of ${printable(address.text)} already.`);
  if ((await readVault(path, address.text)) !== undefined) throw exists;
  const salt = randomBytes(SALT_SIZE);
  const recoveryCode = makeRecoveryCode();
  const main = makeSlot('password', MAIN_SLOT, await stretch(password, salt, STANDARD_COST));
  const recovery = makeSlot(
    'recovery',
    RECOVERY_SLOT,
    await stretchUnlock({ kind: 'recovery', code: recoveryCode }, salt, STANDARD_COST),
  );
  const content: VaultContent = {
    user: address.text,
    created: new Date(),
    enrolled: profile?.auth.kind === 'password' && profile.auth.password.equals(password),
    slots: [main.slot, recovery.slot],
    profiles: profile === undefined ? [] : [profile],
    defaultProfile: profile?.name,
    indexKey: randomBytes(INDEX_KEY_SIZE),
    keys: keys ?? [await (await import('./privatekey.js')).generateKey(address.text)],
  };
  checkContent(content);
  const header = { enrolled: content.enrolled, generation: 1, cost: STANDARD_COST, salt };
  const sealed = seal(header, content, address.text);
  if (!(await createVaultFile(path, sealed.bytes))) throw exists;
  const vault = new UnlockedVault({ path, header, content: sealed.content, identity: main.identity });
  return { vault, recoveryCode };
}

/**
 * Changes a vault: `change` gets what is in the file at that moment, which others may have changed since it was opened, and gives
 * what is to be in it (edit.ts). Nobody else writes meanwhile. Resolves to the vault as it is then; the old object stays as it was,
 * and both are closed by whoever has them. `identity`: the way in that the new object has, where that is a new one. Rejects with
 * VaultError `denied` where the way in has been revoked, `state` where the file is older than what was opened, `not-found` where
 * it is gone, `busy`, `limit`, and whatever `change` throws; then nothing is written.
 */
export async function changeVault(
  vault: OpenVault,
  change: (content: VaultContent) => VaultContent,
  identity?: Identity,
): Promise<OpenVault> {
  if (!(vault instanceof UnlockedVault)) throw new TypeError('Only what openVault gave can be changed.');
  const { path, header, identity: current } = vault.opening;
  const whose = printable(vault.user);
  return withVaultLock(path, async () => {
    const bytes = await readVault(path, whose);
    if (bytes === undefined) throw new VaultError('not-found', `The vault of ${whose} has been removed.`);
    const file = readVaultFile(bytes, whose);
    if (file.generation < header.generation) {
      throw new VaultError(
        'state',
        `The vault of ${whose} has been replaced by an older one since it was opened; open it again.`,
      );
    }
    const before = unseal(file, current, path, whose);
    try {
      const after = change(before);
      checkContent(after);
      const next = { ...headerOf(file), enrolled: after.enrolled, generation: file.generation + 1 };
      const sealed = seal(next, after, whose);
      await replaceVaultFile(path, sealed.bytes);
      const { salt, privateKey } = identity ?? current;
      const kept = { salt, privateKey: Buffer.from(privateKey) };
      return new UnlockedVault({ path, header: next, content: sealed.content, identity: kept });
    } finally {
      eraseContent(before);
    }
  });
}

/** Seals content into a file, and reads it back in buffers of its own. */
function seal(
  header: VaultHeader,
  content: VaultContent,
  whose: string,
): { readonly bytes: Buffer; readonly content: VaultContent } {
  const payload = encodeContent(content);
  try {
    const bytes = writeVaultFile(header, content.slots, payload);
    return { bytes, content: decodeContent(payload, readVaultFile(bytes, whose), whose) };
  } finally {
    payload.fill(0);
  }
}

/** The content of a file, for a slot that was opened. */
function unseal(file: VaultFile, identity: Identity, path: string, whose: string): VaultContent {
  const payload = openPayload(file, identity, whose);
  if (payload === undefined) {
    throw new VaultError(
      'denied',
      `What the vault of ${whose} was opened with has been revoked. Open it with another.`,
      {
        denied: file.enrolled ? 'enrolled' : 'own',
      },
    );
  }
  try {
    const content = decodeContent(payload, file, whose);
    if (isVaultOf(path, content.user)) return content;
    eraseContent(content);
    throw damagedVault(whose);
  } finally {
    payload.fill(0);
  }
}

async function tryRead(path: string, whose: string): Promise<VaultFile | VaultError | undefined> {
  try {
    const bytes = await readVault(path, whose);
    return bytes && readVaultFile(bytes, whose);
  } catch (error) {
    if (error instanceof VaultError) return error;
    throw error;
  }
}
