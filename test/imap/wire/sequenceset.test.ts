import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Reader } from '#imap/wire/reader';
import {
  contains,
  normalise,
  numbersOf,
  readSequenceSet,
  type SequenceRange,
  setOf,
  writeSequenceSet,
} from '#imap/wire/sequenceset';
import { Writer } from '#imap/wire/writer';
import { octets, outcome, spelled } from './octets.js';

function read(text: string): ReturnType<typeof readSequenceSet> {
  const reader = new Reader([octets(text)]);
  const set = readSequenceSet(reader);
  reader.end();
  return set;
}

function ranges(text: string): readonly SequenceRange[] {
  const set = read(text);
  assert.ok(set !== '$');
  return set;
}

describe('sequence sets', () => {
  it('are written as they were spelled', () => {
    for (const text of ['1', '2,4:7,9,12:*', '*:4,5:7', '*', '5:5', '4294967295', '$', '3,2,1']) {
      const writer = new Writer();
      writeSequenceSet(writer, read(text));
      assert.equal(spelled(writer.parts), text);
    }
  });

  it('are refused where the grammar has none', () => {
    for (const text of [
      '',
      '0',
      '01',
      '1:',
      ':1',
      '1,',
      ',1',
      '1:2:3',
      '4294967296',
      '1:4294967296',
      '-1',
      '1 ',
      '$,1',
      '**',
    ]) {
      assert.equal(
        outcome(() => read(text)),
        'syntax',
        text,
      );
    }
    for (const set of [[], [{ first: 0 }], [{ first: 2 ** 32 }], [{ first: 1.5 }]]) {
      assert.equal(
        outcome(() => {
          writeSequenceSet(new Writer(), set);
        }),
        'unwritable',
      );
    }
  });

  it('mean what RFC 9051 §9 says', () => {
    assert.deepEqual([...numbersOf(ranges('2,4:7,9,12:*'), 15)], [2, 4, 5, 6, 7, 9, 12, 13, 14, 15]);
    assert.deepEqual([...numbersOf(ranges('*:4,5:7'), 10)], [4, 5, 6, 7, 8, 9, 10]);
    assert.deepEqual([...numbersOf(ranges('100:*'), 3)], [3, 4, 5].concat(Array.from({ length: 95 }, (_, i) => i + 6)));
    assert.deepEqual([...numbersOf(ranges('*'), 0)], []);
    assert.equal(contains(ranges('100:*'), 3, 3), true);
    assert.equal(contains(ranges('1:2'), 3, 3), false);
  });

  it('are listed up to a limit', () => {
    assert.equal(
      outcome(() => [...numbersOf(ranges('1:4294967295'), 1)]),
      'limit',
    );
    assert.equal(
      outcome(() => [...numbersOf(ranges('1:4,3:5'), 1, 5)].length),
      5,
    );
  });

  it('keep their numbers when put in order, and when made of them', () => {
    const number = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant('*' as const));
    const set = fc.array(fc.record({ first: number, last: fc.option(number, { nil: undefined }) }), { minLength: 1 });
    fc.assert(
      fc.property(set, fc.integer({ min: 1, max: 40 }), (some, largest) => {
        const all = Array.from({ length: 41 }, (_, index) => index + 1);
        const expected = all.filter((each) => contains(some, each, largest));
        assert.deepEqual([...numbersOf(some, largest)], expected);
        assert.deepEqual([...numbersOf(normalise(some, largest), largest)], expected);
        assert.deepEqual([...numbersOf(setOf(expected), largest)], expected);
      }),
    );
  });
});
