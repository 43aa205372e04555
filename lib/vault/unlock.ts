import type { Secret } from '#lib/keys/secret';
import { type Argon2Cost, stretch } from './argon2.js';
import { VaultError } from './error.js';
import { readRecoveryCode } from './recoverycode.js';
import { type Identity, type SlotKind, type SlotLock, openSlot } from './slot.js';

/** With what a vault is opened. */
export type Unlock =
  /** The provider's password of an enrolled vault, or an app password. */
  | { readonly kind: 'password'; readonly password: Secret }
  /** As a person has typed it. */
  | { readonly kind: 'recovery'; readonly code: Secret }
  /** The 32 octets of a key file (`readKeyFile`). */
  | { readonly kind: 'key-file'; readonly key: Buffer };

/** Octets of a key file's key. */
export const KEY_FILE_SIZE = 32;

/**
 * 32 octets from what was given. Whatever a person can type is stretched; a key file holds as many random octets as any key.
 * Rejects with VaultError `invalid` for what cannot be right for any vault: a typing mistake in a recovery code.
 */
export async function stretchUnlock(unlock: Unlock, salt: Buffer, cost: Argon2Cost): Promise<Buffer> {
  switch (unlock.kind) {
    case 'password':
      return stretch(unlock.password, salt, cost);
    case 'recovery': {
      const code = readRecoveryCode(unlock.code);
      if (code === undefined) {
        throw new VaultError(
          'invalid',
          'That is no recovery code: there is a typing mistake in it. It has six groups of five letters and digits.',
        );
      }
      return stretch(code, salt, cost);
    }
    case 'key-file':
      if (unlock.key.length !== KEY_FILE_SIZE) {
        throw new TypeError(`A key file has ${KEY_FILE_SIZE} octets, this one ${unlock.key.length}.`);
      }
      return Buffer.from(unlock.key);
  }
}

/** The slot of this kind that the octets open. All are tried, whichever it is. */
export function findSlot(slots: readonly SlotLock[], kind: SlotKind, stretched: Buffer): Identity | undefined {
  let found: Identity | undefined;
  for (const slot of slots) {
    const identity = openSlot(slot, stretched);
    if (identity !== undefined && slot.kind === kind) found = identity;
  }
  return found;
}
