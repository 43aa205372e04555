import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { gather, memorySource } from '#lib/bytes/source';
import { openStored } from '#lib/message/open';
import { HEADER_POLICIES } from '#lib/message/policy';
import { sealAtRest } from '#lib/message/seal';
import { SUMMARY_FIELD, SUMMARY_LIMIT, SummaryKey, openSummary, summaryField } from '#lib/message/summary';
import { Header, splitHeader } from '#lib/mime/header';
import { RUNS, lines, person } from './fixture.js';

const indexKey = randomBytes(32);
const key = new SummaryKey(indexKey);
const record = randomBytes(700);
const binding = { messageID: '<1@example.com>', boundary: 'b' };
const OTHERS =
  'From: a@example.com\r\nMessage-ID: <1@example.com>\r\nContent-Type: multipart/encrypted; boundary="b"\r\n';

function field(content = record): string {
  const made = summaryField(key, binding, content);
  assert.ok(made !== undefined);
  return made.toString('latin1');
}

function open(header: string | Buffer, as = key): Buffer | undefined {
  return openSummary(as, Header.parse(Buffer.from(header as string, 'latin1')));
}

describe('the summary', () => {
  const made = field();

  it('gives the record back', () => {
    assert.deepEqual(open(made + OTHERS), record);
    assert.deepEqual(open(`${OTHERS}${made}\r\n`), record);
    assert.deepEqual(open(made + OTHERS, new SummaryKey(Buffer.from(indexKey))), record);
    assert.deepEqual(open(field(Buffer.alloc(0)) + OTHERS), Buffer.alloc(0));
  });

  it('is a field in lines of at most 76 characters', () => {
    const text = made.split('\r\n');
    assert.ok(text.every((line) => line.length <= 76));
    assert.ok(text.slice(1, -1).every((line) => line.startsWith(' ')));
    assert.match(made, /^Postern-Summary: [A-Za-z0-9+/]+\r\n/);
    assert.ok(made.endsWith('\r\n'));
  });

  it('is another one each time, and of a length that tells little', () => {
    assert.notEqual(field(), made);
    assert.equal(field(randomBytes(600)).length, made.length);
    assert.doesNotMatch(field(Buffer.from('canary'.repeat(100))), /canary|Y2FuYXJ5/);
  });

  it('takes a record up to the limit', () => {
    const largest = randomBytes(SUMMARY_LIMIT);
    assert.deepEqual(open(field(largest) + OTHERS), largest);
    assert.equal(summaryField(key, binding, randomBytes(SUMMARY_LIMIT + 1)), undefined);
  });

  it('stays readable however other programs fold it', () => {
    const unfolded = made.replaceAll('\r\n', '');
    for (const folded of [
      `${unfolded}\r\n`,
      made.replaceAll('\r\n ', '\n\t'),
      made.replaceAll('\r\n ', ' '),
      made.replace('Postern-Summary: ', 'POSTERN-SUMMARY:\r\n  '),
      `${unfolded.replace(/(.{30})/g, '$1\r\n ')}\r\n`,
    ]) {
      assert.deepEqual(open(folded + OTHERS), record);
    }
    const others = OTHERS.replace('Message-ID: ', 'message-id:\r\n\t').replace('; ', ';\r\n ');
    assert.deepEqual(open(made + others), record);
  });

  it('is nothing where it stands twice or not at all', () => {
    assert.equal(open(OTHERS), undefined);
    assert.equal(open(''), undefined);
    assert.equal(open(made + made + OTHERS), undefined);
    assert.equal(open(`${made}${OTHERS}Postern-Summary: x\r\n`), undefined);
  });

  it('fits no other message and no other key', () => {
    assert.equal(open(made + OTHERS.replace('<1@', '<2@')), undefined);
    assert.equal(open(made + OTHERS.replace(/Message-ID.*\r\n/, '')), undefined);
    assert.equal(open(`${made}${OTHERS}Message-ID: <2@example.com>\r\n`), undefined);
    assert.equal(open(made + OTHERS.replace('"b"', '"c"')), undefined);
    assert.equal(open(made + OTHERS.replace(/Content-Type.*\r\n/, '')), undefined);
    assert.equal(open(`${made}${OTHERS}Content-Type: multipart/encrypted; boundary="b"\r\n`), undefined);
    assert.equal(open(made + OTHERS, new SummaryKey(randomBytes(32))), undefined);
    const confused = { messageID: '', boundary: 'b\n<1@example.com>' };
    assert.equal(open(`${summaryField(key, confused, record)?.toString('latin1') ?? ''}${OTHERS}`), undefined);
  });

  it('is never another record, whatever octet of it is changed', () => {
    const header = Buffer.from(made + OTHERS);
    // The last character of base64 has bits that mean nothing.
    const end = made.search(/.=*\r\n$/);
    const isData = (at: number): boolean => at > 16 && at < end && /[A-Za-z0-9+/]/.test(made[at] ?? '');
    for (let at = 0; at < header.length; at++) {
      for (const bit of [1, 4, 32, 128]) {
        const changed = Buffer.from(header);
        changed[at] = (changed[at] ?? 0) ^ bit;
        const opened = open(changed.toString('latin1'));
        if (isData(at)) assert.equal(opened, undefined, `octet ${at}`);
        // A letter of a name in the other case, a space that is something else.
        else if (opened !== undefined) assert.deepEqual(opened, record);
      }
    }
  });

  it('is nothing where it is cut, lengthened, of another version or no base64', () => {
    const sealed = Buffer.from(made.slice(16), 'base64');
    const as = (octets: Buffer): Buffer | undefined =>
      open(`${SUMMARY_FIELD}: ${octets.toString('base64')}\r\n${OTHERS}`);
    assert.deepEqual(as(sealed), record);
    for (let size = 0; size < sealed.length; size++) assert.equal(as(sealed.subarray(0, size)), undefined);
    assert.equal(as(Buffer.concat([sealed, Buffer.alloc(1)])), undefined);
    assert.equal(as(Buffer.concat([Buffer.of(2), sealed.subarray(1)])), undefined);
    for (const text of ['', '!', 'AQ==', 'A'.repeat(100_000)]) {
      assert.equal(open(`${SUMMARY_FIELD}: ${text}\r\n${OTHERS}`), undefined);
    }
  });

  it('never throws, and gives back any record', () => {
    const text = fc.string({ unit: fc.constantFrom(...'<>@.-_=?abc 1'.split('')), minLength: 1 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1000 }), text, fc.uint8Array({ maxLength: 200 }), (octets, id, junk) => {
        const messageID = id.replaceAll(' ', '');
        const line = summaryField(key, { messageID, boundary: 'b' }, Buffer.from(octets));
        const others = `Message-ID: ${id}\r\nContent-Type: multipart/encrypted; boundary=b\r\n`;
        assert.deepEqual(open(`${String(line)}${others}`), Buffer.from(octets));
        assert.equal(open(`${SUMMARY_FIELD}: ${Buffer.from(junk).toString('latin1')}\r\n${others}`), undefined);
      }),
      { numRuns: RUNS },
    );
  });

  it('has a key that can be overwritten, and wants an index key of 32 octets', () => {
    const closed = new SummaryKey(indexKey);
    closed.close();
    assert.equal(open(made + OTHERS, closed), undefined);
    assert.throws(() => summaryField(closed, binding, record));
    assert.throws(() => new SummaryKey(Buffer.alloc(16)), TypeError);
  });
});

describe('a message at rest with a summary', async () => {
  const alice = await person('Alice <alice@example.com>');
  const message = lines(
    'From: Alice <alice@example.com>',
    'Message-ID:',
    ' <1@example.com>',
    'Postern-Summary: AQID',
    'Subject: secret',
    '',
    'body',
  );
  const seal = async (original: Buffer, content: Buffer, policy = HEADER_POLICIES[0]): Promise<Buffer> => {
    const sealed = await sealAtRest(memorySource(original), {
      recipients: [alice.recipient],
      summary: { key, record: content },
      ...(policy === undefined ? {} : { policy }),
    });
    const stored = await gather(sealed.stream());
    assert.equal(stored.length, sealed.size, 'the size that was told is that of the stream');
    return stored;
  };
  const headerOf = async (stored: Buffer): Promise<Header> => (await splitHeader(memorySource(stored).stream())).header;

  it('carries it under each header policy, and decrypts to the original octets', async () => {
    for (const policy of HEADER_POLICIES) {
      for (const original of [message, Buffer.from('no header'), Buffer.alloc(0)]) {
        const stored = await seal(original, record, policy);
        assert.deepEqual(openSummary(key, await headerOf(stored)), record);
        const view = await openStored(memorySource(stored), { keys: () => [alice.key], exact: true });
        assert.deepEqual(await gather(view.stream()), original);
      }
    }
  });

  it('has none of the original, and none above the limit', async () => {
    const header = await headerOf(await seal(message, randomBytes(SUMMARY_LIMIT + 1)));
    assert.equal(header.has(SUMMARY_FIELD), false);
  });

  it('does not accept that of another one with the same Message-ID', async () => {
    const [one, other] = [await seal(message, record), await seal(message, record)];
    const [summary] = (await headerOf(one)).all(SUMMARY_FIELD);
    const copied = (await headerOf(other)).remove(SUMMARY_FIELD).prepend(summary?.raw ?? Buffer.alloc(0));
    assert.equal(openSummary(key, copied), undefined);
  });

  it('shows it to nobody', async () => {
    const view = await openStored(memorySource(await seal(message, record)), { keys: () => [] });
    assert.doesNotMatch((await gather(view.stream())).toString('latin1'), /^postern-summary/im);
  });
});
