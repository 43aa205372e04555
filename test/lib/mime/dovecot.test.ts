import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Part, parseStructure } from '#lib/mime/structure';
import { readCorpus, readDovecotStructures } from '#test/corpus/corpus';

/** What a BODYSTRUCTURE says of type, size and nesting. */
type Shape = readonly [type: string, octets: number, lines: number | undefined, ...children: Shape[]];

/** Where we mean to differ, and what we find instead. */
const DIFFERENT: Readonly<Record<string, readonly [why: string, ours: Shape]>> = {
  'cut-message-header': [
    'The line end before the delimiter is the delimiter’s (RFC 2046 §5.1.1), also in a header.',
    ['multipart/mixed', 0, undefined, ['message/rfc822', 10, 0, ['text/plain', 0, 0]]],
  ],
  forwarded: [
    'The same, where a multipart in the part before it has just been closed.',
    [
      'multipart/mixed',
      0,
      undefined,
      ['text/plain', 10, 0],
      [
        'message/rfc822',
        259,
        18,
        ['multipart/mixed', 0, undefined, ['message/rfc822', 49, 4, ['text/plain', 6, 1]], ['text/html', 10, 1]],
      ],
    ],
  ],
  'delimiter-with-text': [
    'A delimiter line has nothing after its boundary but white space.',
    ['multipart/mixed', 0, undefined, ['text/plain', 24, 3]],
  ],
  'preamble-epilogue': [
    'The same: --bc is no delimiter of b.',
    ['multipart/mixed', 0, undefined, ['text/plain', 1, 0]],
  ],
  hyphens: ['The same: --b- is none either.', ['multipart/mixed', 0, undefined, ['text/plain', 30, 6]]],
  'empty-boundary': ['No boundary is no boundary.', ['multipart/mixed', 0, undefined, ['text/plain', 0, 0]]],
  'long-boundary': [
    'Dovecot looks at the first 80 octets of a boundary only.',
    ['multipart/mixed', 0, undefined, ['text/plain', 0, 0]],
  ],
  'message-base64': ['RFC 2046 §5.2.1: not a message that can be looked into.', ['message/rfc822', 22, undefined]],
  'message-global': ['RFC 6532 §3.7: a message.', ['message/global', 61, 4, ['text/plain', 6, 1]]],
};

describe('the structure of the corpus', () => {
  const answers = readDovecotStructures();
  for (const { name, bytes } of readCorpus())
    it(`is what Dovecot finds, or differs as we mean it to: ${name}`, () => {
      const answer = answers.get(name);
      assert.ok(answer !== undefined);
      const theirs = readShape(answer);
      const ours = shape(parseStructure(bytes));
      const different = DIFFERENT[name];
      assert.deepEqual(ours, different?.[1] ?? theirs);
      if (different !== undefined) assert.notDeepEqual(ours, theirs);
    });
});

/** IMAP cannot say that a multipart has no parts: like Dovecot, this gives it an empty one. */
const NO_PARTS: Shape = ['text/plain', 0, 0];

function shape(part: Part): Shape {
  const { type } = part.contentType;
  if (type.startsWith('multipart/'))
    return [type, 0, undefined, ...(part.parts.length === 0 ? [NO_PARTS] : part.parts.map(shape))];
  const octets = part.end - part.bodyStart + part.bareLineFeeds;
  if (part.message !== undefined) return [type, octets, part.lines, shape(part.message)];
  return [type, octets, type.startsWith('text/') ? part.lines : undefined];
}

/** A parenthesised list of IMAP. */
type Value = string | List;
interface List {
  readonly values: readonly Value[];
}

function readList(tokens: Iterator<RegExpExecArray>): List {
  const values: Value[] = [];
  for (;;) {
    const next = tokens.next();
    if (next.done === true || next.value[0] === ')') return { values };
    const [token, quoted] = next.value;
    values.push(token === '(' ? readList(tokens) : (quoted ?? token));
  }
}

function readShape(answer: string): Shape {
  return listShape(readList(answer.matchAll(/"((?:\\.|[^"\\])*)"|[()]|[^\s()"]+/g)));
}

/** RFC 9051 §7.5.2, BODYSTRUCTURE. */
function listShape({ values }: List): Shape {
  const [type, subtype, , , , , octets, lines, message, messageLines] = values;
  if (typeof type !== 'string') {
    const subtypeAt = values.findIndex((value) => typeof value === 'string');
    return [`multipart/${text(values[subtypeAt])}`, 0, undefined, ...values.slice(0, subtypeAt).map(childShape)];
  }
  const name = `${type}/${text(subtype)}`;
  if (name === 'message/rfc822') return [name, Number(octets), Number(messageLines), childShape(message)];
  return [name, Number(octets), type === 'text' ? Number(lines) : undefined];
}

function childShape(value: Value | undefined): Shape {
  assert.ok(typeof value === 'object');
  return listShape(value);
}

function text(value: Value | undefined): string {
  assert.ok(typeof value === 'string');
  return value;
}
