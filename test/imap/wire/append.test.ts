import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppendReader, type AppendStep, writeAppend, writeAppendMessage } from '#imap/wire/append';
import { Writer } from '#imap/wire/writer';
import { fragmentsOf, octets, outcome, spelled } from './octets.js';

/** The steps of an APPEND whose messages are streamed. */
function steps(text: string): readonly AppendStep[] {
  const reader = new AppendReader();
  const found: AppendStep[] = [];
  for (const fragment of fragmentsOf('client', octets(text))) {
    assert.ok(fragment.kind !== 'overlong');
    if (fragment.kind === 'literal' && found.at(-1)?.kind === 'message') continue;
    const step = reader.push(fragment);
    if (step !== undefined) found.push(step);
    if (step?.kind === 'catenate') break;
  }
  return found;
}

describe('APPEND', () => {
  it('is read as it comes', () => {
    const [message, end] = steps('A003 append "saved (1)" (\\Seen $x) " 7-Feb-1994 21:52:25 -0800" {3+}\r\nabc\r\n');
    assert.deepEqual(message, {
      kind: 'message',
      tag: 'A003',
      mailbox: octets('saved (1)'),
      message: {
        flags: ['\\Seen', '$x'],
        date: octets(' 7-Feb-1994 21:52:25 -0800'),
        utf8: false,
        literal: { size: 3, nonSynchronizing: true, binary: false },
      },
      original: [
        octets('A003 append "saved (1)" (\\Seen $x) " 7-Feb-1994 21:52:25 -0800" {3+}\r\n'),
        { size: 3, nonSynchronizing: true, binary: false },
      ],
    });
    assert.deepEqual(end, { kind: 'end', original: [octets('\r\n')] });
  });

  it('may have its mailbox as a literal, many messages, binary ones and UTF-8', () => {
    const text = 'a APPEND {5+}\r\nINBOX {1+}\r\n( () ~{2+}\r\n\r\n UTF8 (~{3+}\r\n)\r\n) {0+}\r\n\r\n';
    const found = steps(text);
    assert.deepEqual(
      found.map(({ kind }) => kind),
      ['mailbox', 'message', 'message', 'message', 'message', 'end'],
    );
    const messages = found.filter((step) => step.kind === 'message');
    assert.deepEqual(
      messages.map(({ mailbox }) => mailbox.toString()),
      Array(4).fill('INBOX'),
    );
    assert.deepEqual(
      messages.map(({ message }) => [message.literal.size, message.literal.binary, message.utf8]),
      [
        [1, false, false],
        [2, true, false],
        [3, true, true],
        [0, false, false],
      ],
    );
    const writer = new Writer({ nonSynchronizing: 0 });
    writeAppend(writer, 'b', octets('INBOX'));
    const sent: string[] = [];
    for (const { message } of messages) {
      writeAppendMessage(writer, message);
      sent.push(spelled(writer.take()));
    }
    sent.push(spelled(writer.end()));
    assert.deepEqual(sent, [
      'b APPEND INBOX {1}\r\n<1>',
      ' () ~{2}\r\n<2>',
      ' UTF8 (~{3}\r\n<3>)',
      ' {0}\r\n<0>',
      '\r\n',
    ]);
  });

  it('made of pieces is recognised', () => {
    const url = steps('A003 APPEND Drafts (\\Seen) CATENATE (URL "/Drafts;UID=1" TEXT {42+}\r\n');
    assert.deepEqual(url, [
      { kind: 'catenate', tag: 'A003', literal: { size: 42, nonSynchronizing: true, binary: false } },
    ]);
    assert.deepEqual(steps('a APPEND x CATENATE (URL "y")\r\n'), [{ kind: 'catenate', tag: 'a', literal: undefined }]);
  });

  it('is refused where it is malformed', () => {
    for (const text of [
      '',
      ' INBOX',
      ' INBOX ',
      ' INBOX x',
      ' INBOX (\\Seen) "d"',
      ' INBOX (\\Seen){1+}\r\nx',
      ' INBOX UTF8 ({1+}\r\nx)',
      ' INBOX UTF8 (~{1+}\r\nx',
      ' INBOX {1+}\r\nx x',
      ' INBOX {1+}\r\nx (\\Seen)',
      ' (\\Seen) {1+}\r\nx',
    ]) {
      assert.equal(
        outcome(() => steps(`a APPEND${text}\r\n`)),
        'syntax',
        text,
      );
    }
    assert.equal(
      outcome(() => steps('a NOOP\r\n')),
      'syntax',
    );
  });
});
