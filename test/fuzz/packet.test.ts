import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { OpenPGPError } from '#lib/openpgp/error';
import {
  ByteReader,
  PartialLengthWriter,
  gatherBody,
  packetHeader,
  packetHeaderSize,
  readPacket,
} from '#lib/openpgp/packet';
import { seededBytes } from '#test/vectors/payload';
import { oldPacket, packet, partialPacket } from '#test/vectors/writer';
import { cuts, mutate, mutations, pieces, runs } from './mutation.js';

interface Read {
  readonly tag: number;
  readonly body: Buffer;
}

const LIMIT = 1_000_000;

// eslint-disable-next-line @typescript-eslint/require-await -- an async generator is the shape of a ByteStream
async function* stream(octets: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer, void> {
  yield* pieces(octets, sizes);
}

/** All packets up to the end or the first error, whose code it gives. Any other exception goes through. */
async function readAll(octets: Buffer, sizes: readonly number[]): Promise<{ packets: Read[]; code?: string }> {
  const reader = new ByteReader(stream(octets, sizes));
  const packets: Read[] = [];
  try {
    for (;;) {
      const next = await readPacket(reader);
      if (next === undefined) return { packets };
      packets.push({ tag: next.tag, body: await gatherBody(next, LIMIT) });
    }
  } catch (error) {
    if (!(error instanceof OpenPGPError)) throw error;
    return { packets, code: error.code };
  } finally {
    await reader.close();
  }
}

/** A packet of a type that may have a length of any form, and how it is written. */
const written = fc
  .record({
    tag: fc.constantFrom(8, 9, 11),
    size: fc.oneof(fc.nat(700), fc.nat(20_000)),
    form: fc.constantFrom<'definite' | 'partial' | 'old'>('definite', 'partial', 'old'),
    exponents: fc
      .tuple(fc.integer({ min: 9, max: 12 }), fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 4 }))
      .map(([first, more]) => [first, ...more]),
  })
  .map(({ tag, size, form, exponents }) => {
    const body = seededBytes('body', size);
    const bytes =
      form === 'definite'
        ? packet(tag, body)
        : form === 'partial'
          ? partialPacket(tag, body, exponents)
          : oldPacket(tag, body, size < 256 ? 0 : size < 65_536 ? 1 : 2);
    return { tag, body, bytes };
  });

const row = fc.array(written, { maxLength: 4 });

it('packets: what is written in any form is read back, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(row, cuts, async (list, sizes) => {
      const octets = Buffer.concat(list.map(({ bytes }) => bytes));
      assert.deepEqual(await readAll(octets, sizes), { packets: list.map(({ tag, body }) => ({ tag, body })) });
    }),
    runs(60),
  );
});

it('packets: what the partial-length writer writes is read back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.nat(600), fc.nat(300_000)), cuts, cuts, async (size, writerCuts, readerCuts) => {
      const body = seededBytes('body', size);
      const writer = new PartialLengthWriter(11);
      const out = [...pieces(body, writerCuts)].map((piece) => writer.push(piece));
      const octets = Buffer.concat([...out, writer.end()]);
      assert.deepEqual(await readAll(octets, readerCuts), { packets: [{ tag: 11, body }] });
    }),
    runs(30),
  );
});

it('packets: a header says its length and has the size announced', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.nat(9000), fc.nat(2 ** 31)), async (length) => {
      const header = packetHeader(11, length);
      assert.equal(header.length, packetHeaderSize(length));
      const read = await readPacket(new ByteReader(stream(header, [1])));
      assert.equal(read?.length, length);
    }),
    runs(100),
  );
});

it('packets: any octets lead to packets or to an OpenPGPError, the same however they are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 1500 }), cuts, async (bytes, sizes) => {
      const octets = Buffer.from(bytes);
      assert.deepEqual(await readAll(octets, sizes), await readAll(octets, [octets.length]));
    }),
    runs(150),
  );
});

it('packets: damaged packets lead to packets or to an OpenPGPError, the same however they are cut', async () => {
  await fc.assert(
    fc.asyncProperty(row, mutations, cuts, async (list, damage, sizes) => {
      const octets = mutate(Buffer.concat(list.map(({ bytes }) => bytes)), damage);
      const whole = await readAll(octets, [octets.length]);
      assert.ok(whole.code === undefined || ['malformed', 'truncated', 'limit'].includes(whole.code), whole.code);
      assert.deepEqual(await readAll(octets, sizes), whole);
    }),
    runs(100),
  );
});
