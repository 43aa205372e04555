import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeWords, encodeWords } from '#lib/mime/encodedword';

const runs = Number(process.env['FUZZ_RUNS'] ?? 300);

describe('encodeWords', () => {
  it('leaves ASCII as it is', () => {
    assert.equal(encodeWords('Hello (there), 1 = 1?'), 'Hello (there), 1 = 1?');
    assert.equal(encodeWords(''), '');
  });

  it('encodes what is not ASCII, and what looks encoded', () => {
    assert.equal(encodeWords('p≡p'), '=?UTF-8?B?cOKJoXA=?=');
    assert.equal(encodeWords('=?x'), '=?UTF-8?B?PT94?=');
  });

  it('lets no line end through', () => {
    assert.doesNotMatch(encodeWords('a\r\nBcc: bob@example.com'), /Bcc/);
  });

  it('gives back any text, in lines of 76 characters of ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const encoded = encodeWords(text);
        assert.equal(decodeWords(encoded), text);
        assert.match(encoded, /^[\x20-\x7e]*(?:\r\n [\x21-\x7e]+)*$/);
        if (encoded !== text) for (const line of `Subject: ${encoded}`.split('\r\n')) assert.ok(line.length <= 76);
      }),
      { numRuns: runs },
    );
  });
});

describe('decodeWords', () => {
  const cases: readonly (readonly [string, string])[] = [
    // RFC 2047 §8
    ['(=?ISO-8859-1?Q?a?=)', '(a)'],
    ['(=?ISO-8859-1?Q?a?= b)', '(a b)'],
    ['(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)', '(ab)'],
    ['(=?ISO-8859-1?Q?a?=  \r\n  =?ISO-8859-1?Q?b?=)', '(ab)'],
    ['(=?ISO-8859-1?Q?a_b?=)', '(a b)'],
    ['(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)', '(a b)'],
    ['=?utf-8?q?p=E2=89=A1p?=', 'p≡p'],
    ['=?utf-8?B?4omh?=', '≡'],
    ['=?utf-8*en?Q?=C3=A9?=', 'é'],
    ['=?utf-8?Q?=C3?= =?UTF-8?B?qQ==?=', 'é'],
    ['=?iso-8859-2?Q?=B1?=', 'ą'],
    ['=?x-none?Q?=E9?=', 'é'],
    ['=?utf-8?Q?a b?=', 'a b'],
    ['=?utf-8?Q?=4?=', '=4'],
    ['=?utf-8?X?a?=', '=?utf-8?X?a?='],
    ['=?utf-8?Q?a', '=?utf-8?Q?a'],
    ['plain', 'plain'],
  ];
  for (const [text, decoded] of cases)
    it(`decodes ${JSON.stringify(text)}`, () => {
      assert.equal(decodeWords(text), decoded);
    });

  it('takes any text in linear time', () => {
    for (const piece of ['=?', '=?a?q?', '=?a?q?b', '=?utf-8?q?=', '=?a*b'])
      assert.ok(decodeWords(piece.repeat(100_000)).length > 0);
  });
});
