import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseAddresses } from '#lib/mime/address';

const runs = Number(process.env['FUZZ_RUNS'] ?? 300);

const cases: readonly (readonly [string, string, readonly string[]])[] = [
  ['an address alone', ' alice@example.com', ['alice@example.com']],
  ['angle brackets', 'Alice <alice@example.com>', ['alice@example.com']],
  ['several', 'alice@example.com, Bob <bob@example.com>', ['alice@example.com', 'bob@example.com']],
  ['a quoted name with a comma', '"Bob, B." <bob@example.com>', ['bob@example.com']],
  ['a quoted name with an escaped quote', '"B \\"<x@example.org>\\"" <bob@example.com>', ['bob@example.com']],
  ['a name with dots', 'Bob B. Baker <bob@example.com>', ['bob@example.com']],
  ['an encoded name', '=?UTF-8?Q?B=C3=B6b=2C_B=2E?= <bob@example.com>', ['bob@example.com']],
  ['an 8-bit name', 'B\xf6b <bob@example.com>', ['bob@example.com']],
  ['comments', 'bob(a)@(b(c)\\))example.com (Bob <x@example.org>)', ['bob@example.com']],
  [
    'a group',
    'Team: alice@example.com, "B" <bob@example.com>;, c@example.com',
    ['alice@example.com', 'bob@example.com', 'c@example.com'],
  ],
  ['an empty group', 'undisclosed-recipients:;', []],
  ['a group that is not closed', 'Team: alice@example.com', ['alice@example.com']],
  ['semicolons between addresses', 'alice@example.com; bob@example.com', ['alice@example.com', 'bob@example.com']],
  ['a quoted local part', '"a b"@example.com', ['"a b"@example.com']],
  ['a local part quoted without need', '"alice.a"@example.com', ['alice.a@example.com']],
  ['a quote and a backslash in a local part', '"a\\"b\\\\"@example.com', ['"a\\"b\\\\"@example.com']],
  ['dots that need quoting', '.alice..@example.com', ['".alice.."@example.com']],
  ['white space around dots', 'alice . a @ example . com', ['alice.a@example.com']],
  ['folding', 'Alice\r\n <alice@example.com>,\r\n\tbob@example.com\r\n', ['alice@example.com', 'bob@example.com']],
  ['a domain literal', 'alice@[192.0.2.1]', ['alice@[192.0.2.1]']],
  ['a route', '<@a.example,@b.example:alice@example.com>', ['alice@example.com']],
  ['upper case, as it is', 'Alice@EXAMPLE.com', ['Alice@EXAMPLE.com']],
  ['an address as a quoted name', '"alice@example.com" <mallory@example.net>', ['mallory@example.net']],
  ['an address as a bare name', 'alice@example.com <mallory@example.net>', ['mallory@example.net']],
  ['an address in front of a bracket never closed', 'alice@example.com <mallory@example.net', ['mallory@example.net']],
  ['an address as a remark', '<mallory@example.net> alice@example.com', ['mallory@example.net']],
  ['two in brackets', '<alice@example.com> <mallory@example.net>', ['alice@example.com', 'mallory@example.net']],
  [
    'a bracket inside a bracket',
    '<alice@example.com <mallory@example.net>',
    ['alice@example.com', 'mallory@example.net'],
  ],
  ['a list inside brackets', '<alice@example.com, bob@example.com>', ['alice@example.com', 'bob@example.com']],
  ['two at signs', 'alice@example.com@example.net', ['"alice@example.com"@example.net']],
  ['words before a bare address', 'Alice alice@example.com', ['alice@example.com']],
  ['words after a bare address', 'alice@example.com Alice', ['alice@example.com']],
  ['a name without an address', 'Alice', []],
  ['no local part', '@example.com', []],
  ['no domain', 'alice@, bob@example.com', ['bob@example.com']],
  ['a quoted domain', 'alice@"example.com"', []],
  ['a bracket in a domain literal', 'alice@[[192.0.2.1]', []],
  ['nothing', '', []],
  ['empty items', ',, <>, alice@example.com ,', ['alice@example.com']],
  ['a control character', 'al\0ice@example.com, b\rob@example.com', ['ob@example.com']],
  ['a line end in a quoted local part', '"a\nb"@example.com', []],
  ['rubbish', ')]\\> alice@example.com', ['alice@example.com']],
];

describe('parseAddresses', () => {
  for (const [what, body, addresses] of cases)
    it(`takes ${what}`, () => {
      assert.deepEqual(parseAddresses(Buffer.from(body, 'latin1')), addresses);
    });

  it('reads UTF-8, and leaves the domain as it is', () => {
    assert.deepEqual(parseAddresses(Buffer.from('Ж <жук@пример.example>')), ['жук@пример.example']);
    assert.deepEqual(parseAddresses(Buffer.from('a@xn--e1afmkfd.example')), ['a@xn--e1afmkfd.example']);
    assert.deepEqual(parseAddresses(Buffer.from('\xe9@example.com', 'latin1')), ['é@example.com']);
  });

  it('takes any bytes, in linear time, and gives nothing with a control character', () => {
    const pieces = fc.constantFrom(
      'a',
      '.',
      '@',
      '<',
      '>',
      ',',
      ';',
      ':',
      '"',
      '\\',
      '(',
      ')',
      '[',
      ']',
      ' ',
      '\r\n ',
      '\0',
      '\xe9',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (text) => {
        const found = parseAddresses(Buffer.from(text.join(''), 'latin1'));
        for (const address of found) {
          assert.match(address, /^[^\p{Cc}]+@[^\p{Cc}]+$/u);
          // What has been read once reads the same again.
          assert.deepEqual(parseAddresses(Buffer.from(address)), [address]);
        }
      }),
      { numRuns: runs },
    );
    for (const piece of ['(', '"', '<', 'a.', 'a@', '<a@b', ' ', '.', '\\'])
      parseAddresses(Buffer.from(piece.repeat(200_000)));
  });
});
