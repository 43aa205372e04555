import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseContentDisposition, parseContentTransferEncoding, parseContentType } from '#lib/mime/contenttype';

const runs = Number(process.env['FUZZ_RUNS'] ?? 300);

const accepted: readonly (readonly [string, string, string, Readonly<Record<string, string>>])[] = [
  ['a type alone', 'text/plain', 'text/plain', {}],
  ['any case', 'TEXT/Plain; CharSet=UTF-8', 'text/plain', { charset: 'UTF-8' }],
  ['white space and folding anywhere', ' text / plain ;\r\n\tcharset = utf-8 ', 'text/plain', { charset: 'utf-8' }],
  ['comments', '(a) text/(b (c\\) d))plain; (e)charset(f)=(g)utf-8(h)', 'text/plain', { charset: 'utf-8' }],
  ['a quoted string', 'a/b; c="d;e\\"f (g)"; h=i', 'a/b', { c: 'd;e"f (g)', h: 'i' }],
  ['an empty quoted string', 'a/b; c=""', 'a/b', { c: '' }],
  ['an open quoted string', 'a/b; c="d; e=f', 'a/b', { c: 'd; e=f' }],
  ['an open comment', 'a/b; c=d (e; f=g', 'a/b', { c: 'd' }],
  ['a folded quoted string', 'a/b; c="d\r\n e"', 'a/b', { c: 'd e' }],
  ['an unquoted boundary with special characters', 'a/b; c=----=_Part_1:2?3', 'a/b', { c: '----=_Part_1:2?3' }],
  ['duplicates: the first counts', 'a/b; c=d; C=e', 'a/b', { c: 'd' }],
  ['empty parameters', 'a/b;; c=d;', 'a/b', { c: 'd' }],
  ['a parameter without a value', 'a/b; c; d=; e=f', 'a/b', { e: 'f' }],
  ['a parameter without a name', 'a/b; =c; d=e', 'a/b', { d: 'e' }],
  ['a missing semicolon', 'a/b c=d; e=f', 'a/b', { e: 'f' }],
  ['rubbish after a value', 'a/b; c="d" "e;f" @; g=h', 'a/b', { c: 'd', g: 'h' }],
  ['rubbish after the type', 'a/b/c, x; d=e', 'a/b', { d: 'e' }],
  ['8-bit values as their octets', 'a/b; c="\xc3\xa9"; d=\xe9', 'a/b', { c: '\xc3\xa9', d: '\xe9' }],
  ['a backslash at the very end', 'a/b; c="d\\', 'a/b', { c: 'd' }],
  ['names of object members', 'a/b; __proto__=c; constructor=d', 'a/b', { ['__proto__']: 'c', constructor: 'd' }],
  ['RFC 2231 §3', 'a/b; c*0="d;"; c*1=e', 'a/b', { c: 'd;e' }],
  ['sections in any order', 'a/b; c*2=f; c*0=d; c*1=e', 'a/b', { c: 'def' }],
  ['sections after a gap', 'a/b; c*0=d; c*2=f', 'a/b', { c: 'd' }],
  ['sections without a first', 'a/b; c*1=d; e=f', 'a/b', { e: 'f' }],
  ['a section twice', 'a/b; c*0=d; c*0=e; c*1=f', 'a/b', { c: 'df' }],
  ['RFC 2231 §4', "a/b; c*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", 'a/b', { c: 'This is ***fun***' }],
  [
    'RFC 2231 §4.1',
    "a/x; c*0*=us-ascii'en'This%20is%20even%20more%20; c*1*=%2A%2A%2Afun%2A%2A%2A%20; c*2=\"isn't it!\"",
    'a/x',
    { c: "This is even more ***fun*** isn't it!" },
  ],
  ['a character over two sections', "a/b; c*0*=utf-8''%E2%82; c*1*=%AC", 'a/b', { c: '€' }],
  ['another charset', "a/b; c*=iso-8859-2''%B1", 'a/b', { c: 'ą' }],
  ['a charset unknown here', "a/b; c*=x-none''%B1", 'a/b', { c: '\xb1' }],
  ['no charset', "a/b; c*=''%B1", 'a/b', { c: '\xb1' }],
  ['no quotes of RFC 2231', 'a/b; c*=d%20e', 'a/b', { c: 'd e' }],
  ['percent signs that encode nothing', "a/b; c*=utf-8''%4%zz%41%", 'a/b', { c: '%4%zzA%' }],
  ['a wrong UTF-8 octet', "a/b; c*=utf-8''%FF", 'a/b', { c: '\ufffd' }],
  ['the encoded form beside the plain one', "a/b; c=d; c*=utf-8''%C3%A9", 'a/b', { c: 'é' }],
  ['section numbers that are none', 'a/b; c*00=d; c*x=e', 'a/b', { 'c*00': 'd', 'c*x': 'e' }],
];

describe('parseContentType', () => {
  for (const [what, value, type, parameters] of accepted)
    it(`takes ${what}`, () => {
      const parsed = parseContentType(value);
      assert.equal(parsed?.type, type);
      assert.deepEqual([...parsed.parameters].sort(), Object.entries(parameters).sort());
    });

  for (const value of [
    '',
    ' ',
    'text',
    'text/',
    '/plain',
    '; a=b',
    '"text/plain"',
    '(text/plain)',
    't\xe9xt/plain',
    '\0',
    'a;/b',
  ])
    it(`has no type in ${JSON.stringify(value)}`, () => {
      assert.equal(parseContentType(value), undefined);
    });

  it('takes any text, in linear time', () => {
    const pieces = fc.constantFrom(
      'a',
      '/',
      ';',
      '=',
      '"',
      '\\',
      '(',
      ')',
      '*',
      "'",
      '%41',
      ' ',
      '\r\n ',
      '\xe9',
      'a*0*=',
      '*1=',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (text) => {
        const value = `a/b;${text.join('')}`;
        assert.equal(parseContentType(value)?.type, 'a/b');
        assert.deepEqual(parseContentDisposition(value.slice(2))?.parameters, parseContentType(value)?.parameters);
      }),
      { numRuns: runs },
    );
    const sections = Array.from({ length: 20_000 }, (_, i) => `;c*${i}*=%41`).join('');
    const cases = ['('.repeat(1 << 20), '"'.repeat(1 << 20), ';'.repeat(1 << 20), ' '.repeat(1 << 20), sections];
    for (const value of cases) assert.equal(parseContentType(`a/b${value}`)?.type, 'a/b');
  });
});

describe('parseContentDisposition', () => {
  it('takes a type and parameters', () => {
    const parsed = parseContentDisposition('Attachment; filename="a b.txt"; size=12');
    assert.equal(parsed?.type, 'attachment');
    assert.equal(parsed.parameters.get('filename'), 'a b.txt');
    assert.equal(parsed.parameters.get('size'), '12');
  });

  it('has no type in rubbish', () => {
    for (const value of ['', '; filename=a', '"inline"']) assert.equal(parseContentDisposition(value), undefined);
  });
});

describe('parseContentTransferEncoding', () => {
  it('takes a token in any case, with comments around it', () => {
    assert.equal(parseContentTransferEncoding(' (a) Base64 (b)'), 'base64');
    assert.equal(parseContentTransferEncoding('7bit; x'), '7bit');
    assert.equal(parseContentTransferEncoding(''), undefined);
    assert.equal(parseContentTransferEncoding('"base64"'), undefined);
  });
});
