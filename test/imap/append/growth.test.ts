import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Account } from '#imap/account';
import { lowered, smallestSealed } from '#imap/append/growth';
import { memorySource } from '#lib/bytes/source';
import { sealAtRest } from '#lib/message/seal';
import { lines, modernPerson, person } from '#test/lib/message/fixture';

const alice = await person('Alice <alice@example.com>');
const modern = await modernPerson('Alice <alice@example.com>');
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 60);

describe('the growth of encryption', () => {
  for (const [version, { recipient }] of [
    [1, alice],
    [2, modern],
  ] as const) {
    const seal: Account['seal'] = (message, { double = 'never' } = {}) =>
      sealAtRest(message, { recipients: [recipient], originKey: Buffer.alloc(32), double });
    const message = (octets: number): Buffer => {
      const header = lines('From: a@example.com', `References: ${'<x@example.com> '.repeat(500)}`, '');
      return Buffer.concat([header, Buffer.alloc(Math.max(0, octets - header.length), 'x')]);
    };

    it(`leaves room in the lowered limit (SEIPDv${version})`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 50_000, max: 3_000_000 }), async (limit) => {
          const bytes = message(lowered(limit));
          assert.ok((await seal(memorySource(bytes))).size <= limit);
        }),
        { numRuns: RUNS },
      );
    });

    it(`is never less than what is foreseen (SEIPDv${version})`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), async (octets) => {
          const bytes = message(octets).subarray(0, octets);
          const [least, { size }] = [await smallestSealed(octets, seal), await seal(memorySource(bytes))];
          assert.ok(least <= size && size - least < 16 * 1024);
        }),
        { numRuns: RUNS },
      );
    });
  }

  it('leaves nothing where a limit is small', () => {
    assert.equal(lowered(0), 0);
    assert.equal(lowered(16_384), 0);
  });
});
