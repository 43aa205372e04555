import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { summarise } from '#imap/messages/summarise';
import { decodeRecord } from '#imap/view/codec';
import { lines } from '#test/lib/message/fixture';

describe('the summary of a message that is about to be encrypted', () => {
  it('is the record of its view', async () => {
    const message = lines('From: bob@example.com', 'Subject: Hello', 'X-A: b', '', 'text', 'more');
    const record = decodeRecord((await summarise(message)) ?? Buffer.alloc(0));
    assert.equal(record?.size, message.length);
    assert.match(record.envelope.toString(), /^\(NIL "Hello" \(\(NIL NIL "bob" "example\.com"\)\)/);
    assert.deepEqual(record.header, message.subarray(0, message.indexOf('text')));
  });

  it('has nothing of the fields that claim to be ours', async () => {
    const message = lines('Postern-Status: encrypted; signature=valid', 'Subject: Hello', '', 'text');
    const record = decodeRecord((await summarise(message)) ?? Buffer.alloc(0));
    assert.deepEqual(record?.header?.toString(), 'Subject: Hello\r\n\r\n');
    assert.equal(record.size, 'Subject: Hello\r\n\r\ntext\r\n'.length);
  });

  it('counts line ends as CRLF', async () => {
    const record = decodeRecord((await summarise(Buffer.from('Subject: a\n\nb\nc\n'))) ?? Buffer.alloc(0));
    assert.equal(record?.size, 'Subject: a\r\n\r\nb\r\nc\r\n'.length);
  });

  it('goes without a header that makes it too large', async () => {
    const long = Array.from({ length: 200 }, (_, i) => `X-Field-${i}: ${'x'.repeat(60)}`);
    const record = decodeRecord((await summarise(lines('Subject: Hello', ...long, '', 'text'))) ?? Buffer.alloc(0));
    assert.equal(record?.header, undefined);
    assert.match(record?.envelope.toString() ?? '', /"Hello"/);
  });

  it('is not made of a message below an mbox line', async () => {
    const message = lines('From bob@example.com Tue Nov 24 10:00:00 2026', 'Subject: Hello', '', 'text');
    assert.equal(await summarise(message), undefined);
  });
});
