import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { copyField, isClaim, mboxLine, tameField, writeField } from '#lib/message/field';
import { Header, type HeaderField, unfold } from '#lib/mime/header';
import { RUNS } from './fixture.js';

function field(raw: string): HeaderField {
  const [only] = Header.parse(Buffer.from(raw, 'latin1')).fields;
  assert.ok(only);
  return only;
}

const copied = (raw: string): string | undefined => copyField(field(raw))?.toString('latin1');

describe('a field of ours', () => {
  it('is written', () => {
    assert.equal(writeField('Subject', '[...]').toString(), 'Subject: [...]\r\n');
    assert.equal(writeField('X', 'a;\n b', '\n').toString(), 'X: a;\n b\n');
  });
  for (const body of ['a\r', 'a\nb', 'a\n\n b', 'a\n ', '', ' ', 'a\0', 'ä', 'a\r\nX: y', 'a\u2028b']) {
    it(`is refused with the body ${JSON.stringify(body)}`, () => {
      assert.throws(() => writeField('X', body), TypeError);
    });
  }
  for (const name of ['', 'a b', 'a:', 'a\n', 'ä', 'a\0']) {
    it(`is refused with the name ${JSON.stringify(name)}`, () => {
      assert.throws(() => writeField(name, 'x'), TypeError);
    });
  }
});

describe('a copied field', () => {
  it('keeps name, spaces and folding, and gets CRLF', () => {
    assert.equal(
      copied('tO:alice@example.com,\n\tbob@example.com\n'),
      'tO:alice@example.com,\r\n\tbob@example.com\r\n',
    );
    assert.equal(copied('To:  a \r\n  b\r\n'), 'To:  a \r\n  b\r\n');
    assert.equal(copied('To: no line end'), 'To: no line end\r\n');
    assert.equal(copied('To : a\r\n'), 'To: a\r\n');
  });
  it('loses lines of white space alone', () => {
    assert.equal(copied('To: a\r\n \t\r\n b\r\n'), 'To: a\r\n b\r\n');
  });
  it('may be UTF-8, and nothing else beyond ASCII', () => {
    assert.equal(copied('Subject: \xc3\xa4\r\n'), 'Subject: \xc3\xa4\r\n');
    assert.equal(copied('Subject: \xe4\r\n'), undefined);
  });
  for (const [what, raw] of [
    ['a bare CR', 'To: a\rBcc: b\r\n'],
    ['a NUL', 'To: a\0b\r\n'],
    ['an escape', 'To: a\x1b[2Jb\r\n'],
    ['a name with a space', 'To you: a\r\n'],
    ['no name', 'continued\r\n'],
    ['one word above 998 octets', `References: ${'x'.repeat(1200)}\r\n`],
    ['more octets than the limit', `To: ${'a, '.repeat(30_000)}\r\n`],
  ] as const) {
    it(`is left out with ${what}`, () => {
      assert.equal(copied(raw), undefined);
    });
  }
  it('is folded where a line is too long', () => {
    const raw = `References: ${Array.from({ length: 100 }, (_, i) => `<${i}@example.com>`).join(' ')}\r\n`;
    const text = copied(raw) ?? '';
    assert.ok(text.split('\r\n').every((line) => line.length <= 998));
    assert.equal(text.replace(/\r\n/g, ''), raw.trimEnd());
  });

  test('whatever it is: one well-formed field, or nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', ' ', '\t', '\r', '\n', '\r\n ', '\0', '\xff', '\xc3\xa4', 'x'.repeat(500), ':')),
        (parts) => {
          const [first] = Header.parse(Buffer.from(`To:${parts.join('')}\r\n`, 'latin1')).fields;
          const copy = first && copyField(first);
          if (copy === undefined) return;
          const again = Header.parse(copy).fields;
          assert.equal(again.length, 1);
          assert.equal(again[0]?.name, 'To');
          assert.match(copy.toString('latin1'), /^(?:[^\r\n\0]{1,998}\r\n)+$/);
          assert.doesNotMatch(copy.toString('latin1'), /\n[ \t]*\r\n/);
          assert.equal(squeeze(unfold(again[0].body)), squeeze(unfold(first?.body ?? Buffer.alloc(0))));
        },
      ),
      // A folded line that holds a bare CR alone was once taken for a blank one.
      { numRuns: RUNS * 5, examples: [[['a', '\r\n ', '\r', '\r\n ', 'a']]] },
    );
  });
});

function squeeze(text: string): string {
  return text.replace(/[ \t]+/g, ' ').trim();
}

describe('a field in a view', () => {
  it('has no bare CR and no NUL', () => {
    const raw = Buffer.from('X: a\rPostern-Status: forged\0b\r\n c\n', 'latin1');
    assert.equal(tameField(raw, '\r\n').toString(), 'X: a Postern-Status: forged b\r\n c\r\n');
  });
  it('keeps every other octet', () => {
    assert.equal(tameField(Buffer.from('X:\t\xe4 \r\n', 'latin1'), '\n').toString('latin1'), 'X:\t\xe4 \n');
  });
  it('loses lines of white space alone', () => {
    assert.equal(tameField(Buffer.from('X: a\r\n \r\n b\r\n'), '\r\n').toString(), 'X: a\r\n b\r\n');
  });
});

describe('a claim to be ours', () => {
  for (const raw of [
    'Postern-Status: x\r\n',
    'POSTERN-Foo : x\r\n',
    'X: a\rPostern-Status: x\r\n',
    'X: a\0 postern-origin: x\r\n',
  ]) {
    it(`is ${JSON.stringify(raw)}`, () => {
      assert.equal(isClaim(field(raw)), true);
    });
  }
  it('is not a field that only mentions us', () => {
    assert.equal(isClaim(field('Subject: Postern-Status: what is it?\r\n')), false);
    assert.equal(isClaim(field('X-Postern-Status: a\r\n Postern-Status: b\r\n')), false);
  });
});

describe('the line of an mbox', () => {
  it('is found with its end', () => {
    for (const line of [
      'From alice@example.com Sat Nov 21 06:27:00 2026\n',
      'From MAILER-DAEMON  Sat Nov 21 06:27:00 2026 +0100\r\n',
      'From - Sat Nov 21 06:27:00 2026\n',
    ]) {
      assert.equal(mboxLine(Buffer.from(`${line}From: x\n`)).toString(), line);
    }
  });
  it('is no field', () => {
    for (const text of ['From: alice@example.com Sat\n', 'From : Sat a\n', 'From alice', 'From a b\n', '']) {
      assert.equal(mboxLine(Buffer.from(text)).length, 0, text);
    }
  });
});
