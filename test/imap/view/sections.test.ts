import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerItem, isAnsweredBy } from '#imap/view/answer';
import { item, fetch, viewOf } from './fetch.js';

const NESTED = viewOf(
  [
    ...['Subject: outer', 'Content-Type: multipart/mixed; boundary=b', '', 'preamble', '--b', 'X: 1', '', 'one', '--b'],
    ...[
      'Content-Type: message/rfc822',
      'X: 2',
      '',
      'Subject: inner',
      'Content-Type: multipart/mixed; boundary=c',
      '',
      '--c',
      'X: 2.1',
    ],
    ...[
      '',
      'two',
      '--c',
      'Content-Type: message/rfc822',
      '',
      'From: a@b',
      'Subject: in',
      '',
      'three',
      '--c--',
      '',
      '--b',
      'X: 3',
      '',
      '--b--',
      '',
    ],
  ].join('\r\n'),
);
const SINGLE = viewOf('Subject: a\r\nFrom: b@c\r\nX: d\r\n e\r\n\r\nbody\r\n');
const MESSAGE = viewOf('Content-Type: message/rfc822\r\n\r\nSubject: a\r\n\r\nbody\r\n');

/** What an item answers, as text: without what announces a literal. */
async function section(view: typeof NESTED, name: string): Promise<string> {
  const answer = (await fetch(view, name)).toString('latin1');
  const [, literal = answer] = /^[^{]*\{\d+\}\r\n(.*)$/s.exec(answer) ?? [];
  return literal;
}

describe('a section', () => {
  for (const [name, expected] of [
    ['BODY[1]', 'one'],
    ['BODY[1.MIME]', 'X: 1\r\n\r\n'],
    ['BODY[1.1]', 'one'],
    ['BODY[2.MIME]', 'Content-Type: message/rfc822\r\nX: 2\r\n\r\n'],
    ['BODY[2.HEADER]', 'Subject: inner\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n'],
    ['BODY[2.HEADER.FIELDS (SUBJECT)]', 'Subject: inner\r\n\r\n'],
    ['BODY[2.1]', 'two'],
    ['BODY[2.1.MIME]', 'X: 2.1\r\n\r\n'],
    ['BODY[2.2]', 'From: a@b\r\nSubject: in\r\n\r\nthree'],
    ['BODY[2.2.TEXT]', 'three'],
    ['BODY[2.2.1]', 'three'],
    ['BODY[2.2.1.MIME]', 'From: a@b\r\nSubject: in\r\n\r\n'],
    ['BODY[2.2.HEADER.FIELDS.NOT (from)]', 'Subject: in\r\n\r\n'],
    ['BODY[3]', ''],
    ['BODY[3.MIME]', 'X: 3\r\n\r\n'],
    ['BODY[4]', ''],
    ['BODY[1.HEADER]', ''],
    ['BODY[1.TEXT]', ''],
    ['BODY[1.2]', ''],
    ['BODY[1.1.1]', ''],
    ['BODY[2.3]', ''],
    ['BODY[2.2.2]', ''],
    ['BODY[4.HEADER.FIELDS (SUBJECT)]', ''],
  ] as const)
    it(`${name} of a nested message`, async () => {
      assert.equal(await section(NESTED, name), expected);
    });

  for (const [name, expected] of [
    ['BODY[]', 'Subject: a\r\nFrom: b@c\r\nX: d\r\n e\r\n\r\nbody\r\n'],
    ['RFC822', 'Subject: a\r\nFrom: b@c\r\nX: d\r\n e\r\n\r\nbody\r\n'],
    ['BODY[HEADER]', 'Subject: a\r\nFrom: b@c\r\nX: d\r\n e\r\n\r\n'],
    ['RFC822.HEADER', 'Subject: a\r\nFrom: b@c\r\nX: d\r\n e\r\n\r\n'],
    ['BODY[TEXT]', 'body\r\n'],
    ['RFC822.TEXT', 'body\r\n'],
    ['BODY[1]', 'body\r\n'],
    ['BODY[1.MIME]', 'Subject: a\r\nFrom: b@c\r\nX: d\r\n e\r\n\r\n'],
    ['BODY[1.HEADER]', ''],
    ['BODY[2]', ''],
    ['BODY[HEADER.FIELDS (x FROM y)]', 'From: b@c\r\nX: d\r\n e\r\n\r\n'],
    ['BODY[HEADER.FIELDS (y)]', '\r\n'],
    ['BODY[HEADER.FIELDS.NOT (X y)]', 'Subject: a\r\nFrom: b@c\r\n\r\n'],
  ] as const)
    it(`${name} of a message with one part`, async () => {
      assert.equal(await section(SINGLE, name), expected);
    });

  it('of a message that is a message: its parts are those of the inner one', async () => {
    assert.equal(await section(MESSAGE, 'BODY[1]'), 'Subject: a\r\n\r\nbody\r\n');
    assert.equal(await section(MESSAGE, 'BODY[1.HEADER]'), 'Subject: a\r\n\r\n');
    assert.equal(await section(MESSAGE, 'BODY[1.1]'), 'body\r\n');
  });

  it('is named as Dovecot names it', async () => {
    for (const [asked, answered] of [
      ['body.peek[header.fields (subject x)]<1.2>', 'BODY[HEADER.FIELDS (SUBJECT X)]<1> {2}\r\nub'],
      ['BODY[1.mime]<0.1>', 'BODY[1.MIME]<0> {1}\r\nS'],
      ['rfc822.text', 'RFC822.TEXT {6}\r\nbody\r\n'],
      ['BODY[7]', 'BODY[7] {0}\r\n'],
    ] as const)
      assert.equal((await fetch(SINGLE, asked)).toString('latin1'), answered);
  });

  it('has parts: cut off at the end, of no length behind it', async () => {
    for (const [partial, answered] of [
      ['<0.4>', '<0> {4}\r\nbody'],
      ['<2.100>', '<2> {4}\r\ndy\r\n'],
      ['<5.4294967295>', '<5> {1}\r\n\n'],
      ['<6.1>', '<6> {0}\r\n'],
      ['<4294967295.1>', '<4294967295> {0}\r\n'],
      ['<1.0>', '<1> {0}\r\n'],
    ] as const)
      assert.equal((await fetch(SINGLE, `BODY[1]${partial}`)).toString('latin1'), `BODY[1]${answered}`);
    assert.equal(await section(SINGLE, 'BODY[HEADER.FIELDS (FROM X)]<11.4>'), 'X: d');
    assert.equal((await fetch(SINGLE, 'BODY[9]<3.4>')).toString('latin1'), 'BODY[9]<3> {0}\r\n');
  });

  it('is streamed where it is long', async () => {
    const field = `X: ${'y'.repeat(100_000)}\r\n`;
    const shown = viewOf(`${field}\r\n${'z'.repeat(100_000)}`);
    for (const [name, octets] of [
      ['BODY[HEADER.FIELDS (X)]', `${field}\r\n`],
      ['BODY[HEADER]', `${field}\r\n`],
      ['BODY[TEXT]', 'z'.repeat(100_000)],
      ['BODY[1]<1.70000>', 'z'.repeat(70_000)],
    ] as const) {
      const { data, stream } = await answerItem(item(name), shown.record, shown.content);
      assert.ok(data.kind === 'body' && stream !== undefined, name);
      assert.deepEqual({ ...data.content }, { size: octets.length, nonSynchronizing: false, binary: false });
      assert.equal(await section(shown, name), octets);
    }
  });

  it('has 0x80 for NUL', async () => {
    const view = viewOf('Subject: a\0\r\n\r\n\0b\0\r\n');
    assert.equal(await section(view, 'BODY[]'), 'Subject: a\x80\r\n\r\n\x80b\x80\r\n');
    assert.equal(await section(view, 'BODY[TEXT]<2.1>'), '\x80');
    assert.equal(await section(view, 'BODY[HEADER.FIELDS (SUBJECT)]'), 'Subject: a\x80\r\n\r\n');
    assert.equal(await section(view, 'RFC822.SIZE'), 'RFC822.SIZE 20');
  });
});

describe('a record', () => {
  it('answers what it holds', () => {
    const { record } = SINGLE;
    for (const name of [
      'ENVELOPE',
      'BODY',
      'BODYSTRUCTURE',
      'RFC822.SIZE',
      'RFC822.HEADER',
      'BODY[HEADER]',
      'BODY[1.MIME]',
      'PREVIEW',
      'PREVIEW (LAZY)',
      'BODY[HEADER.FIELDS (A)]',
      'BODY[HEADER.FIELDS.NOT (A)]<1.2>',
      'BODY[2]',
      'BODY[]<0.9>',
      'BODY[TEXT]<9.1>',
      'BINARY[2]',
      'BINARY.SIZE[2]',
    ])
      assert.ok(isAnsweredBy(record, item(name)), name);
    for (const name of [
      'RFC822',
      'RFC822.TEXT',
      'BODY[]',
      'BODY[TEXT]',
      'BODY[1]<1.1>',
      'BODY[]<0.99>',
      'BINARY[]',
      'BINARY[1]',
      'FLAGS',
      'UID',
    ])
      assert.ok(!isAnsweredBy(record, item(name)), name);
  });

  it('does not answer what says nothing of the view', async () => {
    await assert.rejects(fetch(SINGLE, 'FLAGS'), TypeError);
    await assert.rejects(fetch(SINGLE, 'X[1]'), TypeError);
  });

  it('without the root header answers for the fields that lists have', async () => {
    const large = viewOf(`X: ${'y'.repeat(20_000)}\r\nSubject: a\r\nFrom: b@c\r\nReceived: d\r\n\r\n`);
    assert.equal(large.record.header, undefined);
    for (const name of ['BODY[HEADER.FIELDS (From subject)]', 'BODY[HEADER.FIELDS (SUBJECT DATE TO)]<0.7>'])
      assert.ok(isAnsweredBy(large.record, item(name)), name);
    for (const name of [
      'BODY[HEADER.FIELDS (From Received)]',
      'BODY[HEADER.FIELDS.NOT (From)]',
      'BODY[HEADER]',
      'BODY[1.HEADER.FIELDS (FROM)]<0.1>',
    ].slice(0, 3))
      assert.ok(!isAnsweredBy(large.record, item(name)), name);
    assert.equal(await section(large, 'BODY[HEADER.FIELDS (From Subject Date)]'), 'Subject: a\r\nFrom: b@c\r\n\r\n');
    assert.equal(await section(large, 'BODY[HEADER.FIELDS (Received)]'), 'Received: d\r\n\r\n');
  });
});
