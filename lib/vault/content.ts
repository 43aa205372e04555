import type { Secret } from '#lib/keys/secret';
import { VaultError } from './error.js';
import { LIMITS } from './limits.js';
import type { Profile } from './profile.js';
import { checkProfile } from './profilecheck.js';
import type { Slot } from './slot.js';

/** Octets of an index key. */
export const INDEX_KEY_SIZE = 32;

/** What a vault holds, opened. */
export interface VaultContent {
  /** The address whose vault it is. */
  readonly user: string;
  readonly created: Date;
  /** Locked with the provider's own password. */
  readonly enrolled: boolean;
  /** The ways in; at least one. */
  readonly slots: readonly Slot[];
  readonly profiles: readonly Profile[];
  /** The name of one of them; undefined where there is none. */
  readonly defaultProfile: string | undefined;
  /** 32 random octets. */
  readonly indexKey: Buffer;
  /** OpenPGP transferable secret keys (RFC 9580 §10.2), binary, without passphrase, newest first. */
  readonly keys: readonly Buffer[];
}

/** Throws VaultError `limit` or `invalid` where a vault may not hold this. */
export function checkContent(content: VaultContent): void {
  const { slots, profiles, keys, defaultProfile } = content;
  checkCount(slots.length, LIMITS.slots, 'passwords and key files');
  checkCount(profiles.length, LIMITS.profiles, 'profiles');
  checkCount(keys.length, LIMITS.keys, 'private keys');
  if (keys.some((key) => key.length > LIMITS.keySize)) {
    throw new VaultError('limit', `A private key has more than ${LIMITS.keySize} octets.`);
  }
  profiles.forEach(checkProfile);
  if (defaultProfile === undefined ? profiles.length > 0 : !profiles.some(({ name }) => name === defaultProfile)) {
    throw new VaultError('invalid', 'The default profile is none of the profiles.');
  }
}

/** Overwrites all that is secret in it. */
export function eraseContent({ indexKey, keys, profiles }: VaultContent): void {
  indexKey.fill(0);
  for (const key of keys) key.fill(0);
  for (const secret of profiles.flatMap(secretsOf)) secret.erase();
}

function secretsOf({ imap, smtp, auth }: Profile): readonly Secret[] {
  const keys = [imap.clientCertificate?.key, smtp?.clientCertificate?.key];
  const own =
    auth.kind === 'password'
      ? [auth.password]
      : [auth.accessToken, auth.refresh?.refreshToken, auth.refresh?.clientSecret];
  return [...keys, ...own].filter((secret) => secret !== undefined);
}

function checkCount(count: number, limit: number, what: string): void {
  if (count > limit) throw new VaultError('limit', `A vault has at most ${limit} ${what}; remove what is not used.`);
}
