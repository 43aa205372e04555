import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type FetchData, readFetchData, writeFetchResponse } from '#imap/wire/fetchdata';
import { FetchReader, type NextLiteral, type RawItem } from '#imap/wire/fetchreader';
import { Framer, type Fragment } from '#imap/wire/framer';
import { uidOf } from '#imap/wire/uid';
import { fragmentsOf, octets, outcome, spelled } from './octets.js';

interface Read {
  readonly number: number;
  readonly items: readonly RawItem[];
  readonly literals: readonly NextLiteral[];
}

/** Reads a FETCH response, without the literals that are an item's value if they are streamed. */
function readFragments(fragments: Iterable<Fragment>, streamed = false): Read {
  const reader = new FetchReader();
  const items: RawItem[] = [];
  const literals: NextLiteral[] = [];
  for (const fragment of fragments) {
    assert.ok(fragment.kind !== 'overlong');
    if (fragment.kind === 'literal' && streamed && literals.at(-1)?.isValue === true) continue;
    const step = reader.push(fragment);
    if (step === undefined) continue;
    items.push(...step.items);
    if (step.next !== undefined) literals.push(step.next);
    if (step.last) return { number: step.number, items, literals };
  }
  assert.fail('The response does not end.');
}

function read(text: string, streamed = false): Read {
  return readFragments(fragmentsOf('provider', octets(`${text}\r\n`)), streamed);
}

/** What an item says, which is written as it was spelled and means the same when written anew. */
function data(item: string): FetchData {
  const text = `* 1 FETCH (${item})`;
  const [raw] = read(text).items;
  assert.ok(raw !== undefined);
  const value = readFetchData(raw);
  assert.equal(spelled(writeFetchResponse(1, [value])), `${text}\r\n`);
  const [anew] = readFragments(fragmentsOf('provider', octets(spelled(writeFetchResponse(1, [{ ...value }]))))).items;
  assert.ok(anew !== undefined);
  assert.deepEqual(readFetchData(anew), value);
  return value;
}

function refused(...texts: readonly string[]): void {
  for (const text of texts) {
    assert.equal(
      outcome(() => read(text)),
      'syntax',
      text,
    );
  }
}

describe('the reader of FETCH responses', () => {
  it('gives out each item as it came', () => {
    const text =
      '* 12 fetch (FLAGS (\\Seen) uid 7 BODY[HEADER.FIELDS ("a ]" {1}\r\n))] {3}\r\n)(" ENVELOPE ("(" ({2}\r\n\r\n)) X NIL)';
    const { number, items, literals } = read(text);
    assert.equal(number, 12);
    assert.deepEqual(
      items.map(({ name }) => name),
      ['FLAGS', 'UID', 'BODY', 'ENVELOPE', 'X'],
    );
    assert.deepEqual(
      items.map(({ value }) => spelled(value)),
      ['(\\Seen)', '7', '{3}\r\n)("', '("(" ({2}\r\n\r\n))', 'NIL'],
    );
    assert.deepEqual(items[2]?.section, { part: [], text: 'HEADER.FIELDS', fields: ['a ]', ')'] });
    assert.deepEqual(
      literals.map(({ name, isValue }) => [name.name, isValue]),
      [
        ['', false],
        ['BODY', true],
        ['ENVELOPE', false],
      ],
    );
    assert.equal(spelled(writeFetchResponse(12, items)), `${text.replace('fetch', 'FETCH')}\r\n`);
  });

  it('leaves out literals that are streamed', () => {
    const { items, literals } = read('* 1 FETCH (BODY[1.MIME]<5> {3}\r\nabc UID 7 BINARY[2] ~{2}\r\n\0\0)', true);
    assert.deepEqual(
      items.map(({ item }) => spelled(item)),
      ['BODY[1.MIME]<5> {3}\r\n<3>', 'UID 7', 'BINARY[2] ~{2}\r\n<2>'],
    );
    assert.deepEqual(literals, [
      {
        literal: { size: 3, nonSynchronizing: false, binary: false },
        name: {
          name: 'BODY',
          section: { part: [1], text: 'MIME', fields: [] },
          part: undefined,
          origin: 5,
          key: 'BODY[1 MIME]<5>',
        },
        isValue: true,
      },
      {
        literal: { size: 2, nonSynchronizing: false, binary: true },
        name: { name: 'BINARY', section: undefined, part: [2], origin: undefined, key: 'BINARY[2]' },
        isValue: true,
      },
    ]);
  });

  it('reads the same however the lines are cut', () => {
    const text =
      '* 1 FETCH (UID 7 BODY[HEADER.FIELDS ("a]b")] {3}\r\nabc ENVELOPE ("\\"(" NIL ({1}\r\nx "\\\\") () ) FLAGS ())\r\n';
    const whole = read(text.trimEnd());
    fc.assert(
      fc.property(fc.integer({ min: 24, max: 60 }), fc.integer({ min: 1, max: 9 }), (limit, size) => {
        const framer = new Framer('provider', limit);
        const fragments: Fragment[] = [];
        for (let at = 0; at < text.length; at += size) {
          framer.push(octets(text.slice(at, at + size)));
          for (let next = framer.next(); next !== undefined; next = framer.next()) fragments.push(next);
        }
        assert.deepEqual(readFragments(fragments).items, whole.items);
      }),
    );
  });

  it('finds the UID that uidOf finds', () => {
    const value = fc.constantFrom(
      'NIL',
      '(UID 3)',
      '"UID 3"',
      '"\\" UID 3 "',
      '()',
      '([])',
      'UID',
      '3',
      '(("(" ")")(UID 5 ))',
    );
    const item = fc.oneof(
      fc
        .tuple(fc.constantFrom('FLAGS', 'X-UID', 'BODY[]', 'BODY[HEADER.FIELDS (UID "] UID 3")]<0>', 'X'), value)
        .map((pair) => pair.join(' ')),
      fc.integer({ min: 1, max: 99 }).map((uid) => `UID ${uid}`),
    );
    fc.assert(
      fc.property(fc.array(item, { maxLength: 5 }), (items) => {
        const text = `* 1 FETCH (${items.join(' ')})`;
        const uid = read(text).items.find(({ name }) => name === 'UID');
        assert.equal(uidOf(octets(`${text}\r\n`)), uid === undefined ? undefined : Number(spelled(uid.value)));
      }),
    );
  });

  it('refuses what is malformed, and what is too much', () => {
    refused(
      '* 1 FETCH',
      '* 1 FETCH ',
      '* 1 FETCH (',
      '* 1 FETCH (UID',
      '* 1 FETCH (UID)',
      '* 1 FETCH (UID )',
      '* 1 FETCH (UID 1',
      '* 1 FETCH (UID 1))',
      '* 1 FETCH (UID 1) x',
      '* 1 FETCH ( UID 1)',
      '* 1 FETCH (UID 1  X 1)',
      '* 1 FETCH (X ("a)',
      '* 1 FETCH (X (a)',
      '* 1 FETCH ("X" 1)',
      '* 1 FETCH ((X) 1)',
      '* 0 FETCH (UID 1)',
      '* FETCH (UID 1)',
      '* 1 EXISTS (UID 1)',
      'a FETCH (UID 1)',
      '* 1 FETCH {1}\r\nx',
      '* 1 FETCH (UID{1}\r\n1)',
      '* 1 FETCH (X a{1}\r\n1)',
      '* 1 FETCH (X {1}\r\n1{1}\r\n1)',
      '* 1 FETCH ("{1}\r\nx)',
    );
    assert.equal(
      outcome(() => read(`* 1 FETCH (X ${'('.repeat(1000)})`)),
      'limit',
    );
    assert.equal(
      outcome(() => read(`* 1 FETCH (X {2000000}\r\n${'x'.repeat(2_000_000)})`)),
      'limit',
    );
    assert.equal(
      outcome(() => read(`* 1 FETCH (${'X 1 '.repeat(2_000)})`)),
      'limit',
    );
    assert.equal(
      outcome(() => read(`* 1 FETCH (X (${'{0}\r\n '.repeat(2_000)}))`)),
      'limit',
    );
  });

  it('passes over a space before the end (imap.qq.com)', () => {
    assert.deepEqual(
      read('* 11487 FETCH (UID 19436 )').items.map(({ name }) => name),
      ['UID'],
    );
    assert.deepEqual(read('* 1 FETCH ()').items, []);
  });
});

describe('items of FETCH responses', () => {
  it('are typed', () => {
    assert.deepEqual(data('UID 17'), { kind: 'uid', uid: 17 });
    assert.deepEqual(data('flags (\\Seen $x)'), { kind: 'flags', flags: ['\\Seen', '$x'] });
    assert.deepEqual(data('RFC822.SIZE 44827'), { kind: 'size', octets: 44827 });
    assert.deepEqual(data('MODSEQ (12121231777)'), { kind: 'modseq', modseq: 12121231777n });
    const date = octets('17-Jul-1996 02:44:25 -0700');
    assert.deepEqual(data('INTERNALDATE "17-Jul-1996 02:44:25 -0700"'), { kind: 'date', name: 'INTERNALDATE', date });
    assert.deepEqual(data('SAVEDATE NIL'), { kind: 'date', name: 'SAVEDATE', date: undefined });
    assert.deepEqual(data('PREVIEW "hi"'), { kind: 'preview', text: octets('hi') });
    assert.deepEqual(data('EMAILID (M6d99)'), { kind: 'objectid', name: 'EMAILID', id: 'M6d99' });
    assert.deepEqual(data('THREADID NIL'), { kind: 'objectid', name: 'THREADID', id: undefined });
    assert.deepEqual(data('BINARY.SIZE[1.2] 5'), { kind: 'binary.size', part: [1, 2], octets: 5 });
    const content = { size: 2, nonSynchronizing: false, binary: false, bytes: octets('a)') };
    const section = { part: [2], text: 'HEADER.FIELDS.NOT', fields: ['x'] };
    assert.deepEqual(data('BODY[2.HEADER.FIELDS.NOT (x)]<3> {2}\r\na)'), { kind: 'body', section, origin: 3, content });
    assert.deepEqual(data('RFC822.TEXT "a)"'), { kind: 'rfc822', name: 'RFC822.TEXT', content });
    assert.deepEqual(data('RFC822 NIL'), { kind: 'rfc822', name: 'RFC822', content: undefined });
    assert.deepEqual(data('BINARY[]<0> ~{2}\r\na)'), {
      kind: 'binary',
      part: [],
      origin: 0,
      content: { ...content, binary: true },
    });
    assert.deepEqual(data('X-GM-LABELS ("\\\\Inbox" foo {1}\r\nx)').kind, 'other');
    assert.deepEqual(data('BODY[X Y] NIL').kind, 'other');
  });

  it('are refused where they are malformed', () => {
    for (const item of [
      'UID x',
      'UID 0',
      'FLAGS x',
      'MODSEQ 1',
      'RFC822.SIZE -1',
      'INTERNALDATE 1',
      'BODY[] x',
      'EMAILID x',
      'ENVELOPE NIL',
      'BODY ()',
    ]) {
      const [raw] = read(`* 1 FETCH (${item})`).items;
      assert.ok(raw !== undefined);
      assert.equal(
        outcome(() => readFetchData(raw)),
        'syntax',
        item,
      );
    }
  });

  it('are written with the place of a literal that is streamed', () => {
    const section = { part: [], text: undefined, fields: [] };
    const content = { size: 5, nonSynchronizing: false, binary: false };
    const parts = writeFetchResponse(3, [
      { kind: 'body', section, origin: undefined, content },
      { kind: 'uid', uid: 4 },
    ]);
    assert.equal(spelled(parts), '* 3 FETCH (BODY[] {5}\r\n<5> UID 4)\r\n');
  });
});
