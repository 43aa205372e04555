import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readCommand, writeCommand } from '#imap/wire/command';
import { type FetchItem, readFetchItem, writeFetchItem } from '#imap/wire/fetchcommand';
import { Reader } from '#imap/wire/reader';
import { Writer } from '#imap/wire/writer';
import { record, word } from './arbitrary.js';
import { read, refused } from './commands.js';
import { command, octets, spelled } from './octets.js';

function items(text: string): readonly FetchItem[] {
  const value = read(`a FETCH 1 ${text}`);
  assert.ok(value.kind === 'fetch');
  return value.items;
}

function item(text: string): FetchItem {
  const [only, ...more] = items(text);
  assert.ok(only !== undefined && more.length === 0);
  return only;
}

const part = fc.array(fc.integer({ min: 1, max: 0xffff_ffff }), { maxLength: 4 });
const partial = fc.option(record({ offset: fc.nat(), count: fc.nat() }), { nil: undefined });
const field = fc.string({
  minLength: 1,
  maxLength: 8,
  unit: fc.integer({ min: 1, max: 255 }).map((c) => String.fromCharCode(c)),
});
const section = record({
  part,
  text: fc.constantFrom(
    undefined,
    'HEADER' as const,
    'TEXT' as const,
    'MIME' as const,
    'HEADER.FIELDS' as const,
    'HEADER.FIELDS.NOT' as const,
  ),
  fields: fc.array(field, { minLength: 1, maxLength: 3 }),
}).map((each) => ({
  ...each,
  part: each.text === 'MIME' ? [1, ...each.part] : each.part,
  fields: each.text?.startsWith('HEADER.') === true ? each.fields : [],
}));
const anyItem: fc.Arbitrary<FetchItem> = fc.oneof(
  record({
    kind: word('plain'),
    name: fc.constantFrom('BODY' as const, 'RFC822' as const, 'X-GM-LABELS' as const),
  }),
  record({ kind: word('body'), peek: fc.boolean(), section, partial }),
  record({ kind: word('binary'), peek: fc.boolean(), part, partial }),
  record({ kind: word('binary.size'), part }),
  record({ kind: word('preview'), lazy: fc.boolean() }),
);

describe('FETCH', () => {
  it('has a set, items and modifiers', () => {
    assert.deepEqual(read('s100 UID FETCH 1:* (FLAGS MODSEQ) (changedsince 12345 VANISHED X-NEW (1))'), {
      kind: 'fetch',
      tag: 's100',
      uid: true,
      set: [{ first: 1, last: '*' }],
      items: [
        { kind: 'plain', name: 'FLAGS' },
        { kind: 'plain', name: 'MODSEQ' },
      ],
      inParentheses: true,
      modifiers: [
        { kind: 'changedsince', modseq: 12345n },
        { kind: 'vanished' },
        { kind: 'other', name: 'X-NEW', argument: [octets('(1)')] },
      ],
    });
    assert.deepEqual(item('full'), { kind: 'macro', name: 'FULL' });
    assert.deepEqual(items('(ALL)')[0]?.kind, 'other');
    refused(
      'a FETCH',
      'a FETCH 1',
      'a FETCH 1 ',
      'a FETCH 1 ()',
      'a FETCH 1 (FLAGS',
      'a FETCH 1 FLAGS UID',
      'a FETCH 0 ALL',
      'a FETCH 1 (FLAGS) (CHANGEDSINCE)',
    );
  });

  it('knows every item', () => {
    const body = { kind: 'body', peek: false, section: { part: [], text: undefined, fields: [] }, partial: undefined };
    assert.deepEqual(item('body'), { kind: 'plain', name: 'BODY' });
    assert.deepEqual(item('BODY[]'), body);
    assert.deepEqual(item('body.peek[]<0.2048>'), { ...body, peek: true, partial: { offset: 0, count: 2048 } });
    assert.deepEqual(item('BODY[TEXT]'), { ...body, section: { ...body.section, text: 'TEXT' } });
    assert.deepEqual(item('BODY[4.2.2.1]'), { ...body, section: { ...body.section, part: [4, 2, 2, 1] } });
    assert.deepEqual(item('BODY[4.1.mime]'), { ...body, section: { ...body.section, part: [4, 1], text: 'MIME' } });
    assert.deepEqual(item('BODY[3.HEADER.FIELDS.NOT (Subject "x y" {1+}\r\n])]'), {
      ...body,
      section: { part: [3], text: 'HEADER.FIELDS.NOT', fields: ['Subject', 'x y', ']'] },
    });
    const binary = { kind: 'binary', peek: true, part: [1, 2], partial: { offset: 5, count: 0 } };
    assert.deepEqual(item('BINARY.PEEK[1.2]<5.0>'), binary);
    assert.deepEqual(item('BINARY[]'), { kind: 'binary', peek: false, part: [], partial: undefined });
    assert.deepEqual(item('BINARY.SIZE[3]'), { kind: 'binary.size', part: [3] });
    assert.deepEqual(item('PREVIEW'), { kind: 'preview', lazy: false });
    assert.deepEqual(items('(PREVIEW (lazy) UID)')[0], { kind: 'preview', lazy: true });
    for (const name of 'RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE SAVEDATE EMAILID THREADID X-GM-MSGID X-GM-THRID'.split(
      ' ',
    )) {
      assert.deepEqual(item(name), { kind: 'plain', name });
    }
  });

  it('keeps items that it does not know', () => {
    const texts = ['X-NEW', 'X-NEW[a b "]" {2+}\r\n]]]<1.2>', 'ANNOTATION (/comment (value.priv size))', 'BODY.NEW[1]'];
    for (const text of texts) {
      const [unknown, uid] = items(`(${text} UID)`);
      assert.ok(unknown?.kind === 'other' && uid?.kind === 'plain');
      assert.equal(spelled(unknown.item), text);
    }
  });

  it('refuses malformed sections', () => {
    for (const text of [
      '[',
      '[1',
      '[0]',
      '[01]',
      '[1.]',
      '[.1]',
      '[1..2]',
      '[MIME]',
      '[X]',
      '[HEADER.FIELDS]',
      '[HEADER.FIELDS ()]',
      '[TEXT.1]',
      '[]<',
      '[]<1>',
      '[]<1.>',
      '[]<-1.2>',
      '[]<1.2',
      '[] ',
      '[]x',
    ]) {
      refused(`a FETCH 1 BODY${text}`, `a FETCH 1 (BODY.PEEK${text})`);
    }
    refused(
      'a FETCH 1 BINARY[TEXT]',
      'a FETCH 1 BINARY.SIZE[1]<0.1>',
      'a FETCH 1 (PREVIEW (X))',
      `a FETCH 1 BODY[${'1'.repeat(20)}]`,
    );
  });

  it('reads every item that it writes', () => {
    fc.assert(
      fc.property(anyItem, (value) => {
        const writer = new Writer();
        writeFetchItem(writer, value);
        const reader = new Reader(writer.end());
        assert.deepEqual(readFetchItem(reader, false), value);
        reader.end();
      }),
    );
  });

  it('writes what has changed anew, and the rest as it was spelled', () => {
    const value = readCommand(command('a fetch 1 (body.peek[text] flags)\r\n'));
    assert.ok(value.kind === 'fetch');
    const changed = { ...value, uid: true, items: [...value.items, { kind: 'plain', name: 'UID' } as const] };
    assert.equal(spelled(writeCommand(changed)), 'a UID FETCH 1 (body.peek[text] FLAGS UID)\r\n');
  });
});

describe('STORE, COPY, MOVE', () => {
  it('are read', () => {
    assert.deepEqual(read('d105 STORE 7,5,9 (UNCHANGEDSINCE 320162338) +flags.silent (\\Deleted)'), {
      kind: 'store',
      tag: 'd105',
      uid: false,
      set: [{ first: 7 }, { first: 5 }, { first: 9 }],
      modifiers: [{ kind: 'unchangedsince', modseq: 320162338n }],
      item: '+FLAGS.SILENT',
      value: [octets('(\\Deleted)')],
    });
    read('a UID STORE $ FLAGS \\Seen $a');
    read('a STORE 1 +X-GM-LABELS (foo "b)r" {1+}\r\n()');
    assert.deepEqual(read('A003 COPY 2:4 {7+}\r\nMEETING'), {
      kind: 'copy',
      tag: 'A003',
      uid: false,
      set: [{ first: 2, last: 4 }],
      mailbox: octets('MEETING'),
    });
    read('a UID MOVE 42:69 foo');
    refused(
      'a STORE 1',
      'a STORE 1 FLAGS',
      'a STORE 1 FLAGS (',
      'a COPY 1',
      'a COPY 1 a b',
      'a MOVE $',
      'a UID MOVE x y',
    );
  });
});
