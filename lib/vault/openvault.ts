import { inspect } from 'node:util';
import { hkdf } from '#lib/openpgp/hkdf';
import { type VaultContent, eraseContent } from './content.js';
import { VaultError } from './error.js';
import type { VaultHeader } from './file.js';
import type { HasProfiles, Profile } from './profile.js';
import type { Identity, Slot, SlotKind } from './slot.js';

/** A way into a vault, as it is shown. */
export interface SlotInfo {
  readonly kind: SlotKind;
  readonly name: string;
  readonly created: Date;
}

/**
 * A vault that somebody has opened. It shows the file as it was then; what others change meanwhile is seen when it is opened
 * again. Printing, logging or serialising it shows nothing.
 */
export interface OpenVault extends HasProfiles {
  readonly user: string;
  readonly created: Date;
  /** Locked with the provider's own password. */
  readonly enrolled: boolean;
  /** Counts the writes of the file. */
  readonly generation: number;
  readonly slots: readonly SlotInfo[];
  /** The way in that was used; undefined where it has been revoked by the change that gave this object. */
  readonly openedWith: SlotInfo | undefined;
  readonly profiles: readonly Profile[];
  readonly defaultProfile: string | undefined;
  /** 32 octets: seals summaries and the local index. */
  readonly indexKey: Buffer;
  /** 32 octets, derived from the index key: marks messages as ours (lib/message/origin.ts). */
  readonly originKey: Buffer;
  /** OpenPGP transferable secret keys, binary, without passphrase; `privateKeysOf` reads them. */
  readonly keys: readonly Buffer[];
  /** Overwrites what is secret. From then on every property throws VaultError `state`. May be called again. */
  readonly close: () => void;
}

/** What an opened vault is made of. */
export interface Opening {
  readonly path: string;
  readonly header: VaultHeader;
  readonly content: VaultContent;
  readonly identity: Identity;
}

/** The one kind of OpenVault there is. It owns all that it is given. */
export class UnlockedVault implements OpenVault {
  #opening: (Opening & { readonly originKey: Buffer }) | undefined;

  constructor(opening: Opening) {
    this.#opening = { ...opening, originKey: originKeyOf(opening.content.indexKey) };
  }

  /** For who changes the vault. */
  get opening(): Opening & { readonly originKey: Buffer } {
    if (this.#opening !== undefined) return this.#opening;
    throw new VaultError('state', 'The vault has been closed; open it again.');
  }

  get user(): string {
    return this.opening.content.user;
  }

  get created(): Date {
    return this.opening.content.created;
  }

  get enrolled(): boolean {
    return this.opening.content.enrolled;
  }

  get generation(): number {
    return this.opening.header.generation;
  }

  get slots(): readonly SlotInfo[] {
    return this.opening.content.slots.map(infoOf);
  }

  get openedWith(): SlotInfo | undefined {
    const { content, identity } = this.opening;
    const slot = content.slots.find(({ salt }) => salt.equals(identity.salt));
    return slot && infoOf(slot);
  }

  get profiles(): readonly Profile[] {
    return this.opening.content.profiles;
  }

  get defaultProfile(): string | undefined {
    return this.opening.content.defaultProfile;
  }

  get indexKey(): Buffer {
    return this.opening.content.indexKey;
  }

  get originKey(): Buffer {
    return this.opening.originKey;
  }

  get keys(): readonly Buffer[] {
    return this.opening.content.keys;
  }

  readonly close = (): void => {
    if (this.#opening === undefined) return;
    eraseContent(this.#opening.content);
    this.#opening.identity.privateKey.fill(0);
    this.#opening.originKey.fill(0);
    this.#opening = undefined;
  };

  toJSON(): string {
    return '[vault]';
  }

  [inspect.custom](): string {
    return '[vault]';
  }
}

/** 32 octets. Who holds it (a delivery filter) can mark messages; it does not lead back to the index key. */
export function originKeyOf(indexKey: Buffer): Buffer {
  return hkdf('sha256', indexKey, Buffer.alloc(0), Buffer.from('postern origin key 1', 'latin1'), 32);
}

function infoOf({ kind, name, created }: Slot): SlotInfo {
  return { kind, name, created };
}
