import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type MimeLimits, MIME_LIMITS } from '#lib/mime/limits';
import { type Part, StructureParser, parseStructure } from '#lib/mime/structure';
import { readCorpus } from '#test/corpus/corpus';
import { referenceStructure } from './reference.js';

/** A message of CRLF lines. */
const lines = (...text: readonly string[]): Buffer => Buffer.from(text.map((line) => `${line}\r\n`).join(''), 'latin1');

const MIXED = ['Content-Type: multipart/mixed; boundary=b', ''];

/** What a part is, with what its body says: `type(body)`, `type[part part]`, `type{message}`, `!limit` after the type. */
function tree(message: Buffer, part = parseStructure(message)): string {
  const limit = part.limit === undefined ? '' : `!${part.limit}`;
  const name = part.contentType.type.replace(/^text\/plain$/, 'text') + limit;
  if (part.message !== undefined) return `${name}{${tree(message, part.message)}}`;
  if (part.preamble !== undefined) return `${name}[${part.parts.map((child) => tree(message, child)).join(' ')}]`;
  return `${name}(${message.toString('latin1', part.bodyStart, part.end)})`;
}

const treeOf = (message: Buffer, limits?: Partial<MimeLimits>): string =>
  tree(message, parseStructure(message, limits));

describe('the structure of a message', () => {
  it('has the offsets and counts of every piece', () => {
    const message = lines(...MIXED, 'pre', '--b', 'A: c', '', 'one', 'two', '--b--', 'post');
    const part = parseStructure(message);
    const [child] = part.parts;
    const at = (text: string): number => message.indexOf(text);
    assert.ok(child !== undefined);
    assert.deepEqual([part.start, part.bodyStart, part.end, part.lines], [0, at('pre'), message.length, 8]);
    assert.deepEqual([child.start, child.bodyStart, child.end, child.lines], [at('A:'), at('one'), at('\r\n--b--'), 1]);
    assert.deepEqual(part.preamble, { start: at('pre'), end: at('\r\n--b\r\n') });
    assert.deepEqual(part.epilogue, { start: at('post'), end: message.length });
    assert.equal(child.header.unfolded('a'), 'c');
    assert.deepEqual(
      [child.preamble, child.epilogue, child.message, child.limit],
      [undefined, undefined, undefined, undefined],
    );
  });

  it('counts line feeds, and those without CR', () => {
    const part = parseStructure(Buffer.from('A: b\n\na\r\nb\nc\r\r\n\nd'));
    assert.deepEqual([part.lines, part.bareLineFeeds], [4, 2]);
  });

  it('gives the line end before a delimiter to the delimiter, but not the blank line', () => {
    assert.equal(
      treeOf(lines(...MIXED, '--b', '', 'x', '', '--b', '', '--b--')),
      'multipart/mixed[text(x\r\n) text()]',
    );
    assert.equal(treeOf(lines(...MIXED, '--b', '', 'x', '', '--b--').subarray(0, -2)), 'multipart/mixed[text(x\r\n)]');
  });

  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['no boundary', ['Content-Type: multipart/mixed', '', '--b', '', 'x'], 'multipart/mixed(--b\r\n\r\nx\r\n)'],
    [
      'an empty boundary',
      ['Content-Type: multipart/mixed; boundary=""', '', '--', '', 'x'],
      'multipart/mixed(--\r\n\r\nx\r\n)',
    ],
    ['no end', [...MIXED, '--b', '', 'x', '--b', '', 'y'], 'multipart/mixed[text(x) text(y\r\n)]'],
    ['an end at once', [...MIXED, '--b--', '--b', '', 'x'], 'multipart/mixed[]'],
    [
      'a delimiter with more after it',
      [...MIXED, '--b', '', 'x', '--bb', '--b x', '--b-'],
      'multipart/mixed[text(x\r\n--bb\r\n--b x\r\n--b-\r\n)]',
    ],
    ['white space after delimiters', [...MIXED, '--b \t', '', 'x', '--b-- \r'], 'multipart/mixed[text(x)]'],
    [
      'an outer delimiter inside',
      [...MIXED, '--b', 'Content-Type: multipart/x; boundary=c', '', '--c', '', 'x', '--b', '', 'y'],
      'multipart/mixed[multipart/x[text(x)] text(y\r\n)]',
    ],
    ['a closed boundary again', [...MIXED, '--b', '', 'x', '--b--', '--b', '', 'y'], 'multipart/mixed[text(x)]'],
    [
      'a boundary again inside',
      [...MIXED, '--b', ...MIXED, '--b', '', 'x', '--b--', '--b', '', 'y'],
      'multipart/mixed[multipart/mixed[text(x)] text(y\r\n)]',
    ],
    [
      'an inner boundary that the outer begins',
      [...MIXED, '--b', 'Content-Type: multipart/x; boundary=bb', '', '--bb', '', 'x', '--bb--', '--b', '', 'y'],
      'multipart/mixed[multipart/x[text(x)] text(y\r\n)]',
    ],
    [
      'an inner boundary that begins the outer',
      ['Content-Type: multipart/x; boundary=bb', '', '--bb', ...MIXED, '--b', '', 'x', '--bb', '', 'y'],
      'multipart/x[multipart/mixed[text(x)] text(y\r\n)]',
    ],
    [
      'a delimiter in a header',
      [...MIXED, '--b', 'Content-Type: a/b', '--b', '', 'x'],
      'multipart/mixed[a/b() text(x\r\n)]',
    ],
    ['a message', ['Content-Type: message/rfc822', '', 'Content-Type: a/b', '', 'x'], 'message/rfc822{a/b(x\r\n)}'],
    ['a message with UTF-8', ['Content-Type: message/global', '', '', 'x'], 'message/global{text(x\r\n)}'],
    [
      'a message in 8bit',
      ['Content-Type: message/rfc822', 'Content-Transfer-Encoding: 8BIT', '', '', 'x'],
      'message/rfc822{text(x\r\n)}',
    ],
    [
      'a message in base64',
      ['Content-Type: message/rfc822', 'Content-Transfer-Encoding: base64', '', '', 'x'],
      'message/rfc822(\r\nx\r\n)',
    ],
    [
      'a message in an unknown encoding',
      ['Content-Type: message/rfc822', 'Content-Transfer-Encoding: x-a', '', 'x'],
      'message/rfc822(x\r\n)',
    ],
    [
      'a message that is not there',
      [...MIXED, '--b', 'Content-Type: message/rfc822', '--b--'],
      'multipart/mixed[message/rfc822{text()}]',
    ],
    ['a delivery status', ['Content-Type: message/delivery-status', '', 'x'], 'message/delivery-status(x\r\n)'],
    [
      'a digest',
      [
        'Content-Type: multipart/digest; boundary=b',
        '',
        '--b',
        '',
        '',
        'x',
        '--b',
        'Content-Type: rubbish',
        '',
        'y',
        '--b',
        'Content-Type: a/b',
        '',
        'z',
      ],
      'multipart/digest[message/rfc822{text(x)} text(y) a/b(z\r\n)]',
    ],
    ['rubbish for a type', ['Content-Type: multipart; boundary=b', '', '--b', '', 'x'], 'text(--b\r\n\r\nx\r\n)'],
    ['two types', ['Content-Type: a/b', ...MIXED, '--b'], 'a/b(--b\r\n)'],
    ['no blank line', ['Content-Type: multipart/mixed; boundary=b'], 'multipart/mixed[]'],
    ['NUL and 8-bit', [...MIXED, '--b', 'A\0: \xff', '', '\0\xff', '--b--'], 'multipart/mixed[text(\0\xff)]'],
  ];
  for (const [what, message, expected] of cases)
    it(`takes ${what} as data`, () => {
      assert.equal(treeOf(lines(...message)), expected);
    });

  it('knows no line end but LF', () => {
    const bareLF = Buffer.from(
      lines(...MIXED, '--b', '', 'x', 'y', '--b--')
        .toString()
        .replaceAll('\r', ''),
    );
    assert.equal(treeOf(bareLF), 'multipart/mixed[text(x\ny)]');
    const bareCR = Buffer.from('Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r--b\r\n');
    assert.equal(treeOf(bareCR), 'multipart/mixed[text(x\r--b\r\n)]');
  });

  it('takes a delimiter that the end of the message cuts off, but begins nothing after it', () => {
    assert.equal(treeOf(lines(...MIXED, '--b', '', 'x', '--b').subarray(0, -2)), 'multipart/mixed[text(x)]');
    assert.equal(treeOf(lines(...MIXED, '--b', '', 'x', '--b')), 'multipart/mixed[text(x) text()]');
  });

  it('takes nothing at all', () => {
    assert.equal(treeOf(Buffer.alloc(0)), 'text()');
    assert.equal(new StructureParser().end().end, 0);
  });
});

describe('the limits of a structure', () => {
  const nested = (levels: number): Buffer =>
    lines(
      ...Array.from({ length: levels }, (_, i) => [`Content-Type: multipart/x; boundary=b${i}`, '', `--b${i}`]).flat(),
      '',
      'x',
    );
  const deep = (part: Part): number => 1 + Math.max(0, ...(part.message ? [part.message] : part.parts).map(deep));
  const many = (count: number): Buffer =>
    lines(...MIXED, ...Array.from({ length: count }, () => ['--b', '', 'x']).flat(), '--b--');

  it('has a thousand parts', () => {
    const { parts } = parseStructure(many(1000));
    assert.equal(parts.length, 1000);
    assert.equal(parts[999]?.end, many(1000).indexOf('\r\n--b--'));
  });

  it('makes a leaf of a multipart or message that is too deep', () => {
    assert.equal(deep(parseStructure(nested(5000))), MIME_LIMITS.depth);
    assert.equal(
      treeOf(nested(3), { depth: 2 }),
      'multipart/x[multipart/x!depth(--b1\r\nContent-Type: multipart/x; boundary=b2\r\n\r\n--b2\r\n\r\nx\r\n)]',
    );
    const messages = lines(...Array.from({ length: 5000 }, () => ['Content-Type: message/rfc822', '']).flat());
    assert.equal(deep(parseStructure(messages)), MIME_LIMITS.depth);
  });

  it('lets the last part have the rest when there are too many', () => {
    const { parts, end } = parseStructure(many(MIME_LIMITS.parts + 5));
    assert.equal(parts.length, MIME_LIMITS.parts - 1);
    assert.deepEqual([parts.at(-1)?.limit, parts.at(-1)?.end], ['parts', end]);
    assert.equal(treeOf(many(3), { parts: 3 }), 'multipart/mixed[text(x) text!parts(x\r\n--b\r\n\r\nx\r\n--b--\r\n)]');
    assert.equal(treeOf(many(3), { parts: 1 }).slice(0, 22), 'multipart/mixed!parts(');
  });

  it('makes a leaf of a part whose header is too large, and keeps to the sum', () => {
    const large = lines(...MIXED, '--b', 'Content-Type: a/b', `X: ${'x'.repeat(50)}`, '', 'y', '--b', '', 'z', '--b--');
    assert.equal(
      treeOf(large, { headerOctets: 50 }),
      `multipart/mixed[a/b!header(X: ${'x'.repeat(50)}\r\n\r\ny) text(z)]`,
    );
    assert.equal(
      treeOf(large, { headerFields: 1 }),
      `multipart/mixed[a/b!header(X: ${'x'.repeat(50)}\r\n\r\ny) text(z)]`,
    );
    assert.equal(
      treeOf(large, { totalHeaderOctets: 65 }),
      `multipart/mixed[a/b!header(X: ${'x'.repeat(50)}\r\n\r\ny) text!header(\r\nz)]`,
    );
    const huge = parseStructure(Buffer.alloc(2 * MIME_LIMITS.headerOctets, 'a'));
    assert.deepEqual([huge.limit, huge.bodyStart], ['header', 0]);
    const fields = parseStructure(Buffer.from('a\n'.repeat(2 * MIME_LIMITS.headerFields)));
    assert.deepEqual([fields.limit, fields.bodyStart], ['header', 2 * MIME_LIMITS.headerFields]);
  });

  it('makes a leaf of a multipart with too long a boundary', () => {
    const message = (length: number): Buffer =>
      lines(`Content-Type: multipart/x; boundary=${'q'.repeat(length)}`, '', `--${'q'.repeat(length)}`, '', 'x');
    assert.equal(treeOf(message(MIME_LIMITS.boundaryOctets)), 'multipart/x[text(x\r\n)]');
    assert.match(treeOf(message(MIME_LIMITS.boundaryOctets + 1)), /^multipart\/x!boundary\(/);
  });

  it('takes a delimiter with too much white space after it as content', () => {
    const message = (padding: number): Buffer => lines(...MIXED, `--b${' '.repeat(padding)}`, '', 'x');
    assert.equal(treeOf(message(MIME_LIMITS.delimiterPadding - 1)), 'multipart/mixed[text(x\r\n)]');
    assert.equal(treeOf(message(MIME_LIMITS.delimiterPadding)), 'multipart/mixed[]');
  });
});

describe('a message in chunks', () => {
  it('has the same structure a byte at a time, and as the slow reference finds it: the corpus', () => {
    for (const { name, bytes } of readCorpus()) {
      const whole = parseStructure(bytes);
      const parser = new StructureParser();
      for (let i = 0; i < bytes.length; i++) parser.push(bytes.subarray(i, i + 1));
      assert.deepEqual(JSON.stringify(parser.end()), JSON.stringify(whole), name);
      assert.deepEqual(JSON.stringify(referenceStructure(bytes)), JSON.stringify(whole), name);
    }
  });

  it('is not held: 200 MB in one part leave nothing but offsets', () => {
    const chunk = Buffer.alloc(65_536, `${'A'.repeat(76)}\r\n`);
    const parser = new StructureParser();
    parser.push(lines(...MIXED, '--b', 'Content-Type: a/b', ''));
    const before = process.memoryUsage();
    const size = 200_000_000;
    for (let pushed = 0; pushed < size; pushed += chunk.length) parser.push(chunk);
    const after = process.memoryUsage();
    parser.push(lines('', '--b--'));
    const [part] = parser.end().parts;
    assert.ok(part !== undefined && part.end - part.bodyStart >= size);
    assert.ok(after.arrayBuffers - before.arrayBuffers < 1_000_000);
    assert.ok(after.heapUsed - before.heapUsed < 20_000_000);
  });

  it('takes linear time where it tries to be hard', () => {
    const hard = [
      '--\r\n',
      '--b \r\n',
      '\n',
      '\r',
      '--',
      '--b',
      '-\r\n',
      ' ',
      'a:\n',
      'Content-Type: message/rfc822\n\n',
    ];
    for (const piece of hard) {
      const message = Buffer.concat([lines(...MIXED, '--b'), Buffer.alloc(1 << 20, piece)]);
      const parser = new StructureParser();
      for (let i = 0; i < message.length; i += 7) parser.push(message.subarray(i, i + 7));
      assert.equal(parser.end().end, message.length);
    }
  });
});
