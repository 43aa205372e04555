import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Base64Decoder, encodeQuotedPrintable, QuotedPrintableDecoder, type Transform } from '#lib/message/transfer';
import { cut } from '#test/lib/mime/arbitrary';

const runs = { numRuns: Number(process.env['FUZZ_RUNS'] ?? 300) };

function decode(decoder: Transform, ...chunks: readonly (Buffer | string)[]): Buffer {
  const pieces = chunks.map((chunk) => decoder.push(Buffer.from(chunk)));
  return Buffer.concat([...pieces, decoder.end()]);
}

function text(...pieces: readonly string[]): fc.Arbitrary<Buffer> {
  return fc
    .array(fc.constantFrom(...pieces), { maxLength: 30, size: 'max' })
    .map((found) => Buffer.from(found.join(''), 'latin1'));
}

const octets = fc.uint8Array({ maxLength: 300 }).map((found) => Buffer.from(found));
const places = fc.array(fc.nat(), { maxLength: 6 });

describe('base64', () => {
  it('is decoded the same however it is cut', () => {
    fc.assert(
      fc.property(text('SGVs', 'bG8', '=', '==', '\r\n', ' ', '-', '_', '!', 'a', '\xe9'), places, (encoded, at) => {
        assert.deepEqual(decode(new Base64Decoder(), ...cut(encoded, at)), decode(new Base64Decoder(), encoded));
      }),
      runs,
    );
  });

  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(octets, places, (plain, at) => {
        const encoded = Buffer.from(plain.toString('base64').replace(/.{1,76}/g, '$&\r\n'));
        assert.deepEqual(decode(new Base64Decoder(), ...cut(encoded, at)), plain);
      }),
      runs,
    );
  });

  it('ends with padding, and passes over what is not in the alphabet (RFC 2045 §6.8)', () => {
    assert.equal(decode(new Base64Decoder(), 'SG-Vs_!bG8=').toString(), 'Hello');
    assert.equal(decode(new Base64Decoder(), 'SGVsbG8=', 'SGVsbG8=').toString(), 'Hello');
    assert.equal(decode(new Base64Decoder(), 'SGVsbG8').toString(), 'Hello');
  });
});

describe('quoted-printable', () => {
  it('is decoded the same however it is cut', () => {
    fc.assert(
      fc.property(
        text(
          '=3D',
          '=',
          '3',
          'D',
          '=\r\n',
          ' ',
          '\t',
          '\r\n',
          '\n',
          '\r',
          'a',
          '\xe9',
          ' '.repeat(1000),
          'x'.repeat(9000),
        ),
        places,
        (encoded, at) => {
          const whole = decode(new QuotedPrintableDecoder(), encoded);
          assert.deepEqual(decode(new QuotedPrintableDecoder(), ...cut(encoded, at)), whole);
        },
      ),
      runs,
    );
  });

  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(octets, places, (plain, at) => {
        const encoded = Buffer.from(encodeQuotedPrintable(plain), 'latin1');
        assert.deepEqual(decode(new QuotedPrintableDecoder(), ...cut(encoded, at)), plain);
      }),
      runs,
    );
  });

  it('is decoded line by line (RFC 2045 §6.7)', () => {
    for (const [encoded, plain] of [
      ['gr=C3=BCn', 'grün'],
      ['a =\r\nb', 'a b'],
      ['a= \t\r\nb', 'ab'],
      ['a \t\r\nb\t ', 'a\r\nb'],
      ['=3d=3D', '=='],
      ['==\r\n3D', '=3D'],
      ['100% =ZZ =4', '100% =ZZ =4'],
      ['a\nb', 'a\nb'],
    ] as const)
      assert.equal(decode(new QuotedPrintableDecoder(), encoded).toString(), plain, encoded);
  });

  it('takes time in proportion to its length', () => {
    for (const run of [' ', '=', '= ', ' =', '\t\r', '=3']) {
      const start = process.cpuUsage();
      decode(new QuotedPrintableDecoder(), run.repeat(1_000_000 / run.length));
      const { user } = process.cpuUsage(start);
      assert.ok(user < 5_000_000, JSON.stringify(run));
    }
  });
});
