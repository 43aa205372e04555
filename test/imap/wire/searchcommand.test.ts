import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readCommand } from '#imap/wire/command';
import { Reader } from '#imap/wire/reader';
import { readSearchKey, type SearchKey, writeSearchKey } from '#imap/wire/searchkey';
import { Writer } from '#imap/wire/writer';
import { record, string, word } from './arbitrary.js';
import { read, refused } from './commands.js';
import { command, octets, outcome, spelled } from './octets.js';

function keys(text: string): readonly SearchKey[] {
  const value = read(`a SEARCH ${text}`);
  assert.ok(value.kind === 'search');
  return value.keys;
}

function key(text: string): SearchKey {
  const [only, ...more] = keys(text);
  assert.ok(only !== undefined && more.length === 0);
  return only;
}

const set = fc.array(record({ first: fc.integer({ min: 1, max: 0xffff_ffff }) }), { minLength: 1, maxLength: 3 });
const date = record({
  year: fc.nat(9999),
  month: fc.integer({ min: 1, max: 12 }),
  day: fc.integer({ min: 1, max: 31 }),
});
const { anyKey } = fc.letrec<{ anyKey: SearchKey }>((tie) => ({
  anyKey: fc.oneof(
    { maxDepth: 4 },
    record({ kind: word('plain'), name: word('ALL', 'UNSEEN') }),
    record({
      kind: word('text'),
      name: word('BODY', 'X-GM-RAW'),
      value: string,
    }),
    record({ kind: word('header'), field: string, value: string }),
    record({ kind: word('set', 'uid'), set }),
    record({
      kind: word('date'),
      name: word('ON', 'SAVEDSINCE'),
      date,
    }),
    record({
      kind: word('size'),
      name: word('LARGER', 'SMALLER'),
      octets: fc.nat(),
    }),
    record({ kind: word('and'), keys: fc.array(tie('anyKey'), { minLength: 1, maxLength: 3 }) }),
    record({ kind: word('or'), left: tie('anyKey'), right: tie('anyKey') }),
    record({ kind: word('not'), key: tie('anyKey') }),
  ),
}));

describe('SEARCH', () => {
  it('is a tree of keys', () => {
    assert.deepEqual(keys('FLAGGED since 1-Feb-1994 NOT FROM "Smith"'), [
      { kind: 'plain', name: 'FLAGGED' },
      { kind: 'date', name: 'SINCE', date: { year: 1994, month: 2, day: 1 } },
      { kind: 'not', key: { kind: 'text', name: 'FROM', value: octets('Smith') } },
    ]);
    assert.deepEqual(key('OR (1:3 UID $) HEADER X-A {2+}\r\n()'), {
      kind: 'or',
      left: {
        kind: 'and',
        keys: [
          { kind: 'set', set: [{ first: 1, last: 3 }] },
          { kind: 'uid', set: '$' },
        ],
      },
      right: { kind: 'header', field: octets('X-A'), value: octets('()') },
    });
  });

  it('knows every key', () => {
    const plain =
      'ALL ANSWERED DELETED DRAFT FLAGGED NEW OLD RECENT SEEN UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNSEEN SAVEDATESUPPORTED';
    for (const name of plain.split(' ')) assert.deepEqual(key(name.toLowerCase()), { kind: 'plain', name });
    for (const name of 'BCC BODY CC FROM SUBJECT TEXT TO X-GM-RAW X-GM-LABELS X-GM-MSGID X-GM-THRID'.split(' ')) {
      assert.deepEqual(key(`${name} 12`), { kind: 'text', name, value: octets('12') });
    }
    for (const name of 'BEFORE ON SINCE SENTBEFORE SENTON SENTSINCE SAVEDBEFORE SAVEDON SAVEDSINCE'.split(' ')) {
      assert.deepEqual(key(`${name} "31-dec-0001"`), { kind: 'date', name, date: { year: 1, month: 12, day: 31 } });
    }
    assert.deepEqual(key('KEYWORD $x'), { kind: 'keyword', flag: '$x' });
    assert.deepEqual(key('UNKEYWORD x'), { kind: 'unkeyword', flag: 'x' });
    assert.deepEqual(key('LARGER 5000000000'), { kind: 'size', name: 'LARGER', octets: 5_000_000_000 });
    assert.deepEqual(key('YOUNGER 259200'), { kind: 'within', name: 'YOUNGER', seconds: 259200 });
    assert.deepEqual(key('MODSEQ 620162338'), { kind: 'modseq', entry: undefined, modseq: 620162338n });
    assert.deepEqual(key('MODSEQ "/flags/\\\\draft" ALL 620162338'), {
      kind: 'modseq',
      entry: { name: octets('/flags/\\draft'), type: 'all' },
      modseq: 620162338n,
    });
    assert.deepEqual(key('EMAILID M6d99'), { kind: 'objectid', name: 'EMAILID', id: 'M6d99' });
  });

  it('keeps keys that it does not know, with all behind them at their level', () => {
    const [seen, other] = keys('SEEN OR NOT FUZZY (BODY "x)") ALL {1+}\r\n( DELETED');
    assert.deepEqual(seen, { kind: 'plain', name: 'SEEN' });
    assert.ok(other?.kind === 'other');
    assert.equal(spelled(other.rest), 'OR NOT FUZZY (BODY "x)") ALL {1+}\r\n( DELETED');
    assert.deepEqual(key('OR (X-NEW 1 2) SEEN'), {
      kind: 'or',
      left: { kind: 'and', keys: [{ kind: 'other', rest: [octets('X-NEW 1 2')] }] },
      right: { kind: 'plain', name: 'SEEN' },
    });
  });

  it('has options and a charset', () => {
    assert.deepEqual(read('A283 UID SEARCH RETURN (SAVE MIN partial 1:100) CHARSET UTF-8 TEXT x'), {
      kind: 'search',
      tag: 'A283',
      uid: true,
      returns: [
        { name: 'SAVE', argument: undefined },
        { name: 'MIN', argument: undefined },
        { name: 'PARTIAL', argument: [octets('1:100')] },
      ],
      charset: octets('UTF-8'),
      keys: [{ kind: 'text', name: 'TEXT', value: octets('x') }],
    });
    read('a SEARCH RETURN () CHARSET "x" ALL');
    refused(
      'a SEARCH',
      'a SEARCH ',
      'a SEARCH ()',
      'a SEARCH OR SEEN',
      'a SEARCH (SEEN',
      'a SEARCH SEEN)',
      'a SEARCH NOT',
      'a SEARCH ON 32-Feb-2000',
      'a SEARCH ON 1-Foo-2000',
      'a SEARCH 0',
      'a SEARCH RETURN MIN ALL',

      'a SEARCH LARGER x',
      'a SEARCH HEADER x',
      'a SEARCH MODSEQ "a" none 1',
    );
  });

  it('stops at the limit of nesting', () => {
    for (const text of ['NOT '.repeat(10_000), 'OR '.repeat(10_000), '('.repeat(10_000)]) {
      assert.equal(
        outcome(() => readCommand(command(`a SEARCH ${text}ALL\r\n`))),
        'limit',
      );
    }
  });

  it('reads every key that it writes', () => {
    fc.assert(
      fc.property(anyKey, (value) => {
        const writer = new Writer();
        writeSearchKey(writer, value);
        const reader = new Reader(writer.end());
        assert.deepEqual(readSearchKey(reader), value);
        reader.end();
      }),
    );
  });
});

describe('SORT and THREAD', () => {
  it('are read', () => {
    assert.deepEqual(read('A284 SORT (SUBJECT REVERSE date) KOI8-R NOT SEEN'), {
      kind: 'sort',
      tag: 'A284',
      uid: false,
      returns: undefined,
      order: [
        { name: 'SUBJECT', reverse: false },
        { name: 'DATE', reverse: true },
      ],
      charset: octets('KOI8-R'),
      keys: [{ kind: 'not', key: { kind: 'plain', name: 'SEEN' } }],
    });
    assert.deepEqual(read('A284 UID THREAD references "US-ASCII" ALL'), {
      kind: 'thread',
      tag: 'A284',
      uid: true,
      returns: undefined,
      algorithm: 'REFERENCES',
      charset: octets('US-ASCII'),
      keys: [{ kind: 'plain', name: 'ALL' }],
    });
    read('a SORT RETURN (COUNT) (ARRIVAL) UTF-8 1:*');
    refused('a SORT', 'a SORT (DATE)', 'a SORT (DATE) UTF-8', 'a SORT DATE UTF-8 ALL', 'a THREAD REFS UTF-8');
  });
});
