import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Source, gather, memorySource, slices } from '#lib/bytes/source';
import { generateKey } from '#lib/openpgp/library';
import { type Sealer, createSealer } from '#lib/openpgp/seal';
import { chooseRecipient } from '#lib/openpgp/recipient';
import { openSeekable } from '#lib/openpgp/seek';
import { Tag, literal, packet, seipd2Body, seipd2Parts, testSessionKey } from '#test/vectors/writer';

const { privateKey: key } = await generateKey({
  type: 'curve25519',
  userIDs: [{ email: 'alice@example.com' }],
  format: 'object',
});
const recipient = await chooseRecipient(key.toPublic());

interface Sealed {
  readonly sealer: Sealer;
  readonly bytes: Buffer;
}

async function seal(
  payload: Buffer,
  options: { armor?: boolean; compatible?: boolean; size?: number | undefined },
): Promise<Sealed> {
  const { armor = true, compatible = false } = options;
  const size = 'size' in options ? options.size : payload.length;
  const sealer = await createSealer({ recipients: [recipient], signers: [key], compatible, armor }, size);
  return { sealer, bytes: await gather(sealer.seal(slices(payload))) };
}

/** A source that counts what is read of it. */
function counted(bytes: Buffer): Source & { read: number } {
  const source = memorySource(bytes);
  return {
    ...source,
    read: 0,
    async *stream(start, end) {
      for await (const chunk of source.stream(start, end)) {
        this.read += chunk.length;
        yield chunk;
      }
    },
  };
}

describe('a seekable message', () => {
  for (const armor of [true, false]) {
    it(`gives any range of the payload (${armor ? 'armored' : 'binary'})`, async () => {
      for (const size of [0, 1, 60_000, 65_530, 65_536, 200_000]) {
        const payload = randomBytes(size);
        const { sealer, bytes } = await seal(payload, { armor });
        const message = await openSeekable(memorySource(bytes), sealer.sessionKey);
        assert.ok(message);
        assert.equal(message.size, size);
        await fc.assert(
          fc.asyncProperty(fc.nat(size + 10), fc.nat(size + 10), async (a, b) => {
            const [start, end] = [Math.min(a, b), Math.max(a, b)];
            assert.deepEqual(await gather(message.read(start, end)), payload.subarray(start, end));
          }),
          { numRuns: 30, examples: [[0, size]] },
        );
      }
    });
  }

  it('reads armor as others write it', async () => {
    const payload = randomBytes(100_000);
    const { sealer, bytes } = await seal(payload, { armor: false });
    for (const [chars, eol, checksum] of [
      [64, '\n', '=abcd\n'],
      [60, '\r\n', ''],
    ] as const) {
      const lines = bytes.toString('base64').match(new RegExp(`.{1,${chars}}`, 'g')) ?? [];
      const text = [
        '-----BEGIN PGP MESSAGE-----',
        'Version: 1',
        '',
        ...lines,
        `${checksum}-----END PGP MESSAGE-----`,
        '',
      ].join(eol);
      const message = await openSeekable(memorySource(Buffer.from(text)), sealer.sessionKey);
      assert.deepEqual(message && (await gather(message.read(70_001, 90_003))), payload.subarray(70_001, 90_003));
    }
  });

  it('reads only the chunks that hold the range', async () => {
    const payload = randomBytes(3_000_000);
    const { sealer, bytes } = await seal(payload, {});
    const source = counted(bytes);
    const message = await openSeekable(source, sealer.sessionKey);
    const before = source.read;
    assert.ok(before < 400_000, `${before} octets to open`);
    assert.deepEqual(
      message && (await gather(message.read(2_900_000, 2_900_100))),
      payload.subarray(2_900_000, 2_900_100),
    );
    assert.ok(source.read - before < 100_000, `${source.read - before} octets for 100`);
  });

  it('reads a chunk once for who goes on in small steps, and gives copies', async () => {
    const payload = randomBytes(300_000);
    const { sealer, bytes } = await seal(payload, {});
    const source = counted(bytes);
    const message = await openSeekable(source, sealer.sessionKey);
    assert.ok(message);
    const first = await gather(message.read(100_000, 100_010));
    const before = source.read;
    for (let at = 100_010; at < 100_200; at += 10) {
      const piece = await gather(message.read(at, at + 10));
      assert.deepEqual(piece, payload.subarray(at, at + 10));
      piece.fill(0);
    }
    assert.equal(source.read, before);
    first.fill(0);
    assert.deepEqual(await gather(message.read(100_000, 250_000)), payload.subarray(100_000, 250_000));
  });

  it('lets out nothing of a chunk that was changed', async () => {
    const payload = randomBytes(200_000);
    const { sealer, bytes } = await seal(payload, { armor: false });
    const changed = Buffer.from(bytes);
    const at = changed.length - 100_000;
    changed[at] = (changed[at] ?? 0) ^ 1;
    const message = await openSeekable(memorySource(changed), sealer.sessionKey);
    assert.deepEqual(message && (await gather(message.read(0, 1000))), payload.subarray(0, 1000));
    await assert.rejects(async () => message && gather(message.read(0, 200_000)), { code: 'tag-mismatch' });
  });

  it('is not one that was cut off, or whose session key is another', async () => {
    const { sealer, bytes } = await seal(randomBytes(200_000), { armor: false });
    const key = randomBytes(sealer.sessionKey.key.length);
    await assert.rejects(openSeekable(memorySource(bytes), { ...sealer.sessionKey, key }), { code: 'tag-mismatch' });
    // The packet's length tells, so that a cut message is not even taken for one.
    assert.equal(await openSeekable(memorySource(bytes.subarray(0, -65_552)), sealer.sessionKey), undefined);
  });

  it('is not SEIPDv1, nor one with partial lengths', async () => {
    for (const options of [{ compatible: true }, { size: undefined }]) {
      const { sealer, bytes } = await seal(randomBytes(200_000), options);
      assert.equal(await openSeekable(memorySource(bytes), sealer.sessionKey), undefined);
    }
  });

  it('is not one that ends within the head of its packet, which is told', async () => {
    for (const head of ['d20102', 'd202020a', 'd2']) {
      const source = memorySource(Buffer.from(head, 'hex'));
      await assert.rejects(openSeekable(source, { algorithm: 9, key: randomBytes(32) }), { code: 'truncated' });
    }
  });

  it('holds no packet before the encrypted data that is larger than the limit', async () => {
    const source = memorySource(packet(Tag.pkesk, Buffer.alloc(100_000)));
    await assert.rejects(openSeekable(source, { algorithm: 9, key: randomBytes(32) }), { code: 'limit' });
  });

  it('is not one in which something follows that was not announced', async () => {
    const sessionKey = testSessionKey('seek');
    const message = (plaintext: Buffer) =>
      memorySource(packet(Tag.seipd, seipd2Body(seipd2Parts(sessionKey, plaintext, 2, 6))));
    const payload = literal(Buffer.from('hello'));
    assert.equal((await openSeekable(message(payload), sessionKey))?.size, 5);
    const followed = Buffer.concat([payload, literal(Buffer.from('more'))]);
    assert.equal(await openSeekable(message(followed), sessionKey), undefined);
  });
});
