import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ByteStream, slices } from '#lib/bytes/source';
import { makeBroken, makeLarge } from '#test/vectors/broken';
import { KEY_NAMES, type Vector, readIndex, readMessage } from '#test/vectors/catalogue';
import { checkOpening, openAll, optionsFor } from '#test/vectors/opening';
import { payloadOf, seededBytes, sha256 } from '#test/vectors/payload';
import { makeSamples } from '#test/vectors/samples';

/** Messages up to this many octets are also read octet by octet. */
const SMALL = 1200;

const index = readIndex();

async function* octetByOctet(bytes: Buffer): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at++) yield await Promise.resolve(Buffer.from(bytes.subarray(at, at + 1)));
}

/** Pieces of 0 to 299 octets, mostly, the same for the same seed. */
async function* randomCuts(bytes: Buffer, seed: string): AsyncGenerator<Buffer, void> {
  const sizes = seededBytes(`cuts ${seed}`, 4096);
  const scale = Math.max(1, bytes.length / 20_000);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.floor(sizes.readUInt16BE((2 * i) % 4096) % (300 * scale));
    yield await Promise.resolve(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
}

async function check(vector: Vector, input: ByteStream, changes: { bufferLimit?: number } = {}): Promise<void> {
  await checkOpening(vector, await openAll(input, { ...(await optionsFor(vector)), ...changes }));
}

describe('each vector leads to what the index says', () => {
  for (const vector of index) {
    it(`${vector.name} (${vector.from})`, async () => {
      const message = readMessage(vector);
      await check(vector, slices(Buffer.from(message)));
      await check(vector, randomCuts(message, vector.name), { bufferLimit: 100 });
      if (message.length <= SMALL) await check(vector, octetByOctet(message));
    });
  }
});

describe('each large vector, made from its seed', async () => {
  for (const { vector, message } of await makeLarge()) {
    it(vector.name, async () => {
      await check(vector, slices(Buffer.from(message)));
      await check(vector, randomCuts(message, vector.name), { bufferLimit: 100_000 });
    });
  }
});

describe('the folder of vectors', () => {
  it('has in its index the digests of the computed payloads', () => {
    for (const { name, payload, outcome } of index) {
      const part = 'error' in outcome ? outcome.released : outcome;
      assert.equal(part.sha256, sha256(payloadOf(payload.kind, part.size)), name);
      assert.ok(part.size <= payload.size, name);
    }
  });

  it('uses each of its keys', () => {
    const used = new Set(index.flatMap(({ keys }) => keys));
    assert.deepEqual(
      KEY_NAMES.filter((name) => !used.has(name)),
      [],
    );
  });

  it('holds what its generator makes', async () => {
    for (const { vector, message } of [...makeSamples(), ...(await makeBroken())]) {
      assert.deepEqual(
        index.find(({ name }) => name === vector.name),
        JSON.parse(JSON.stringify(vector)),
        vector.name,
      );
      assert.deepEqual(readMessage(vector), message, vector.name);
    }
  });
});
