import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { gather, slices } from '#lib/bytes/source';
import { Header, splitHeader } from '#lib/mime/header';
import { cut, nastyHeader } from './arbitrary.js';

const runs = Number(process.env['FUZZ_RUNS'] ?? 300);

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const text = (buffer: Buffer): string => buffer.toString('latin1');
const header = (value: string): Header => Header.parse(bytes(value));

const SAMPLE = 'Received: a\r\n\tb\r\nSubject: Hi\r\n  there \r\nRECEIVED : c\r\nno field\r\n\r\n';

describe('Header', () => {
  it('finds fields in any case, the first one first', () => {
    const sample = header(SAMPLE);
    assert.deepEqual(
      sample.fields.map(({ name }) => name),
      ['Received', 'Subject', 'RECEIVED', ''],
    );
    assert.equal(text(sample.get('received')?.raw ?? bytes('')), 'Received: a\r\n\tb\r\n');
    assert.equal(text(sample.get('received')?.body ?? bytes('')), ' a\r\n\tb');
    assert.equal(sample.all('Received').length, 2);
    assert.equal(sample.has('Subject'), true);
    assert.equal(sample.has('Date'), false);
    assert.equal(sample.get('Date'), undefined);
    assert.equal(text(sample.all('')[0]?.body ?? bytes('')), 'no field');
    assert.equal(sample.terminated, true);
  });

  it('unfolds as RFC 5322 says', () => {
    assert.equal(header(SAMPLE).unfolded('subject'), 'Hi  there');
    assert.equal(header('A:\r\n \t\r\n').unfolded('a'), '');
    assert.equal(header('A: \xe9\n b').unfolded('a'), '\xe9 b');
    assert.equal(header('A: b').unfolded('c'), undefined);
  });

  it('unfolds a long run of white space in linear time', () => {
    assert.equal(header(`A: b${' '.repeat(1 << 20)}c`).unfolded('a')?.length, (1 << 20) + 2);
  });

  it('prepends and removes, and leaves every other byte', () => {
    const sample = header(SAMPLE);
    assert.equal(text(sample.prepend(bytes('X: 1\r\n 2\r\n')).raw), `X: 1\r\n 2\r\n${SAMPLE}`);
    assert.equal(text(sample.remove('received').raw), 'Subject: Hi\r\n  there \r\nno field\r\n\r\n');
    assert.equal(text(sample.remove('').raw), SAMPLE.replace('no field\r\n', ''));
    assert.equal(text(sample.remove(({ name }) => name === 'Subject').raw), SAMPLE.replace(/Subject(.*\r\n){2}/, ''));
    assert.equal(sample.remove('Date'), sample);
    assert.equal(text(sample.raw), SAMPLE);
  });

  it('refuses to add what is not whole fields', () => {
    for (const field of [
      '',
      'A: b',
      'A: b\r',
      'no colon\r\n',
      ': b\r\n',
      ' A: b\r\n',
      'A: b\r\n\r\n',
      'A: b\r\n\r\nC: d\r\n',
    ])
      assert.throws(() => header(SAMPLE).prepend(bytes(field)), TypeError, JSON.stringify(field));
  });

  it('has a continuation line at the top as no field, which can be taken away before a field is put there', () => {
    const orphan = header(' signature=valid\r\nA: b\r\n\r\n');
    assert.deepEqual(
      orphan.fields.map(({ name }) => name),
      ['', 'A'],
    );
    assert.equal(orphan.prepend(bytes('S: x;\r\n')).unfolded('s'), 'x; signature=valid');
    assert.equal(orphan.remove('').prepend(bytes('S: x;\r\n')).unfolded('s'), 'x;');
  });

  const data: readonly (readonly [string, string, readonly string[], boolean])[] = [
    ['nothing', '', [], false],
    ['a blank line only', '\r\n', [], true],
    ['a bare LF only', '\n', [], true],
    ['bytes after the blank line', '\nA: b\n', [], true],
    ['no blank line', 'A: b\r\n', ['A'], false],
    ['no line end', 'A: b', ['A'], false],
    ['bare LF', 'A: b\nC: d\n e\n\n', ['A', 'C'], true],
    ['bare CR, which ends no line', 'A: b\rC: d\r\n\r\n', ['A'], true],
    ['CR CR LF, which is no blank line', 'A: b\r\n\r\r\nC: d\r\n', ['A', '', 'C'], false],
    ['a lone CR at the end', 'A: b\r\n\r', ['A', ''], false],
    ['a line of white space, which continues', 'A: b\r\n \r\nC: d\r\n\r\n', ['A', 'C'], true],
    ['NUL', 'A\0: b\0\r\n\0\r\n\r\n', ['A\0', ''], true],
    ['8-bit', 'S\xe9: \xff\xfe\r\n\r\n', ['S\xe9'], true],
    ['a colon and no name', ': b\r\n \t: c\r\n\r\n', [''], true],
    ['white space before the colon', 'A \t: b\r\n\r\n', ['A'], true],
    ['a colon in a continuation only', 'A\r\n : b\r\n\r\n', [''], true],
    ['an mbox line', 'From alice Sat Nov 21 10:00:00 2026\nA: b\n\n', ['From alice Sat Nov 21 10', 'A'], true],
  ];
  for (const [what, value, names, terminated] of data)
    it(`takes ${what} as data`, () => {
      const parsed = header(value);
      assert.deepEqual(
        parsed.fields.map(({ name }) => name),
        names,
      );
      assert.equal(parsed.terminated, terminated);
      assert.equal(text(parsed.raw), value);
    });

  it('has fields that joined are the header, whatever the bytes', () => {
    fc.assert(
      fc.property(nastyHeader, (raw) => {
        const parsed = Header.parse(raw);
        const fields = Buffer.concat(parsed.fields.map((field) => field.raw));
        assert.deepEqual(raw.subarray(0, fields.length), fields);
        assert.match(text(raw.subarray(fields.length)), parsed.terminated ? /^\r?\n/ : /^$/);
        for (const { name, body, raw: whole } of parsed.fields) {
          assert.ok(text(whole).startsWith(name));
          assert.ok(whole.includes(body));
        }
      }),
      { numRuns: runs },
    );
  });

  it('keeps every other byte through any edits', () => {
    fc.assert(
      fc.property(nastyHeader, fc.constantFrom('a', 'B', '', 'subject'), (raw, name) => {
        const parsed = Header.parse(raw);
        const kept = parsed.fields.filter((field) => field.name.toLowerCase() !== name.toLowerCase());
        const tail = raw.subarray(parsed.fields.reduce((sum, field) => sum + field.raw.length, 0));
        const removed = parsed.remove(name);
        assert.deepEqual(removed.raw, Buffer.concat([...kept.map((field) => field.raw), tail]));
        const field = bytes('X-Added: 1\r\n\t2\r\n');
        assert.deepEqual(parsed.prepend(field).raw, Buffer.concat([field, raw]));
        assert.deepEqual(parsed.raw, raw);
      }),
      { numRuns: runs },
    );
  });
});

describe('splitHeader', () => {
  it('splits after the blank line', async () => {
    const split = await splitHeader(slices(bytes(`${SAMPLE}body\r\n\r\nmore`)));
    assert.equal(text(split.header.raw), SAMPLE);
    assert.equal(text(await gather(split.body)), 'body\r\n\r\nmore');
    assert.equal(split.complete, true);
  });

  it('takes a message without a blank line as header', async () => {
    const split = await splitHeader(slices(bytes('A: b\r\nC: d')));
    assert.equal(text(split.header.raw), 'A: b\r\nC: d');
    assert.deepEqual(await gather(split.body), bytes(''));
    assert.equal(split.complete, true);
  });

  const over: readonly (readonly [string, string, Parameters<typeof splitHeader>[1], string, boolean])[] = [
    ['exactly at the limit', 'A: b\n\nbody', 6, 'A: b\n\n', true],
    ['whose blank line is over it', 'A: b\n\nbody', 5, 'A: b\n', false],
    ['with a line over it', 'A: b\nC: d\n\nbody', 9, 'A: b\n', false],
    ['of one line over it', 'A: b\n\nbody', 4, '', false],
    ['without a line end', 'A'.repeat(200_000), 100_000, '', false],
    ['with as many fields as allowed', 'A: b\n c\nD: e\n\nbody', { headerFields: 2 }, 'A: b\n c\nD: e\n\n', true],
    ['with one field too many', 'A: b\n c\nD: e\nF: g\n\nbody', { headerFields: 2 }, 'A: b\n c\nD: e\n', false],
  ];
  for (const [what, message, limits, head, complete] of over)
    it(`counts what is over the limit as body: a header ${what}`, async () => {
      for (const size of [1, 3, 1 << 20]) {
        const chunks = cut(bytes(message), message.length > 1000 ? [7, 65_536] : multiples(size, message.length));
        const split = await splitHeader(stream(chunks), limits);
        assert.equal(text(split.header.raw), head);
        assert.equal(head + text(await gather(split.body)), message);
        assert.equal(split.complete, complete);
      }
    });

  it('gives the same for a stream cut anywhere, and loses nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        nastyHeader,
        fc.array(fc.nat(200)),
        fc.option(fc.nat(60), { nil: undefined }),
        fc.option(fc.nat(5), { nil: undefined }),
        async (raw, cuts, octets, fields) => {
          const limits = {
            ...(octets === undefined ? {} : { headerOctets: octets }),
            ...(fields === undefined ? {} : { headerFields: fields }),
          };
          const whole = await splitHeader(slices(raw), limits);
          const pieces = await splitHeader(stream(cut(raw, cuts)), limits);
          assert.deepEqual(pieces.header.raw, whole.header.raw);
          assert.equal(pieces.complete, whole.complete);
          assert.deepEqual(Buffer.concat([pieces.header.raw, await gather(pieces.body)]), raw);
          assert.ok(whole.header.raw.length <= (octets ?? Infinity));
          if (octets === undefined && fields === undefined) assert.equal(whole.complete, true);
        },
      ),
      { numRuns: runs },
    );
  });

  it('rejects when the stream does, in the header or in the body', async () => {
    const failing = async function* (...chunks: string[]) {
      yield* stream(chunks.map(bytes));
      await Promise.reject(new Error('gone'));
    };
    await assert.rejects(splitHeader(failing('A: b\r\n')), /gone/);
    const { body } = await splitHeader(failing('A: b\r\n\r\n', 'x'));
    await assert.rejects(gather(body), /gone/);
  });

  it('releases the stream when the body is left early or never begun', async () => {
    for (const read of [true, false]) {
      let released = false;
      const source = async function* () {
        try {
          yield* stream(['A: b\r\n\r\nx', 'y', 'z'].map(bytes));
        } finally {
          released = true;
        }
      };
      const { body } = await splitHeader(source());
      if (read) for await (const chunk of body) if (chunk.length > 0) break;
      if (!read) await body[Symbol.asyncIterator]().return?.();
      assert.equal(released, true);
    }
  });
});

async function* stream(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void> {
  await Promise.resolve();
  yield* chunks;
}

function multiples(size: number, length: number): number[] {
  return Array.from({ length: Math.floor(length / size) }, (_, i) => i * size);
}
