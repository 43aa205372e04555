import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isAnsweredBy } from '#imap/view/answer';
import { bodyText } from '#imap/view/bodytext';
import { decodeRecord, encodeRecord, type EncodeOptions } from '#imap/view/codec';
import type { PartRecord, ViewRecord } from '#imap/view/record';
import { isLiteral } from '#imap/wire/part';
import { partsOf } from '#imap/view/text';
import { readCorpus } from '#test/corpus/corpus';
import { mutate, mutations, runs } from '#test/fuzz/mutation';
import { nastyMultipart } from '#test/lib/mime/arbitrary';
import { fetch, item, view, viewOf } from './fetch.js';
import { broken, decodable } from './messages.js';

/** The same once more, taken apart whole. */
function plain(record: ViewRecord): ViewRecord {
  const { size, envelope, bodyStructure, preview, header, listed, hasNul, root, lineEnds } = record;
  return { size, envelope, bodyStructure, preview, header, listed, hasNul, root, lineEnds };
}

function decoded(octets: Buffer): ViewRecord {
  const record = decodeRecord(octets);
  assert.ok(record !== undefined);
  return plain(record);
}

const anyMessage = fc.oneof(nastyMultipart, broken, decodable);
const anyOptions: fc.Arbitrary<EncodeOptions> = fc.record(
  { header: fc.constantFrom('whole', 'listed', 'none'), compress: fc.boolean() },
  { requiredKeys: [] },
);

describe('a record as octets', () => {
  for (const { name, bytes } of readCorpus())
    it(`answers as it did before: ${name}`, async () => {
      const before = view(bytes);
      const after = { ...before, record: decoded(encodeRecord(before.record)) };
      assert.deepEqual(after.record, before.record);
      for (const asked of [
        'RFC822.SIZE',
        'ENVELOPE',
        'BODY',
        'BODYSTRUCTURE',
        'BODY[]',
        'BODY[1]',
        'BODY[1.MIME]<2.5>',
      ])
        assert.deepEqual(await fetch(after, asked), await fetch(before, asked), asked);
    });

  it('is the same again, whatever the message and the options', () => {
    fc.assert(
      fc.property(anyMessage, anyOptions, (message, options) => {
        const { record } = view(message);
        const octets = encodeRecord(record, options);
        const again = decoded(octets);
        assert.deepEqual({ ...again, header: record.header, listed: record.listed }, record);
        assert.deepEqual(encodeRecord(again, options), octets);
      }),
      runs(300),
    );
  });

  it('keeps of the header what it is told to', () => {
    const { record } = viewOf('Subject: a\r\nReceived: b\r\n\r\n');
    const kept = (header: 'whole' | 'listed' | 'none'): ViewRecord => decoded(encodeRecord(record, { header }));
    assert.deepEqual(kept('whole'), record);
    assert.deepEqual(kept('listed'), { ...record, header: undefined, listed: Buffer.from('Subject: a\r\n\r\n') });
    assert.deepEqual(kept('none'), { ...record, header: undefined });
    const fields = item('BODY[HEADER.FIELDS (SUBJECT)]');
    assert.deepEqual(
      [kept('whole'), kept('listed'), kept('none')].map((each) => isAnsweredBy(each, fields)),
      [true, true, false],
    );
    // What has been left out does not come back.
    assert.equal(decoded(encodeRecord(kept('none'))).header, undefined);
    assert.deepEqual(decoded(encodeRecord(kept('listed'))).listed, Buffer.from('Subject: a\r\n\r\n'));
  });

  it('has the form that it has always had', () => {
    const { record } = viewOf('Subject: a\nContent-Type: message/rfc822\n\nFrom: b@c\n\nx\0');
    assert.equal(encodeRecord(record).toString('hex'), FORM);
    assert.deepEqual(decoded(Buffer.from(FORM, 'hex')), record);
    assert.deepEqual(decoded(Buffer.from(DEFLATED, 'hex')), record);
  });

  it('of an ordinary message is small', () => {
    for (const name of ['alternative', 'attachments', 'invitation', 'signed', 'text']) {
      const message = readCorpus().find((each) => each.name === name);
      assert.ok(message !== undefined);
      const { record } = view(message.bytes);
      assert.ok(encodeRecord(record).length < 1500, name);
      assert.ok(encodeRecord(record, { header: 'none' }).length < 1000, name);
      assert.ok(encodeRecord(record, { compress: true }).length < 700, name);
    }
  });

  it('of a message with 10,000 parts is no larger than their headers', () => {
    const part =
      '--b\r\nContent-Type: image/png; name="a.png"\r\nContent-Disposition: attachment; filename="a.png"\r\n\r\nx\r\n';
    const shown = viewOf(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${part.repeat(10_000)}--b--\r\n`);
    const octets = encodeRecord(shown.record);
    assert.equal(shown.record.root.parts.length, 9_999);
    assert.ok(octets.length < 1.1 * part.length * 10_000, `${octets.length}`);
    assert.deepEqual(decoded(octets), shown.record);
    assert.ok(encodeRecord(shown.record, { compress: true }).length < octets.length / 10);
  });
});

describe('octets that are no record', () => {
  const examples = readCorpus().map(({ bytes }) => bytes);

  it('are none, or one that can be asked anything', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc
            .tuple(fc.constantFrom(...examples), mutations, anyOptions)
            .map(([bytes, damage, options]) => mutate(encodeRecord(view(bytes).record, options), damage)),
          fc.uint8Array({ maxLength: 60 }).map((octets) => Buffer.concat([Buffer.of(1), octets])),
          fc.uint8Array({ maxLength: 60 }).map((octets) => Buffer.concat([Buffer.of(2), octets])),
          fc.uint8Array({ maxLength: 60 }).map((octets) => Buffer.from(octets)),
        ),
        async (octets) => {
          const record = decodeRecord(octets);
          if (record === undefined) return;
          checkParts(record.root, 0, record.size);
          for (const text of [record.envelope, record.bodyStructure]) checkText(text);
          bodyText(record.bodyStructure);
          const shown = {
            record,
            octets: Buffer.alloc(0),
            content: { read: (start: number, end: number) => zeros(start, end) },
          };
          for (const name of [
            'ENVELOPE',
            'BODYSTRUCTURE',
            'BODY[HEADER]<0.9>',
            'BODY[1.2]<1.5>',
            'BODY[HEADER.FIELDS (SUBJECT)]<0.9>',
          ])
            if (record.size < 1_000_000) await fetch(shown, name);
        },
      ),
      runs(1000),
    );
  });

  it('are none where they end early or go on', () => {
    for (const bytes of examples.slice(0, 10)) {
      const octets = encodeRecord(view(bytes).record);
      for (let end = 0; end < octets.length; end++) assert.equal(decodeRecord(octets.subarray(0, end)), undefined);
      assert.equal(decodeRecord(Buffer.concat([octets, Buffer.of(0)])), undefined);
    }
  });

  it('are none where a text could end a line of a response', () => {
    const { record } = viewOf('Subject: gr\xfcn\r\n\r\n');
    const envelope = (text: string): ViewRecord | undefined =>
      decodeRecord(encodeRecord({ ...record, envelope: Buffer.from(text, 'latin1') }));
    assert.ok(envelope('(NIL)') !== undefined);
    assert.ok(envelope('({3}\r\n\r\n\n)') !== undefined);
    for (const text of [
      '',
      'NIL',
      '(',
      '(a\r\nb)',
      '(a\nb)',
      '(a\rb)',
      '(a\0b)',
      '({9}\r\nab)',
      '({3}\r\na\0b)',
      '({1}\r\na\r\n)',
      '({1}\na)',
    ])
      assert.equal(envelope(text), undefined, JSON.stringify(text));
  });

  it('are none that take more memory than a record', () => {
    const huge = { ...viewOf('\r\nx').record, header: Buffer.alloc(40 * 1024 * 1024, 'x') };
    assert.equal(decodeRecord(encodeRecord(huge, { compress: true })), undefined);
  });
});

function checkParts(part: PartRecord, start: number, end: number): void {
  assert.ok(start <= part.start && part.start <= part.bodyStart && part.bodyStart <= part.end && part.end <= end);
  assert.ok(part.kind === 'multipart' || part.parts.length === (part.kind === 'message' ? 1 : 0));
  let before = part.bodyStart;
  for (const child of part.parts) {
    checkParts(child, before, part.end);
    before = child.end;
  }
}

/** No line of it ends but with a literal mark. */
function checkText(text: Buffer): void {
  const parts = partsOf(text);
  assert.ok(parts !== undefined && !text.includes(0));
  for (const part of parts)
    if (!isLiteral(part)) assert.ok(!/[\r\n]/.test(part.toString('latin1').replace(/\{\d+\}\r\n$/, '')));
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* zeros(start: number, end: number): AsyncGenerator<Buffer, void> {
  yield Buffer.alloc(end - start, 'x');
}

/** A record of version 1, and the same deflated: changes of the form or of the dictionary need another version. */
const FORM = [
  '010b3b29284e494c20226122204e494c204e494c204e494c204e494c204e494c204e494c204e494c204e494c29e10128226d6573736167',
  '6522202272666338323222204e494c204e494c204e494c2022376269742220313520284e494c204e494c2028284e494c204e494c202262',
  '222022632229292028284e494c204e494c202262222022632229292028284e494c204e494c20226222202263222929204e494c204e494c',
  '204e494c204e494c204e494c2920282274657874222022706c61696e222028226368617273657422202275732d61736369692229204e49',
  '4c204e494c2022376269742220322030204e494c204e494c204e494c204e494c292032204e494c204e494c204e494c204e494c29080800',
  '2c0f00000d02002c5375626a6563743a20610d0a436f6e74656e742d547970653a206d6573736167652f7266633832320d0a0d0a058080',
  '0400',
].join('');
const DEFLATED = [
  '02e3b6d604eb534ac47019864b1f321219ae86a60a70c720392b4949412919e40462c5b039027ff0e38c342305034ca38c308438381874',
  'f8191878991874e0792211bd948186813e240478b978b9581b1a581800',
].join('');
