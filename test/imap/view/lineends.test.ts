import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { gather, memorySource, type Source } from '#lib/bytes/source';
import { VIEW_LIMITS } from '#imap/view/limits';
import { crlfRange, LineEndConverter } from '#imap/view/lineends';
import { cut } from '#test/lib/mime/arbitrary';

const SPACING = VIEW_LIMITS.checkpointOctets;

function convert(...pieces: readonly Buffer[]): { view: Buffer; converter: LineEndConverter } {
  const converter = new LineEndConverter();
  return { view: Buffer.concat(pieces.map((piece) => converter.push(piece))), converter };
}

/** The same by the book: slow. */
function withCRLF(octets: Buffer): Buffer {
  return Buffer.from(octets.toString('latin1').replace(/(?<!\r)\n/g, '\r\n'), 'latin1');
}

const text = fc
  .array(fc.constantFrom('\n', '\n', '\r\n', '\r', 'a', 'bc', '\0'), { maxLength: 40 })
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

describe('line ends', () => {
  it('become CRLF however the octets are cut', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 5 }), (octets, places) => {
        const { view, converter } = convert(...cut(octets, places));
        assert.deepEqual(view, withCRLF(octets));
        assert.equal(converter.end()?.bare, view.length === octets.length ? undefined : view.length - octets.length);
      }),
    );
  });

  it('leave a chunk alone that has no bare line feed', () => {
    const chunk = Buffer.from('a\r\nb\r\n');
    assert.equal(new LineEndConverter().push(chunk), chunk);
  });

  it('are found again from checkpoints', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('\n', '\r\n', 'a\n', 'abc\r', '\r\n\n', 'x'.repeat(1000)), fc.nat(40_000)), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(2000)), { minLength: 4, maxLength: 4 }),
        async (runs, ranges) => {
          const payload = Buffer.from(
            runs.map(([run, times]) => run.repeat(Math.min(times, 200_000 / run.length))).join(''),
            'latin1',
          );
          const { view, converter } = convert(payload);
          const lineEnds = converter.end();
          for (const [place, length] of ranges) {
            const start = Math.floor(place * view.length);
            const end = Math.min(start + length, view.length);
            const found = await gather(crlfRange(memorySource(payload), lineEnds, start, end));
            assert.ok(found.equals(view.subarray(start, end)), `${start} to ${end}`);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('need little of the payload to be read', async () => {
    const payload = Buffer.from('abc\n'.repeat(SPACING));
    const { view, converter } = convert(payload);
    const lineEnds = converter.end();
    assert.equal(lineEnds?.checkpoints.length, 4);
    const reads: number[] = [];
    const source: Source = {
      ...memorySource(payload),
      stream: (start = 0, end = payload.length) => {
        reads.push(end - start);
        return memorySource(payload).stream(start, end);
      },
    };
    for (const start of [0, 1, SPACING, 2 * SPACING + 7, view.length - 10])
      assert.deepEqual(await gather(crlfRange(source, lineEnds, start, start + 10)), view.subarray(start, start + 10));
    assert.ok(Math.max(...reads) <= SPACING + 11, reads.join(' '));
    await gather(crlfRange(source, lineEnds, 5, 5));
    assert.equal(reads.length, 5);
  });

  it('have a bounded number of checkpoints', async () => {
    const chunk = Buffer.from('\n'.repeat(SPACING));
    const converter = new LineEndConverter();
    const chunks = 2 * VIEW_LIMITS.checkpoints + 100;
    for (let count = 0; count < chunks; count++) converter.push(chunk);
    const lineEnds = converter.end();
    assert.equal(lineEnds?.bare, chunks * SPACING);
    assert.equal(lineEnds.spacing, 4 * SPACING);
    assert.ok(lineEnds.checkpoints.every((bare, index) => bare === (index + 1) * 4 * SPACING));
    assert.equal(lineEnds.checkpoints.length, Math.floor(chunks / 4));
    const payload: Source = {
      size: chunks * SPACING,
      // eslint-disable-next-line @typescript-eslint/require-await
      stream: async function* (start = 0, end = chunks * SPACING) {
        yield Buffer.alloc(end - start, '\n');
      },
      close: () => Promise.resolve(),
    };
    assert.equal((await gather(crlfRange(payload, lineEnds, 100_000_001, 100_000_004))).toString(), '\n\r\n');
  });
});
