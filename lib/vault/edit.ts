/** Changes to what a vault holds, for `changeVault`: functions from the old content to the new. Each throws VaultError. */
import { printable } from '#lib/keys/certificatename';
import type { VaultContent } from './content.js';
import { VaultError } from './error.js';
import type { Policies, Profile, ProviderAuth } from './profile.js';
import { profileFor } from './profile.js';
import type { Slot, SlotKind } from './slot.js';

const WORDS: Readonly<Record<SlotKind, string>> = {
  password: 'an app password',
  recovery: 'a recovery code',
  'key-file': 'a key file',
};

/** With one more way in. `exists` where there is one of its kind and name. */
export function withSlot(content: VaultContent, slot: Slot): VaultContent {
  if (content.slots.some(isSlot(slot.kind, slot.name))) {
    throw new VaultError(
      'exists',
      `There is ${WORDS[slot.kind]} "${slot.name}" already; give another name, or revoke that one.`,
    );
  }
  return { ...content, slots: [...content.slots, slot] };
}

/** With this way in, in place of all of its kind and name. */
export function withSlotReplaced(content: VaultContent, slot: Slot): VaultContent {
  return { ...content, slots: [...content.slots.filter((each) => !isSlot(slot.kind, slot.name)(each)), slot] };
}

/**
 * Without a way in. `not-found` where there is none of that name; `invalid` where only a recovery code would be left, which is
 * for the day that all else is lost.
 */
export function withoutSlot(content: VaultContent, kind: SlotKind, name: string): VaultContent {
  const slots = content.slots.filter((slot) => !isSlot(kind, name)(slot));
  if (slots.length === content.slots.length) {
    throw new VaultError(
      'not-found',
      `"${printable(name)}" is not the name of ${WORDS[kind]} of this vault; "postern user show" lists what there is.`,
    );
  }
  if (slots.every((slot) => slot.kind === 'recovery')) {
    throw new VaultError(
      'invalid',
      `"${name}" is the last way into the vault; add an app password before you revoke it.`,
    );
  }
  return { ...content, slots };
}

/** With one more profile; the first one is the default. `exists` where there is one of that name, unless it may be replaced. */
export function withProfile(content: VaultContent, profile: Profile, replace = false): VaultContent {
  const others = content.profiles.filter(({ name }) => name !== profile.name);
  if (others.length < content.profiles.length && !replace) {
    throw new VaultError('exists', `There is a profile "${profile.name}" already; replace it, or give another name.`);
  }
  const at = content.profiles.findIndex(({ name }) => name === profile.name);
  const profiles = at < 0 ? [...others, profile] : content.profiles.with(at, profile);
  return { ...content, profiles, defaultProfile: content.defaultProfile ?? profile.name };
}

/** With other policies in a profile, which must be there. */
export function withPolicies(content: VaultContent, name: string, policies: Policies): VaultContent {
  return withProfile(content, { ...profileFor(content, name), policies }, true);
}

/** Without a profile. Where it was the default, the first of the others is that now. */
export function withoutProfile(content: VaultContent, name: string): VaultContent {
  profileFor(content, name);
  const profiles = content.profiles.filter((profile) => profile.name !== name);
  const defaultProfile = content.defaultProfile === name ? profiles[0]?.name : content.defaultProfile;
  return { ...content, profiles, defaultProfile };
}

/** With another default profile, which must be there. */
export function withDefaultProfile(content: VaultContent, name: string): VaultContent {
  return { ...content, defaultProfile: profileFor(content, name).name };
}

/** With other credentials in a profile: a new password, a fresh access token. `name` undefined: the default profile. */
export function withProviderAuth(content: VaultContent, name: string | undefined, auth: ProviderAuth): VaultContent {
  return withProfile(content, { ...profileFor(content, name), auth }, true);
}

function isSlot(kind: SlotKind, name: string): (slot: Slot) => boolean {
  return (slot) => slot.kind === kind && slot.name === name;
}
