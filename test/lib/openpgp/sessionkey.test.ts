import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { slices } from '#lib/bytes/source';
import { type AnyKeyPacket, generateKey } from '#lib/openpgp/library';
import { type Recipient, chooseRecipient } from '#lib/openpgp/recipient';
import { createSealer } from '#lib/openpgp/seal';
import { openSessionKey, parseSessionKeyPacket, writeSessionKeyPacket } from '#lib/openpgp/sessionkey';
import { inline } from '#lib/openpgp/offload';

async function make(options: object): Promise<{ recipient: Recipient; key: AnyKeyPacket }> {
  const { privateKey } = await generateKey({
    userIDs: [{ email: 'alice@example.com' }],
    format: 'object',
    ...(options as { type: 'ecc' }),
  });
  const key = privateKey.subkeys[0]?.keyPacket ?? assert.fail();
  return { recipient: await chooseRecipient(privateKey.toPublic()), key };
}

/** The recipient as a certificate would have it whose parameters are others. */
function withParams(recipient: Recipient, change: object): Recipient {
  const keyPacket = Object.create(recipient.keyPacket, {
    publicParams: { value: { ...recipient.keyPacket.publicParams, ...change } },
  }) as AnyKeyPacket;
  return { ...recipient, keyPacket };
}

describe('session keys', () => {
  it('are not written for a key that cannot take them, and the error says so', async () => {
    const p256 = (await make({ type: 'ecc', curve: 'nistP256' })).recipient;
    const x25519 = (await make({ type: 'curve25519' })).recipient;
    for (const [recipient, code] of [
      [withParams(p256, { Q: Buffer.alloc(65, 4) }), 'unusable-key'],
      [withParams(p256, { kdfParams: { hash: 2, cipher: 9 } }), 'unsupported'],
      [withParams(p256, { kdfParams: { hash: 8, cipher: 3 } }), 'unsupported'],
      // A point of low order, with which every secret is zero.
      [withParams(x25519, { A: Buffer.alloc(32) }), 'unusable-key'],
    ] as const) {
      for (const compatible of [true, false]) {
        await assert.rejects(createSealer({ recipients: [recipient], compatible }, 1), { name: 'OpenPGPError', code });
      }
    }
  });

  it('for X25519 name no cipher but AES', async () => {
    const { recipient, key } = await make({ type: 'curve25519' });
    const written = writeSessionKeyPacket(recipient.keyPacket, { algorithm: 9, key: Buffer.alloc(32, 1) }, 1);
    // Header, version, key ID, algorithm, ephemeral key, count.
    const at = 2 + 1 + 8 + 1 + 32 + 1;
    assert.equal(written[at], 9);
    for (const [algorithm, opens] of [
      [9, true],
      [10, false],
      [13, false],
    ] as const) {
      written[at] = algorithm;
      const parsed = parseSessionKeyPacket(written.subarray(2)) ?? assert.fail();
      const opening = openSessionKey(parsed, key as never, undefined, inline);
      if (opens) assert.deepEqual((await opening).key, Buffer.alloc(32, 1));
      else await assert.rejects(opening, { code: 'session-key' });
    }
  });

  it('are for one message', async () => {
    const { recipient } = await make({ type: 'curve25519' });
    const sealer = await createSealer({ recipients: [recipient] }, 1);
    sealer.seal(slices(Buffer.of(1)));
    assert.throws(() => sealer.seal(slices(Buffer.of(2))), /one message/);
  });
});
