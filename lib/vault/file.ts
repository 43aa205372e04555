/**
 * The file of a vault, version 1. All numbers are big-endian; the header is everything before the payload, and is authenticated with it.
 *
 *   14 magic: "postern vault", line feed     1 version      1 flags: 1 = locked with the provider's own password
 *    6 generation: counts the writes
 *    4 Argon2id: KiB    1 passes    1 lanes   16 salt
 *   32 public key of this write (X25519)
 *    1 count of slots, and for each: 1 kind (1 password, 2 recovery code, 3 key file), 16 salt, 32 check, 48 private key,
 *      sealed, 48 data key, wrapped to it
 *    4 length of the payload, which is sealed with AES-256-GCM under the data key, tag included
 *   32 SHA-256 of all before: tells damage from a wrong password. It proves nothing against who forges; the AEAD does.
 */
import { createHash, randomBytes } from 'node:crypto';
import { KEY_SIZE, openOnce, sealOnce } from './aead.js';
import { type Argon2Cost, SALT_SIZE, isAcceptedCost } from './argon2.js';
import { VaultError } from './error.js';
import { LIMITS } from './limits.js';
import { type Identity, SLOT_SIZES, type Slot, type SlotKind, type SlotLock } from './slot.js';
import { makeKeyPair, unwrapDataKey, wrapDataKey } from './slot.js';

const MAGIC = Buffer.from('postern vault\n', 'latin1');
const VERSION = 1;
const ENROLLED = 1;
const CHECKSUM_SIZE = 32;
const KINDS: Readonly<Record<SlotKind, number>> = { password: 1, recovery: 2, 'key-file': 3 };

/** What anybody may read of a vault: its form. */
export interface VaultHeader {
  /** Locked with the provider's own password. Only an opened vault proves that nobody has changed it. */
  readonly enrolled: boolean;
  /** Counts the writes, from 1. */
  readonly generation: number;
  readonly cost: Argon2Cost;
  /** 16 octets, the same for the life of the vault. */
  readonly salt: Buffer;
}

/** A vault as it lies in its file. */
export interface VaultFile extends VaultHeader {
  readonly slots: readonly (SlotLock & { readonly wrapped: Buffer })[];
  /** The public key of the last write. */
  readonly writer: Buffer;
  /** The octets of the header, as they are authenticated. */
  readonly header: Buffer;
  /** The payload, sealed. */
  readonly sealed: Buffer;
}

/**
 * Reads the form of a vault. Throws VaultError `damaged`, `version` for another version than ours, and `limit` for a cost of Argon2
 * that no vault of ours has. `whose` is what messages call it.
 */
export function readVaultFile(bytes: Buffer, whose: string): VaultFile {
  const reader = new Reader(bytes, whose);
  if (!reader.take(MAGIC.length).equals(MAGIC)) throw reader.damaged();
  const [version = 0] = reader.take(1);
  if (version !== VERSION) {
    throw new VaultError(
      'version',
      `The vault of ${whose} is of version ${version}, and this Postern reads version ${VERSION}. Use the Postern that wrote it, or a newer one.`,
    );
  }
  const end = bytes.length - CHECKSUM_SIZE;
  if (end < 0 || !checksum(bytes.subarray(0, end)).equals(bytes.subarray(end))) throw reader.damaged();
  const [flags = 0] = reader.take(1);
  const generation = reader.number(6);
  const cost = { memory: reader.number(4), passes: reader.number(1), lanes: reader.number(1) };
  if (!isAcceptedCost(cost)) {
    throw new VaultError(
      'limit',
      `The vault of ${whose} asks for ${cost.memory} KiB and ${cost.passes} passes of Argon2, which no vault of ours does. Restore it from a backup.`,
    );
  }
  const salt = reader.copy(SALT_SIZE);
  const writer = reader.take(KEY_SIZE);
  const count = reader.number(1);
  if (flags > ENROLLED || count === 0 || count > LIMITS.slots) throw reader.damaged();
  const slots = Array.from({ length: count }, () => readSlot(reader));
  const length = reader.number(4);
  const header = bytes.subarray(0, reader.at);
  const sealed = reader.take(length);
  if (reader.at !== end) throw reader.damaged();
  return { enrolled: flags === ENROLLED, generation, cost, salt, slots, writer, header, sealed };
}

export function headerOf({ enrolled, generation, cost, salt }: VaultFile): VaultHeader {
  return { enrolled, generation, cost, salt };
}

/** Seals a payload to all slots, with a new data key. */
export function writeVaultFile(header: VaultHeader, slots: readonly Slot[], payload: Buffer): Buffer {
  const { enrolled, generation, cost, salt } = header;
  const writing = makeKeyPair();
  const dataKey = randomBytes(KEY_SIZE);
  const fixed = Buffer.alloc(12);
  fixed.writeUIntBE(generation, 0, 6);
  fixed.writeUInt32BE(cost.memory, 6);
  fixed.writeUInt8(cost.passes, 10);
  fixed.writeUInt8(cost.lanes, 11);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(payload.length + 16);
  const readable = Buffer.concat([
    MAGIC,
    Buffer.of(VERSION, enrolled ? ENROLLED : 0),
    fixed,
    salt,
    writing.publicKey,
    Buffer.of(slots.length),
    ...slots.flatMap((slot) => [
      Buffer.of(KINDS[slot.kind]),
      slot.salt,
      slot.check,
      slot.sealedKey,
      wrapDataKey(slot, writing, dataKey),
    ]),
    length,
  ]);
  const content = Buffer.concat([readable, sealOnce(dataKey, payload, readable)]);
  dataKey.fill(0);
  writing.privateKey.fill(0);
  return Buffer.concat([content, checksum(content)]);
}

/**
 * The payload, for the slot that was opened. Undefined where that slot is not in the file (any more). Throws VaultError `damaged`
 * where the slot is there and the rest does not fit it: nobody but who could open the vault has written that.
 */
export function openPayload(file: VaultFile, identity: Identity, whose: string): Buffer | undefined {
  const slot = file.slots.find(({ salt }) => salt.equals(identity.salt));
  if (slot === undefined) return undefined;
  const dataKey = unwrapDataKey(identity, file.writer, slot.wrapped);
  const payload = dataKey && openOnce(dataKey, file.sealed, file.header);
  dataKey?.fill(0);
  if (payload === undefined) throw damagedVault(whose);
  return payload;
}

export function damagedVault(whose: string, options?: ErrorOptions): VaultError {
  return new VaultError('damaged', `The vault of ${whose} is damaged. Restore it from a backup.`, options);
}

function readSlot(reader: Reader): VaultFile['slots'][number] {
  const code = reader.number(1);
  const kind = (Object.keys(KINDS) as readonly SlotKind[]).find((each) => KINDS[each] === code);
  if (kind === undefined) throw reader.damaged();
  return {
    kind,
    salt: reader.copy(SLOT_SIZES.salt),
    check: reader.take(SLOT_SIZES.check),
    sealedKey: reader.take(SLOT_SIZES.sealedKey),
    wrapped: reader.take(SLOT_SIZES.wrapped),
  };
}

function checksum(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

class Reader {
  readonly #bytes: Buffer;
  readonly #whose: string;
  at = 0;

  constructor(bytes: Buffer, whose: string) {
    this.#bytes = bytes;
    this.#whose = whose;
  }

  take(size: number): Buffer {
    const octets = this.#bytes.subarray(this.at, this.at + size);
    if (octets.length < size) throw this.damaged();
    this.at += size;
    return octets;
  }

  /** What an opened vault keeps: with a part of the file it would keep the whole. */
  copy(size: number): Buffer {
    const octets = Buffer.alloc(size);
    octets.set(this.take(size));
    return octets;
  }

  number(size: number): number {
    return this.take(size).readUIntBE(0, size);
  }

  damaged(): VaultError {
    return damagedVault(this.#whose);
  }
}
