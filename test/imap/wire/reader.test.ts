import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { WireError } from '#imap/wire/error';
import { Gatherer, joinParts } from '#imap/wire/part';
import { Reader } from '#imap/wire/reader';
import { Writer } from '#imap/wire/writer';
import { command, fragmentsOf, octets, outcome, response, spelled } from './octets.js';

function read<T>(text: string, how: (reader: Reader) => T): T | string {
  return outcome(() => {
    const reader = new Reader(response(`${text}\r\n`));
    const value = how(reader);
    reader.end();
    return value;
  });
}

describe('what is gathered', () => {
  it('has all octets, and knows the place of literals that are not held', () => {
    const text = 'a APPEND {3+}\r\nfoo ~{4+}\r\nabcd {0+}\r\n\r\n';
    assert.equal(joinParts(command(text)).toString('latin1'), text);
    const gatherer = new Gatherer();
    for (const fragment of fragmentsOf('client', octets(text))) {
      if (fragment.kind !== 'literal') gatherer.push(fragment);
    }
    assert.equal(spelled(gatherer.parts), 'a APPEND {3+}\r\n<3> ~{4+}\r\n<4> {0+}\r\n<0>\r\n');
    assert.throws(() => joinParts(gatherer.parts), WireError);
  });

  it('has limits', () => {
    const [line, literal] = fragmentsOf('client', octets('a X {9+}\r\n123456789\r\n'));
    assert.ok(line?.kind === 'line' && line.literal !== undefined && literal !== undefined);
    const gatherer = new Gatherer({ octets: 15 });
    gatherer.push(line);
    assert.equal(gatherer.takes(line.literal), false);
    assert.equal(
      outcome(() => gatherer.push(literal)),
      'limit',
    );
    assert.equal(
      outcome(() => new Gatherer({ literals: 0 }).push(line)),
      'limit',
    );
  });
});

describe('the reader', () => {
  it('reads numbers in their ranges only', () => {
    assert.equal(
      read('4294967295', (r) => r.number()),
      4294967295,
    );
    assert.equal(
      read('4294967296', (r) => r.number()),
      'syntax',
    );
    assert.equal(
      read('0', (r) => r.positive()),
      'syntax',
    );
    assert.equal(
      read('01', (r) => r.positive()),
      'syntax',
    );
    assert.equal(
      read('9223372036854775807', (r) => r.number64()),
      9223372036854775807n,
    );
    assert.equal(
      read('9223372036854775808', (r) => r.number64()),
      'syntax',
    );
    assert.equal(
      read('9'.repeat(50_000), (r) => r.number64()),
      'syntax',
    );
    assert.equal(
      read('9007199254740992', (r) => r.octets()),
      'syntax',
    );
    assert.equal(
      read('-1', (r) => r.number()),
      'syntax',
    );
  });

  it('reads quoted strings and literals', () => {
    assert.deepEqual(
      read('"a\\"b\\\\c"', (r) => r.string()),
      octets('a"b\\c'),
    );
    assert.deepEqual(
      read('""', (r) => r.string()),
      octets(''),
    );
    assert.deepEqual(
      read('"\xc3\xa9"', (r) => r.string()),
      octets('\xc3\xa9'),
    );
    assert.deepEqual(
      read('{5}\r\na\r\nb\0', (r) => r.string()),
      octets('a\r\nb\0'),
    );
    assert.deepEqual(
      read('nil', (r) => r.nstring()),
      undefined,
    );
    assert.deepEqual(
      read('NILS', (r) => r.astring()),
      octets('NILS'),
    );
    assert.deepEqual(
      read('"NIL"', (r) => r.nstring()),
      octets('NIL'),
    );
    for (const text of ['"a', '"a\\', '"a\\"', '"a\0b"', '"a\rb"', 'a', '', '(']) {
      assert.equal(
        read(text, (r) => r.string()),
        'syntax',
        text,
      );
    }
  });

  it('reads lists, flags and words', () => {
    const flags = read('(\\Seen $Forwarded \\* foo])', (r) => r.flags());
    assert.deepEqual(flags, ['\\Seen', '$Forwarded', '\\*', 'foo]']);
    assert.deepEqual(
      read('()', (r) => r.flags()),
      [],
    );
    for (const text of ['(', '(a', '(a ', '(a  b)', '( a)', '(a b', '(a\0)', 'a', '(\\)', '(\\*a)']) {
      assert.equal(
        read(text, (r) => r.flags()),
        'syntax',
        text,
      );
    }
  });

  it('steps over anything, and gives it back', () => {
    for (const text of ['a', '"b c"', '(a "(" {2}\r\n)( (c d) [x])', '{3}\r\n(((', '()', 'BODY[1]<2>']) {
      const parts = read(text, (r) => r.opaque());
      assert.ok(typeof parts !== 'string', text);
      assert.equal(spelled(parts), text);
      assert.equal(spelled(new Writer().copy(parts).end()), `${text}\r\n`);
    }
    for (const text of ['', ')', '(', '(a', '("', '(a))'])
      assert.equal(
        read(text, (r) => r.opaque()),
        'syntax',
        text,
      );
  });

  it('stops at its limits', () => {
    assert.equal(
      read('('.repeat(100_000), (r) => r.opaque()),
      'limit',
    );
    assert.equal(
      read(`(${'a '.repeat(150_000)}a)`, (r) => r.list(() => r.atom())),
      'limit',
    );
  });

  it('says what it expected and where, and nothing of what stands there', () => {
    const reader = new Reader(command('a LOGIN {3+}\r\nbob (secret\r\n'), 7);
    reader.space();
    reader.astring();
    reader.space();
    assert.throws(
      () => reader.astring('a password'),
      (error) => error instanceof WireError && error.message === 'Expected a password at octet 1 of line 2.',
    );
  });
});

describe('the writer', () => {
  const some = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));

  it('writes strings that are read as they were', () => {
    fc.assert(
      fc.property(some, fc.boolean(), (value, utf8) => {
        if (value.includes(0)) return;
        const writer = new Writer({ utf8 });
        const parts = writer.string(value).space().nstring(value).space().astring(value).end();
        const reader = new Reader(response(spelled(parts)));
        assert.deepEqual(reader.string(), value);
        reader.space();
        assert.deepEqual(reader.nstring(), value);
        reader.space();
        assert.deepEqual(reader.astring(), value);
        reader.end();
      }),
    );
  });

  it('writes no line with CR, LF or NUL, and none that announces a literal which does not come', () => {
    const write = [
      (text: string) => new Writer().atom(text),
      (text: string) => new Writer().flag(text),
      (text: string) => new Writer().syntax(text),
      (text: string) => new Writer().quoted(octets(text)),
      (text: string) => new Writer().text(octets(text)),
      (text: string) => new Writer().copy([octets(text)]),
    ];
    for (const each of write) {
      for (const text of ['a\rb', 'a\nb', 'a\0b', '\r\na', 'a\u010ab']) {
        assert.equal(
          outcome(() => each(text)),
          'unwritable',
          JSON.stringify(text),
        );
      }
    }
    assert.equal(
      outcome(() => new Writer().copy([octets('a {5}')]).end()),
      'unwritable',
    );
    assert.equal(
      outcome(() => new Writer().copy([octets('a {5}\r\n'), { size: 4, nonSynchronizing: false, binary: false }])),
      'unwritable',
    );
    for (const number of [-1, 1.5, NaN, 2 ** 60, 2n ** 63n, -1n]) {
      assert.equal(
        outcome(() => new Writer().number(number)),
        'unwritable',
      );
    }
  });

  it('makes literals wait or not as the other side has them', () => {
    const parts = command('a X {3+}\r\nabc {5000+}\r\n' + 'x'.repeat(5000) + '\r\n');
    const marks = (nonSynchronizing?: number): string[] =>
      spelled(new Writer({ nonSynchronizing }).copy(parts).end()).match(/\{.*?\}/g) ?? [];
    assert.deepEqual(marks(), ['{3+}', '{5000+}']);
    assert.deepEqual(marks(0), ['{3}', '{5000}']);
    assert.deepEqual(marks(4096), ['{3+}', '{5000}']);
    assert.deepEqual(marks(Infinity), ['{3+}', '{5000+}']);
  });

  it('ends every line in CRLF', () => {
    assert.equal(spelled(new Writer().copy(command('a X {1+}\na\n')).end()), 'a X {1+}\r\na\r\n');
  });
});
