import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { singleAddress } from '#lib/message/address';
import { RUNS } from './fixture.js';

describe('the address of a From field', () => {
  for (const [text, address] of [
    ['alice@example.com', 'alice@example.com'],
    ['<alice@example.com>', 'alice@example.com'],
    ['Alice <Alice@EXAMPLE.com>', 'alice@example.com'],
    ['"Alice, of \\"X\\"" <alice@example.com>', 'alice@example.com'],
    ['John Q. Public <john@example.com>', 'john@example.com'],
    ['=?utf-8?q?=C3=84?= <a@example.com> (comment)', 'a@example.com'],
    ['alice@example.com (Alice)', 'alice@example.com'],
    ['"alice"@example.com', 'alice@example.com'],
    ['M\xc3\xbcller <m\xc3\xbcller@example.com>', 'm\u00fcller@example.com'],
    ['"boss@example.com" <eve@example.net>', 'eve@example.net'],
    ['=?utf-8?q?boss=40example.com?= <eve@example.net>', 'eve@example.net'],
  ] as const) {
    it(`is read in ${text}`, () => {
      assert.equal(singleAddress(text), address);
    });
  }
  for (const text of [
    '',
    ' ',
    'Alice',
    '<>',
    'a@example.com, b@example.com',
    'a@example.com; b@example.com',
    'a@example.com b@example.com',
    '<a@example.com> <b@example.com>',
    'boss@example.com <eve@example.net>',
    'boss@example.com, <eve@example.net>',
    'Group: a@example.com;',
    'undisclosed:;',
    '<@relay.example:a@example.com>',
    'a@example.com\rFrom: b@example.com',
    'a@example.com\0',
    '(boss@example.com) eve@example.net',
    'a@b@example.com',
    '=?utf-8?q?boss=40example.com?=',
    '"Alice <alice@example.com>',
    'Alice <alice@example.com',
    'm\xfcller@example.com',
    `${'x'.repeat(3000)}@example.com`,
  ]) {
    it(`is none in ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.equal(singleAddress(text), undefined);
    });
  }

  test('takes time proportional to the length', () => {
    const start = performance.now();
    for (const text of [
      'a'.repeat(2000),
      'a '.repeat(1000),
      '"'.repeat(2000),
      '('.repeat(2000),
      '() '.repeat(600),
      `${'"a" '.repeat(500)},`,
    ])
      singleAddress(text);
    assert.ok(performance.now() - start < 500);
  });

  test('is one address or none, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', '@', 'b.c', '<', '>', '"', '(', ')', ' ', ',', ':', ';', '\\', '\r')),
        (parts) => {
          const address = singleAddress(parts.join(''));
          assert.ok(
            address === undefined || /^[^@,<>\s]+@[^@,<>\s]+$/.test(address) || address.startsWith('"'),
            address,
          );
        },
      ),
      { numRuns: RUNS * 10 },
    );
  });
});
