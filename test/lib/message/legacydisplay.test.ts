import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { gather } from '#lib/bytes/source';
import { editStream, legacyDisplayEdits } from '#lib/message/legacydisplay';
import {
  Base64Decoder,
  Base64Encoder,
  QuotedPrintableDecoder,
  decodeQuotedPrintable,
  encodeQuotedPrintable,
} from '#lib/message/transfer';
import { parseStructure } from '#lib/mime/structure';
import { RUNS, cut, lines, streamOf } from './fixture.js';

/** The message without legacy display elements, however it is cut. */
async function removed(message: Buffer, places: readonly number[] = []): Promise<string> {
  const edits = legacyDisplayEdits(parseStructure(message));
  return (await gather(editStream(streamOf(cut(message, places)), edits))).toString('latin1');
}

function part(type: string, encoding: string, body: string | Buffer): Buffer {
  const head = lines(`Content-Type: ${type}; hp-legacy-display="1"`, `Content-Transfer-Encoding: ${encoding}`, '');
  return Buffer.concat([head, Buffer.from(body)]);
}

function base64(text: string): string {
  const encoder = new Base64Encoder();
  return Buffer.concat([encoder.push(Buffer.from(text)), encoder.end()]).toString();
}

const bodyOf = (message: string): string => message.slice(message.indexOf('\r\n\r\n') + 4);

describe('legacy display elements', () => {
  const REST = 'hello w\u00f6rld, a = b\r\n\r\nthere\r\n';
  const TEXT = `Subject: real\r\nFrom: a@example.com\r\n\r\n${REST}`;
  const DIV = '<div class="x header-protection-legacy-display">\r\n<pre>Subject: real</pre><div>x</div></div>';
  const html = (div: string): string =>
    `<html><head></head>\r\n<body class=a> <!-- c -->${div}<p>hell\u00f6</p><div>x</div></body></html>\r\n`;

  it('are removed from text, in every encoding and wherever the stream is cut', async () => {
    const wholes = {
      '8bit': [part('text/plain', '8bit', TEXT), Buffer.from(REST).toString('latin1')],
      base64: [part('text/plain', 'base64', base64(TEXT)), base64(REST)],
      'quoted-printable': [
        part('text/plain', 'quoted-printable', encodeQuotedPrintable(Buffer.from(TEXT))),
        encodeQuotedPrintable(Buffer.from(REST)),
      ],
    } as const;
    for (const [message, expected] of Object.values(wholes)) {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(message.length), { maxLength: 8 }), async (places) => {
          assert.equal(bodyOf(await removed(message, places)), expected);
        }),
        { numRuns: RUNS / 2 },
      );
    }
  });

  it('are removed from HTML, in every encoding', async () => {
    assert.equal(bodyOf(await removed(part('text/html', '8bit', html(DIV)))), Buffer.from(html('')).toString('latin1'));
    assert.equal(bodyOf(await removed(part('text/html', 'base64', base64(html(DIV))))), base64(html('')));
    const printed = (text: string): string => encodeQuotedPrintable(Buffer.from(text));
    assert.equal(bodyOf(await removed(part('text/html', 'quoted-printable', printed(html(DIV))))), printed(html('')));
  });

  for (const [what, body] of [
    ['another element is first', html(`<p>x</p>${DIV}`)],
    ['it has another class', html('<div class="legacy-display">x</div>')],
    ['it is not closed', html('<div class="header-protection-legacy-display">').replaceAll('</div>', '')],
  ] as const) {
    it(`are not removed from HTML where ${what}`, async () => {
      assert.equal(bodyOf(await removed(part('text/html', '8bit', body))), Buffer.from(body).toString('latin1'));
    });
  }

  it('are not removed without the mark, or where no blank line follows', async () => {
    const unmarked = lines('Content-Type: text/plain', '', 'Subject: real', '', 'x');
    assert.equal(await removed(unmarked), unmarked.toString());
    const endless = part('text/plain', '7bit', 'Subject: real\r\nx\r\n');
    assert.equal(await removed(endless), endless.toString());
  });

  it('are looked for at the start only: memory stays bounded, and the rest is untouched', async () => {
    const rest = 'x'.repeat(70_000);
    const long = part('text/plain', '7bit', `${rest}\r\n\r\nhello`);
    assert.equal(await removed(long, [10_000, 20_000, 69_000]), long.toString());
    const big = part('text/plain', '7bit', `Subject: x\r\n\r\n${rest}\r\n\r\n${rest}`);
    assert.equal(bodyOf(await removed(big, [500, 50_000, 90_000])), `${rest}\r\n\r\n${rest}`);
  });

  it('in quoted-printable do not end at a soft line break', async () => {
    const message = part('text/plain', 'quoted-printable', 'Subject: a=\r\n\r\nFrom: b\r\n\r\nhello=\r\n there\r\n');
    assert.equal(bodyOf(await removed(message)), 'hello there\r\n');
  });
});

describe('transfer encodings', () => {
  const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array));
  const lineText = fc
    .array(fc.constantFrom('a', '=', ' ', '\t', '\r\n', '\n', '\xff', 'x'.repeat(80)), { maxLength: 40 })
    .map((parts) => Buffer.from(parts.join(''), 'latin1'));

  test('base64 and back, however it is cut', () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(500)), (message, places) => {
        const encoder = new Base64Encoder();
        const encoded = Buffer.concat([...cut(message, places).map((chunk) => encoder.push(chunk)), encoder.end()]);
        assert.ok(
          encoded
            .toString()
            .split('\r\n')
            .every((line) => line.length <= 76),
        );
        const decoder = new Base64Decoder();
        assert.deepEqual(
          Buffer.concat([...cut(encoded, places).map((chunk) => decoder.push(chunk)), decoder.end()]),
          message,
        );
      }),
      { numRuns: RUNS },
    );
  });

  test('quoted-printable and back, however it is cut', () => {
    fc.assert(
      fc.property(lineText, fc.array(fc.nat(500)), (message, places) => {
        const encoded = encodeQuotedPrintable(message);
        assert.ok(encoded.split(/\r?\n/).every((line) => line.length <= 76 && !/[ \t]$/.test(line)));
        assert.deepEqual(decodeQuotedPrintable(encoded), message);
        const decoder = new QuotedPrintableDecoder();
        const chunks = cut(Buffer.from(encoded, 'latin1'), places);
        assert.deepEqual(Buffer.concat([...chunks.map((chunk) => decoder.push(chunk)), decoder.end()]), message);
      }),
      { numRuns: RUNS },
    );
  });
});
