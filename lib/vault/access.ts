/** The ways into a vault: app passwords, the recovery code, key files. Each change gives the vault as it is after it. */
import { randomBytes } from 'node:crypto';
import { printable } from '#lib/keys/certificatename';
import type { Secret } from '#lib/keys/secret';
import type { VaultContent } from './content.js';
import { withProviderAuth, withSlot, withSlotReplaced, withoutSlot } from './edit.js';
import { VaultError } from './error.js';
import { LIMITS } from './limits.js';
import { type OpenVault, UnlockedVault } from './openvault.js';
import { profileFor } from './profile.js';
import { checkSecret } from './profilecheck.js';
import { makeRecoveryCode } from './recoverycode.js';
import { makeSlot, type SlotKind } from './slot.js';
import { KEY_FILE_SIZE, type Unlock, stretchUnlock } from './unlock.js';
import { isName } from './username.js';
import { MAIN_SLOT, RECOVERY_SLOT, changeVault } from './vault.js';

/** Adds an app password. Rejects with VaultError `exists`, `invalid`, `limit`, and as `changeVault`. */
export async function addAppPassword(vault: OpenVault, name: string, password: Secret): Promise<OpenVault> {
  checkPassword(password);
  const { slot } = await newSlot(vault, { kind: 'password', password }, name);
  return changeVault(vault, (content) => withSlot(content, slot));
}

/** Adds a key file and gives its 32 octets. Rejects as `addAppPassword`. */
export async function addKeyFile(
  vault: OpenVault,
  name: string,
): Promise<{ readonly vault: OpenVault; readonly key: Buffer }> {
  const key = randomBytes(KEY_FILE_SIZE);
  const { slot } = await newSlot(vault, { kind: 'key-file', key }, name);
  return { vault: await changeVault(vault, (content) => withSlot(content, slot)), key };
}

/**
 * Revokes an app password or a key file. What is written from now on does not open with it; an old copy of the file does, for
 * ever. Rejects with VaultError `not-found`, `invalid` for the last way in, and as `changeVault`.
 */
export async function revokeSlot(vault: OpenVault, kind: SlotKind, name: string): Promise<OpenVault> {
  return changeVault(vault, (content) => withoutSlot(content, kind, name));
}

/** Makes a new recovery code; the old one does not open the vault any more. */
export async function renewRecoveryCode(
  vault: OpenVault,
): Promise<{ readonly vault: OpenVault; readonly recoveryCode: Secret }> {
  const recoveryCode = makeRecoveryCode();
  const { slot, identity } = await newSlot(vault, { kind: 'recovery', code: recoveryCode }, RECOVERY_SLOT);
  // Whoever opened it with the old code goes on with the new one.
  const own = vault.openedWith?.kind === 'recovery' ? identity : undefined;
  return { vault: await changeVault(vault, (content) => withSlotReplaced(content, slot), own), recoveryCode };
}

export interface RekeyOptions {
  /** The app password to replace. Default: the one that opened the vault, else the first one, `main`. */
  readonly name?: string;
  /** Also stores the new password as the provider's in this profile; `default` the default one. */
  readonly provider?: { readonly profile: string | undefined };
}

/**
 * Locks a vault with a new password in place of an old one. It is enrolled afterwards where the new password is the one that
 * the default profile has for the provider. Rejects with VaultError `invalid`, `not-found`, and as `changeVault`.
 */
export async function rekeyVault(vault: OpenVault, password: Secret, options: RekeyOptions = {}): Promise<OpenVault> {
  checkPassword(password);
  const opened = vault.openedWith?.kind === 'password' ? vault.openedWith.name : undefined;
  const name = options.name ?? opened ?? MAIN_SLOT;
  const { slot, identity } = await newSlot(vault, { kind: 'password', password }, name);
  return changeVault(
    vault,
    (content) => {
      if (options.name !== undefined) requireName(content, options.name);
      const locked = withSlotReplaced(content, slot);
      const after = options.provider === undefined ? locked : withPassword(locked, options.provider.profile, password);
      return { ...after, enrolled: isProviderPassword(after, password) };
    },
    identity,
  );
}

/** A slot for this vault: its salt, and what it costs. */
async function newSlot(vault: OpenVault, unlock: Unlock, name: string): Promise<ReturnType<typeof makeSlot>> {
  if (!(vault instanceof UnlockedVault)) throw new TypeError('Only what openVault gave can be changed.');
  if (!isName(name)) {
    throw new VaultError(
      'invalid',
      `"${printable(name)}" cannot be a name: it has letters and digits, with . _ + - and spaces between them, ${LIMITS.name} at most.`,
    );
  }
  const { salt, cost } = vault.opening.header;
  const stretched = await stretchUnlock(unlock, salt, cost);
  const made = makeSlot(unlock.kind, name, stretched);
  stretched.fill(0);
  return made;
}

function checkPassword(password: Secret): void {
  checkSecret(password, LIMITS.secret, 'The password');
}

function requireName(content: VaultContent, name: string): void {
  if (content.slots.some((slot) => slot.kind === 'password' && slot.name === name)) return;
  throw new VaultError(
    'not-found',
    `"${printable(name)}" is not the name of an app password of this vault; "postern user show" lists what there is.`,
  );
}

function withPassword(content: VaultContent, profile: string | undefined, password: Secret): VaultContent {
  const { name, auth } = profileFor(content, profile);
  if (auth.kind === 'password') return withProviderAuth(content, name, { ...auth, password });
  throw new VaultError(
    'invalid',
    `The profile "${name}" logs in with an access token, and has no password to replace.`,
  );
}

function isProviderPassword(content: VaultContent, password: Secret): boolean {
  const profile = content.profiles.find(({ name }) => name === content.defaultProfile);
  return profile?.auth.kind === 'password' && profile.auth.password.equals(password);
}
