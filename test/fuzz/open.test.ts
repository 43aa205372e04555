import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { OpenPGPError } from '#lib/openpgp/error';
import { type KeyName, type Vector, loadKey, readIndex, readMessage } from '#test/vectors/catalogue';
import { type Opening, openAll, optionsFor } from '#test/vectors/opening';
import { payloadOf } from '#test/vectors/payload';
import { literal, packet, seipd1Body, seipd2Body, seipd2Parts, testSessionKey } from '#test/vectors/writer';
import { cuts, mutate, mutations, pieces, runs } from './mutation.js';

/** Milliseconds within which any message of a few kilobytes must have been opened or refused. */
const TIME_LIMIT = 10_000;

// eslint-disable-next-line @typescript-eslint/require-await -- an async generator is the shape of a ByteStream
async function* stream(octets: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer, void> {
  yield* pieces(octets, sizes);
}

async function bounded(opening: Promise<Opening>): Promise<Opening> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error('It hangs.'));
    }, TIME_LIMIT);
  });
  try {
    return await Promise.race([opening, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Any error must be an OpenPGPError, and a payload without an error comes with its verdicts. */
function checkError({ error }: Opening): void {
  if (error !== undefined && !(error instanceof OpenPGPError)) throw error;
}

/** Messages that open, of every form, without the keys that cost much time. */
const slow = /rsa|x448|brainpool|p384|p521/;
const vectors: readonly Vector[] = readIndex().filter(
  ({ name, keys, outcome }) => !('error' in outcome) && !slow.test(`${name} ${keys.join(' ')}`),
);

it('open: a damaged message gives nothing but the beginning of its plaintext, and SEIPDv1 all or nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...vectors),
      mutations,
      cuts,
      fc.constantFrom(undefined, 100),
      async (vector, damage, sizes, limit) => {
        const octets = mutate(readMessage(vector), damage);
        const options = await optionsFor(vector);
        const opening = await bounded(
          openAll(stream(octets, sizes), { ...options, ...(limit !== undefined && { bufferLimit: limit }) }),
        );
        checkError(opening);
        const { kind, size } = vector.payload;
        const { payload, error } = opening;
        assert.ok(payload.length <= size, 'More came out than the plaintext has.');
        assert.ok(payload.equals(payloadOf(kind, payload.length)), 'What came out is not the plaintext.');
        if (error === undefined) assert.equal(payload.length, size, 'It was cut without an error.');
        const isFirst = 'seipd' in vector.outcome && vector.outcome.seipd === 1;
        if (isFirst && error !== undefined)
          assert.equal(payload.length, 0, 'SEIPDv1 gave something out before its end.');
      },
    ),
    runs(150),
  );
});

const OWN: KeyName = 'openpgpjs-x25519-v4';

it('open: any octets lead to an OpenPGPError', async () => {
  const keys = [await loadKey(OWN)];
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), cuts, async (octets, sizes) => {
      const opening = await bounded(openAll(stream(Buffer.from(octets), sizes), { keys }));
      checkError(opening);
      assert.ok(opening.error, 'A message was found in random octets.');
      assert.equal(opening.payload.length, 0);
    }),
    runs(100),
  );
});

const SESSION_KEY = testSessionKey('fuzz');

/** Octets rightly encrypted: what a sender can have us read, whatever it is. */
const plaintexts: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
  fc
    .tuple(fc.constantFrom(...vectors.slice(0, 20)), mutations)
    .map(([vector, damage]) => mutate(readMessage(vector), damage)),
  fc.tuple(fc.nat(2000), mutations).map(([size, damage]) => mutate(literal(payloadOf('mail', size)), damage)),
  fc
    .array(
      fc
        .tuple(fc.constantFrom(1, 2, 4, 8, 9, 10, 11, 18, 19, 20, 21, 39, 60), fc.uint8Array({ maxLength: 60 }))
        .map(([tag, body]) => packet(tag, Buffer.from(body))),
      { maxLength: 5 },
    )
    .map((packets) => Buffer.concat(packets)),
);

it('open: whatever was rightly encrypted leads to a payload or to an OpenPGPError', async () => {
  const options = { sessionKey: SESSION_KEY, verifiers: async () => [(await loadKey(OWN)).toPublic()] };
  await fc.assert(
    fc.asyncProperty(plaintexts, cuts, fc.constantFrom(1, 2, 3), async (plaintext, sizes, mode) => {
      const body =
        mode === 1
          ? seipd1Body(SESSION_KEY, plaintext)
          : seipd2Body(seipd2Parts(SESSION_KEY, plaintext, mode === 2 ? 2 : 3, 0));
      checkError(await bounded(openAll(stream(packet(18, body), sizes), options)));
    }),
    runs(150),
  );
});
