import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { ViewError } from '#imap/view/error';
import { readCorpus } from '#test/corpus/corpus';
import { canonical } from './canonical.js';
import { DIFFERENCES, excuse, wholeOf } from './differences.js';
import { type Reference, startReference } from './dovecot.js';
import { fetch, view, viewOf } from './fetch.js';
import { broken, decodable } from './messages.js';
import { question, TEXT_ITEMS } from './questions.js';

/** Generated messages of each kind. FUZZ_RUNS sets another number. */
const MESSAGES = Number(process.env['FUZZ_RUNS'] ?? 50);
/** Questions about each message, besides the items whose answer is text. */
const QUESTIONS = 12;
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

/** Messages of the corpus in which Dovecot finds other parts: test/lib/mime/dovecot.test.ts says why. */
const OTHER_PARTS = [
  ...['cut-message-header', 'delimiter-with-text', 'empty-boundary', 'forwarded', 'hyphens', 'long-boundary'],
  ...['message-base64', 'message-global', 'preamble-epilogue'],
];
/** Those in which a multipart that has just been closed is followed by a delimiter, or a header by one. */
const OTHER_ENDS = ['empty-parts', 'invitation', 'prefix-closing', 'prefix-inner', 'prefix-outer', 'same-boundary'];

interface Asked {
  readonly name: string;
  readonly octets: Buffer;
  readonly items: readonly string[];
}

const corpus = readCorpus().filter(({ name }) => !OTHER_PARTS.includes(name));
const generated = (kind: fc.Arbitrary<Buffer>, name: string): Asked[] =>
  fc.sample(kind, { numRuns: MESSAGES, seed: SEED }).map((octets, index) => ({
    name: `${name} ${index}`,
    octets,
    items: questions(index),
  }));

function questions(index: number): string[] {
  return [...TEXT_ITEMS, ...fc.sample(question, { numRuns: QUESTIONS, seed: SEED * 1_000_000 + index })];
}

const REAL: readonly Asked[] = corpus.map(({ name, bytes }, index) => ({
  name,
  octets: bytes,
  items: questions(-index - 1),
}));
const DECODABLE = generated(decodable, 'decodable');
const BROKEN = generated(broken, 'broken').map((asked) => ({
  ...asked,
  items: asked.items.filter((item) => !item.startsWith('BINARY') && item !== 'PREVIEW'),
}));

describe('every item of FETCH', () => {
  const messages = [
    ...DIFFERENCES.map(({ message }) => Buffer.from(message, 'latin1')),
    ...[...REAL, ...DECODABLE, ...BROKEN].map(({ octets }) => octets),
  ];
  let reference: Reference;
  before(async () => {
    reference = await startReference(messages);
  });
  after(() => reference.stop());

  describe('differs from Dovecot’s as we mean it to', () => {
    for (const [message, { why, message: text, item, ours, theirs }] of DIFFERENCES.entries())
      it(`${item}: ${why}`, async () => {
        assert.equal((await fetch(viewOf(text), item)).toString('latin1'), ours);
        const answer = (await reference.ask({ message, item })).toString('latin1');
        if (typeof theirs === 'string') assert.equal(answer, theirs);
        else assert.match(answer, theirs);
      });
  });

  it('is Dovecot’s, octet for octet, in real-looking messages', () => compare(REAL, DIFFERENCES.length));
  it('is Dovecot’s in generated messages that can be decoded', () =>
    compare(DECODABLE, DIFFERENCES.length + REAL.length));
  it('is Dovecot’s in generated messages with bad headers', () =>
    compare(BROKEN, DIFFERENCES.length + REAL.length + DECODABLE.length));

  async function compare(list: readonly Asked[], first: number): Promise<void> {
    for (const [index, { name, octets, items }] of list.entries()) {
      const shown = view(octets);
      const text = octets.toString('latin1');
      for (const item of items) {
        const isText = TEXT_ITEMS.some((each) => each === item);
        const spell = (answer: Buffer): string => (isText ? canonical(answer) : answer.toString('latin1'));
        const ours = spell(await fetch(shown, item).catch(codeOf));
        const message = first + index;
        const theirs = spell(await reference.ask({ message, item }));
        if (ours === theirs || excuse(text, item, ours, theirs) !== undefined) continue;
        // Where there are bare line feeds Dovecot seeks, and not always to the right octet.
        const whole = wholeOf(item);
        if (ours === whole?.cut((await reference.ask({ message, item: whole.item })).toString('latin1'))) continue;
        if (OTHER_ENDS.includes(name) && /^B\w+[^[]*\[\d/.test(item)) continue;
        assert.equal(ours, theirs, `${item} of ${name}:\n${JSON.stringify(text)}`);
      }
    }
  }
});

function codeOf(error: unknown): Buffer {
  if (error instanceof ViewError) return Buffer.from(error.code);
  throw error;
}
