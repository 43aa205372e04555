import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { STANDARD_COST, isAcceptedCost } from '#lib/vault/argon2';
import { VaultError } from '#lib/vault/error';
import { openPayload, readVaultFile, writeVaultFile } from '#lib/vault/file';
import { LIMITS } from '#lib/vault/limits';
import { decodeContent } from '#lib/vault/payload';
import { type SlotKind, makeSlot, openSlot, unwrapDataKey } from '#lib/vault/slot';
import { findSlot } from '#lib/vault/unlock';
import { Home, PROFILE, refuses } from './material.js';

/** Where the fields of the header are (lib/vault/file.ts). */
const AT = { version: 14, flags: 15, memory: 22, passes: 26, lanes: 27, count: 76, slots: 77 } as const;
const SLOT = 145;

const STRETCHED = randomBytes(32);
const PAYLOAD = Buffer.from('what is sealed');

function make(kinds: readonly SlotKind[] = ['password'], enrolled = false): Buffer {
  const slots = kinds.map((kind) => makeSlot(kind, 'name', STRETCHED).slot);
  const header = { enrolled, generation: 7, cost: STANDARD_COST, salt: randomBytes(16) };
  return writeVaultFile(header, slots, PAYLOAD);
}

/** What comes out below Argon2: the payload, or the code of the error; `denied` where no slot opens. */
function outcome(bytes: Buffer, stretched: Buffer = STRETCHED): string {
  try {
    const file = readVaultFile(bytes, 'alice');
    const identity = findSlot(file.slots, 'password', stretched);
    if (identity === undefined) return 'denied';
    return openPayload(file, identity, 'alice')?.toString() ?? 'revoked';
  } catch (error) {
    if (error instanceof VaultError) return error.code;
    throw error;
  }
}

/** As somebody would who can compute a checksum. */
function forged(bytes: Buffer, change: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  createHash('sha256')
    .update(copy.subarray(0, -32))
    .digest()
    .copy(copy, copy.length - 32);
  return copy;
}

describe('the file of a vault', () => {
  it('opens with what locks it, and tells its form', () => {
    const bytes = make(['recovery', 'password', 'key-file'], true);
    assert.equal(outcome(bytes), PAYLOAD.toString());
    assert.equal(outcome(bytes, randomBytes(32)), 'denied');
    const { enrolled, generation, cost, slots } = readVaultFile(bytes, 'alice');
    assert.deepEqual([enrolled, generation, cost], [true, 7, STANDARD_COST]);
    assert.deepEqual(
      slots.map(({ kind }) => kind),
      ['recovery', 'password', 'key-file'],
    );
  });

  it('does not open with the right octets for another kind of slot', () => {
    assert.equal(outcome(make(['recovery', 'key-file'])), 'denied');
  });

  it('is damaged wherever an octet is another', () => {
    const bytes = make();
    for (const at of bytes.keys()) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const other = Buffer.from(bytes);
        other[at] = (bytes[at] ?? 0) ^ flip;
        assert.equal(outcome(other), at === AT.version ? 'version' : 'damaged', `octet ${at}`);
      }
    }
  });

  it('is damaged wherever it is cut off or goes on', () => {
    const bytes = make();
    for (const end of bytes.keys()) assert.equal(outcome(bytes.subarray(0, end)), 'damaged', `${end} octets`);
    for (const cut of Array(bytes.length - 32).keys()) {
      const short = forged(Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(32)]), () => undefined);
      assert.ok(['damaged', 'version', 'limit'].includes(outcome(short)), `${cut} octets and a checksum`);
    }
    assert.equal(outcome(Buffer.concat([bytes, Buffer.of(0)])), 'damaged');
    assert.equal(
      outcome(forged(Buffer.concat([bytes.subarray(0, -32), Buffer.alloc(33)]), () => undefined)),
      'damaged',
    );
  });

  it('does not open wherever somebody has changed an octet and made the checksum fit', () => {
    const bytes = make(['password', 'recovery']);
    const codes = new Set<string>();
    for (let at = 0; at < bytes.length - 32; at += 1) {
      const code = outcome(forged(bytes, (copy) => (copy[at] = (bytes[at] ?? 0) ^ 1)));
      assert.ok(['damaged', 'denied', 'version', 'limit'].includes(code), `octet ${at}: ${code}`);
      codes.add(code);
    }
    assert.deepEqual([...codes].sort(), ['damaged', 'denied', 'limit', 'version']);
  });

  it('does not open with its slots in another order, or with one taken out or copied', () => {
    const bytes = make(['password', 'recovery']);
    const slots = [0, 1].map((i) => bytes.subarray(AT.slots + i * SLOT, AT.slots + (i + 1) * SLOT));
    const rest = bytes.subarray(AT.slots + 2 * SLOT);
    for (const order of [[1, 0], [0], [0, 0], [0, 1, 1]]) {
      const parts = [bytes.subarray(0, AT.count), Buffer.of(order.length), ...order.map((i) => slots[i]), rest];
      const other = Buffer.concat(parts.filter((part) => part !== undefined));
      assert.equal(outcome(forged(other, () => undefined)), 'damaged', order.join());
    }
  });

  it('does not open to the payload of another write', () => {
    const slot = makeSlot('password', 'name', STRETCHED).slot;
    const header = { enrolled: false, generation: 1, cost: STANDARD_COST, salt: randomBytes(16) };
    const [one, two] = [1, 2].map(() => writeVaultFile(header, [slot], PAYLOAD)) as [Buffer, Buffer];
    const end = AT.slots + SLOT + 4;
    assert.notDeepEqual(one.subarray(end), two.subarray(end));
    assert.equal(outcome(forged(Buffer.concat([one.subarray(0, end), two.subarray(end)]), () => undefined)), 'damaged');
  });

  it('has a new data key in each write, so that one from an old copy opens nothing newer', () => {
    const { slot, identity } = makeSlot('password', 'name', STRETCHED);
    const header = { enrolled: false, generation: 1, cost: STANDARD_COST, salt: randomBytes(16) };
    const keys = [1, 2].map(() => {
      const { slots, writer } = readVaultFile(writeVaultFile(header, [slot], PAYLOAD), 'alice');
      return unwrapDataKey(identity, writer, slots[0]?.wrapped ?? Buffer.alloc(0));
    });
    assert.equal(keys[0]?.length, 32);
    assert.notDeepEqual(keys[0], keys[1]);
  });

  it('is not held in memory as a whole by what an opened vault keeps of it', () => {
    const bytes = make();
    const { salt, slots } = readVaultFile(bytes, 'alice');
    for (const kept of [salt, slots[0]?.salt]) assert.equal(kept?.buffer.byteLength, 16);
  });

  it('holds no slot that opens with more than one secret', () => {
    const { slot } = makeSlot('password', 'name', STRETCHED);
    assert.ok(openSlot(slot, STRETCHED));
    assert.equal(openSlot(slot, randomBytes(32)), undefined);
    // AES-GCM would open it; the check is what a ciphertext made for many keys does not pass.
    assert.equal(openSlot({ ...slot, check: randomBytes(32) }, STRETCHED), undefined);
    assert.equal(openSlot({ ...slot, kind: 'recovery' }, STRETCHED), undefined);
    // The points for which X25519 gives zero (RFC 7748 §6.1).
    assert.equal(
      unwrapDataKey({ salt: slot.salt, privateKey: randomBytes(32) }, Buffer.alloc(32), slot.sealedKey),
      undefined,
    );
  });

  it('is refused in an older and a newer version', () => {
    for (const version of [0, 2, 255]) {
      const other = forged(make(), (copy) => copy.writeUInt8(version, AT.version));
      assert.equal(outcome(other), 'version');
      assert.throws(() => readVaultFile(other, 'alice'), /is of version \d+, and this Postern reads version 1/);
    }
    // A newer version may have another checksum, or none.
    assert.equal(outcome(Buffer.from('postern vault\n\x02and something else', 'latin1')), 'version');
  });

  it('is refused where it asks for less work than ours do, or for more than a machine should do for a stranger', () => {
    for (const [memory, passes, lanes] of [
      [2 * 1024 * 1024, 3, 4],
      [LIMITS.argon2Memory + 1, 3, 4],
      [64 * 1024, LIMITS.argon2Passes + 1, 4],
      [64 * 1024, 3, LIMITS.argon2Lanes + 1],
      [64 * 1024, 3, 0],
      [64 * 1024, 2, 4],
      [64 * 1024 - 1, 3, 4],
      [8, 1, 1],
    ] as const) {
      assert.equal(isAcceptedCost({ memory, passes, lanes }), false);
      const hostile = forged(make(), (copy) => {
        copy.writeUInt32BE(memory, AT.memory);
        copy.writeUInt8(passes, AT.passes);
        copy.writeUInt8(lanes, AT.lanes);
      });
      assert.equal(outcome(hostile), 'limit');
    }
  });

  it('has a slot at least, no more than the limit, and no flag that we do not know', () => {
    assert.equal(outcome(make(Array<SlotKind>(LIMITS.slots).fill('password'))), PAYLOAD.toString());
    assert.equal(outcome(make(Array<SlotKind>(LIMITS.slots + 1).fill('password'))), 'damaged');
    assert.equal(outcome(make([])), 'damaged');
    assert.equal(outcome(forged(make(), (copy) => copy.writeUInt8(2, AT.flags))), 'damaged');
    assert.equal(outcome(forged(make(), (copy) => copy.writeUInt8(4, AT.slots))), 'damaged');
  });

  it('is never anything but a vault or a VaultError', () => {
    const bytes = make();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(bytes.length), (octets, at) => {
        const spliced = Buffer.concat([bytes.subarray(0, at), octets]);
        outcome(spliced);
        outcome(forged(Buffer.concat([spliced, Buffer.alloc(32)]), () => undefined));
      }),
    );
  });
});

describe('a forged or damaged vault', () => {
  let home: Home;
  before(() => {
    home = new Home();
  });
  after(() => {
    home.remove();
  });

  it('is told from a wrong password, and costs as much', async () => {
    await home.create({ profile: PROFILE });
    const bytes = readFileSync(home.file);
    const time = async (content: Buffer, code: 'damaged' | 'version' | 'limit'): Promise<number> => {
      writeFileSync(home.file, content);
      const start = performance.now();
      await refuses(home.open(), code);
      return performance.now() - start;
    };
    assert.ok((await time(bytes.subarray(0, -1), 'damaged')) > 10);
    assert.ok((await time(Buffer.alloc(0), 'damaged')) > 10);
    assert.ok(
      (await time(
        forged(bytes, (copy) => copy.writeUInt8(2, AT.version)),
        'version',
      )) > 10,
    );
    const start = performance.now();
    await time(
      forged(bytes, (copy) => copy.writeUInt32BE(2 ** 31, AT.memory)),
      'limit',
    );
    assert.ok(performance.now() - start < 5000);
    // The flag lies readable: whoever changes it makes the vault one that does not open.
    await time(
      forged(bytes, (copy) => copy.writeUInt8(1, AT.flags)),
      'damaged',
    );
    writeFileSync(home.file, bytes);
    (await home.open()).close();
  });

  it('is damaged where its sealed part is not what we write', () => {
    const file = readVaultFile(make(), 'alice');
    for (const text of ['', '{}', 'null', '{"lengths":[9]}', '{"lengths":[],"slots":[]}']) {
      const payload = Buffer.concat([Buffer.alloc(4), Buffer.from(text)]);
      payload.writeUInt32BE(text.length);
      assert.throws(() => decodeContent(payload, file, 'alice'), { code: 'damaged' });
    }
    assert.throws(() => decodeContent(Buffer.alloc(2), file, 'alice'), { code: 'damaged' });
    assert.throws(() => decodeContent(Buffer.alloc(8, 0xff), file, 'alice'), { code: 'damaged' });
  });
});
