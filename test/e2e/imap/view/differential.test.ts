/**
 * The same questions about the same messages: in plaintext at Dovecot, and encrypted through Postern. Each answer must say the same.
 * VIEW_RUNS is the number of questions, VIEW_SEED chooses others.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type CorpusMessage, readCorpus } from '#test/corpus/corpus';
import { summarise } from '#imap/messages/summarise';
import { SummaryKey } from '#lib/message/summary';
import { type Connection, expectOK, login, random } from '../client.js';
import { numberedMessage } from '../fixture.js';
import { type Answers, type Items, type Value, readAnswers } from './answers.js';
import { type Twins, append, select, startTwins } from './mailbox.js';
import { Questions } from './questions.js';

const RUNS = Number(process.env['VIEW_RUNS'] ?? 200);
const SEED = Number(process.env['VIEW_SEED'] ?? 1);

/**
 * Messages whose parts we see otherwise on purpose (test/lib/mime/dovecot.test.ts says why), and those that Dovecot changes when they are
 * appended: it leaves out a CR before a CRLF, and at the end.
 */
const DIFFERENT = new Set([
  ...['cut-message-header', 'forwarded', 'forwarded, sent', 'delimiter-with-text', 'preamble-epilogue', 'hyphens'],
  ...['empty-boundary', 'long-boundary', 'message-base64', 'message-global', 'bare-cr', 'only-cr'],
]);

/** Of a command: it asks for more than flags and the like. */
const ABOUT_CONTENT = /BODY|RFC822|ENVELOPE|PREVIEW|BINARY|ALL|FAST|FULL/;

/** Of a digest Dovecot shows the header of its first message; of octets that are no text it trims other ones. */
const UNLIKE_PREVIEWS = new Set(['digest', 'invitation']);

/** More than it takes to tell what most of a mailbox are. */
const SAMPLED = 150;
/** As mail programs list a mailbox. */
const LISTINGS = [
  'FETCH 1:* FULL',
  'UID FETCH 1:* (FLAGS RFC822.SIZE ENVELOPE BODYSTRUCTURE INTERNALDATE)',
  'FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (From To Subject Content-Type Message-ID)])',
  'UID FETCH 1:* (RFC822.HEADER PREVIEW)',
  'FETCH 1:* RFC822.SIZE',
];

/** In the subject, the body and a file name of messages that are stored encrypted. */
const CANARY = 'whimbrel-9f31c2';

describe('an encrypted mailbox through Postern, against the same in plaintext', () => {
  let twins: Twins;
  let plain: Connection;
  let shown: Connection;
  let names: readonly string[] = [];
  let uids: readonly number[] = [];

  before(async () => {
    twins = await startTwins();
    const stored = await storedForms(twins);
    names = stored.map(({ name }) => name);
    uids = stored.map((_, index) => index + 1);
    await append(
      twins.stored,
      stored.map(({ octets }) => octets),
    );
    await append(twins.plain, await Promise.all(stored.map(({ octets }) => twins.view(octets))));
    plain = await select(twins.plain);
    shown = await select(twins.shown);
  });
  after(async () => {
    plain.close();
    shown.close();
    await twins.stop();
  });

  it('answers the same', async () => {
    const next = random(SEED);
    const questions = new Questions(next);
    const told: string[] = [];
    for (let asked = 0; asked < RUNS;) {
      const pipeline = Array.from({ length: 1 + Math.floor(next() * 4) }, () => questions.next(uids)).filter(
        // What passes is not in Postern's hands: Dovecot may mix the answers to two such commands.
        (question, index) => index === 0 || ABOUT_CONTENT.test(question),
      );
      const sent = pipeline.map((question, index) => `q${index} ${question}\r\n`).join('');
      await shown.write(Buffer.from(sent), next() < 0.1 ? { seed: asked } : 'whole');
      for (const [index, question] of pipeline.entries()) {
        const found = readAnswers(await shown.readTo(`q${index}`));
        // One after the other, for Dovecot mixes the answers to several.
        const expected = readAnswers(await plain.run('q', question));
        for (const each of differences(found, expected, names)) told.push(`${question}: ${each}`);
      }
      asked += pipeline.length;
    }
    const flags = 'FETCH 1:* FLAGS';
    const [found, expected] = [await shown.run('f', flags), await plain.run('f', flags)].map(readAnswers);
    assert.ok(found !== undefined && expected !== undefined);
    assert.deepEqual([...told, ...differences(found, expected, names)], []);
  });

  it('lists the same when it knows nothing yet, whatever most of a mailbox is', async () => {
    const corpus = await storedForms(twins);
    const key = new SummaryKey(twins.indexKey);
    const many = Array.from({ length: SAMPLED }, (_, index) => numberedMessage(index));
    const sealed: Buffer[] = [];
    for (const message of many) {
      const record = await summarise(message);
      assert.ok(record !== undefined);
      sealed.push(await twins.seal(message, { summary: { key, record } }));
    }
    const listed = [...many.map(() => 'number'), ...corpus.map(({ name }) => name)];
    const told: string[] = [];
    for (const [mailbox, first] of Object.entries({ plainly: many, sealed })) {
      for (const endpoint of [twins.plain, twins.stored]) {
        const connection = await login(endpoint);
        await expectOK(connection, 'c', `CREATE ${mailbox}`);
        connection.close();
      }
      await append(twins.stored, [...first, ...corpus.map(({ octets }) => octets)], mailbox);
      await append(
        twins.plain,
        [...many, ...(await Promise.all(corpus.map(({ octets }) => twins.view(octets))))],
        mailbox,
      );
      for (const items of LISTINGS) {
        twins.forget();
        const [ours, theirs] = [await select(twins.shown, mailbox), await select(twins.plain, mailbox)];
        const [found, expected] = [await ours.run('l', items), await theirs.run('l', items)].map(readAnswers);
        assert.ok(found !== undefined && expected !== undefined);
        assert.equal(found.messages.size, listed.length);
        for (const each of differences(found, expected, listed)) told.push(`${mailbox}, ${items}: ${each}`);
        for (const connection of [ours, theirs]) connection.close();
      }
    }
    assert.deepEqual(told, []);
  });

  it('tells of each message what fits together', async () => {
    for (const uid of uids) {
      const ask = async (items: string): Promise<Items> => {
        const { messages, completion } = readAnswers(await shown.run('i', `UID FETCH ${uid} (${items})`));
        assert.equal(completion, 'OK', items);
        const [told] = messages.values();
        assert.ok(told !== undefined, `message ${uid} is not told`);
        return told;
      };
      const told = await ask('RFC822.SIZE BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODYSTRUCTURE');
      const whole = textOf(told, 'BODY[]');
      assert.deepEqual(told.get('RFC822.SIZE'), { atom: String(whole.length) });
      assert.ok(textOf(told, 'BODY[HEADER]') + textOf(told, 'BODY[TEXT]') === whole, `header and text of ${uid}`);
      const step = Math.ceil(whole.length / 3) + 1;
      const pieces = await ask([0, step, 2 * step].map((at) => `BODY.PEEK[]<${at}.${step}>`).join(' '));
      const joined = [0, step, 2 * step].map((at) => textOf(pieces, `BODY[]<${at}>`)).join('');
      assert.ok(joined === whole, `pieces of ${uid}`);
      for (const { path, octets } of leaves(told.get('BODYSTRUCTURE') ?? [])) {
        const part = textOf(await ask(`BODY.PEEK[${path}]`), `BODY[${path}]`);
        assert.equal(part.length, octets, `BODY[${path}] of ${uid}`);
      }
    }
  });

  it('leaves nothing to the provider', () => {
    const folder = join(twins.folder, 'mail', 'stored');
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const told = files.filter(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(CANARY));
    assert.deepEqual(
      told.map(({ name }) => name),
      [],
    );
    // It would be found.
    const other = join(twins.folder, 'mail', 'plain');
    const plainFiles = readdirSync(other, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.ok(plainFiles.some(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(CANARY)));
  });
});

interface Stored {
  readonly name: string;
  readonly octets: Buffer;
}

/** The mailbox as the provider has it: most of it ours in both forms, and others' messages, encrypted and not. */
async function storedForms(twins: Twins): Promise<Stored[]> {
  // Dovecot stores no message without octets.
  const corpus = readCorpus().filter(({ bytes }) => bytes.length > 0);
  const messages = [...corpus, ...canaries(), ...large()];
  const stored: Stored[] = [];
  for (const [index, { name, bytes }] of messages.entries()) {
    stored.push({ name, octets: await twins.seal(bytes, index % 4 === 1 ? { compatible: true } : {}) });
  }
  for (const number of [1, 2, 3, 4]) stored.push({ name: 'number', octets: numberedMessage(number) });
  for (const { name, bytes } of corpus) {
    if (['alternative', 'attachments', 'digest', 'signed'].includes(name)) stored.push({ name, octets: bytes });
    if (['alternative', 'attachments', 'forwarded', 'text'].includes(name)) {
      stored.push({ name: `${name}, sent`, octets: await twins.send(bytes) });
    }
  }
  return stored;
}

function canaries(): CorpusMessage[] {
  const lines = [
    'From: alice@example.com',
    `Subject: ${CANARY}`,
    'Message-ID: <canary@example.com>',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    '',
    `It is ${CANARY}.`,
    '--b',
    `Content-Type: text/csv; name="${CANARY}.csv"`,
    `Content-Disposition: attachment; filename="${CANARY}.csv"`,
    '',
    '1;2',
    '--b--',
    '',
  ];
  return ['\r\n', '\n'].map((end) => ({ name: 'canary', bytes: Buffer.from(lines.join(end)) }));
}

/** Above what is opened in memory, in both forms. */
function large(): CorpusMessage[] {
  const line = `${'0123456789abcdef'.repeat(4)}\r\n`;
  const head = 'From: bob@example.org\r\nSubject: large\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n';
  return [1, 2].map(() => ({ name: 'large', bytes: Buffer.from(head + line.repeat(26_000)) }));
}

/** In what two answers differ. */
function* differences(found: Answers, expected: Answers, names: readonly string[]): Generator<string> {
  if (found.completion !== expected.completion) yield `${found.completion} instead of ${expected.completion}`;
  // What is told of messages besides an error is up to the server.
  if (expected.completion !== 'OK') return;
  const numbers = new Set([...found.messages.keys(), ...expected.messages.keys()]);
  for (const number of numbers) {
    const [ours, theirs] = [found, expected].map(({ messages }) => messages.get(number) ?? new Map<string, Value>());
    const message = names[number - 1] ?? '';
    for (const name of new Set([...(ours?.keys() ?? []), ...(theirs?.keys() ?? [])])) {
      if (DIFFERENT.has(message) && !/^(?:UID|FLAGS|INTERNALDATE)$/.test(name)) continue;
      if (name === 'PREVIEW' && UNLIKE_PREVIEWS.has(message)) continue;
      // Another history has other ones.
      if (name === 'MODSEQ' && ours?.has(name) === theirs?.has(name)) continue;
      const [one, other] = [ours, theirs].map((items) => JSON.stringify(items?.get(name)));
      if (one !== other && !isKnown(message, name, one, other))
        yield `${name} of ${number} (${message}) ${difference(one, other)}`;
    }
  }
}

/** What Dovecot does otherwise, and not as the RFCs say. */
function isKnown(message: string, name: string, ours = '', theirs = ''): boolean {
  if (name.includes('HEADER.FIELDS')) {
    // RFC 9051 §6.4.5.1: no blank line where the message has none. And of one that is read from its second octet it gives the first.
    return ['no-line-end', 'no-blank-line'].includes(message) || theirs.endsWith('"\\r"}');
  }
  // Of a multipart, which no encoding is undone in, Dovecot counts what its parts are decoded.
  if (name.startsWith('BINARY.SIZE')) return /^(?:invitation|prefix-|attachments|bare-lf|same-boundary)/.test(message);
  // A part that ends with its header.
  if (name.includes('.MIME]')) return message === 'empty-parts';
  // RFC 2046 §5.1.1: the line end behind a multipart that has been closed is the next delimiter's.
  return /\[[\d.]+\]/.test(name) && ours.endsWith('--"}') && theirs === ours.replace(/"\}$/, '\\r\\n"}');
}

function difference(found = '', expected = ''): string {
  let at = 0;
  while (at < found.length && found[at] === expected[at]) at++;
  const [from, to] = [Math.max(0, at - 80), at + 120];
  return `at ${at}: ${found.slice(from, to)} instead of ${expected.slice(from, to)}`;
}

function textOf(items: Items, name: string): string {
  const value = items.get(name);
  assert.ok(value !== undefined && 'text' in value, `${name} is ${JSON.stringify(value)}`);
  return value.text;
}

interface Leaf {
  readonly path: string;
  readonly octets: number;
}

/** The parts of a BODYSTRUCTURE that contain no other. */
function leaves(structure: Value, path: readonly number[] = []): readonly Leaf[] {
  assert.ok(Array.isArray(structure));
  const parts = structure as readonly Value[];
  const [first] = parts;
  if (Array.isArray(first)) {
    const children = parts.filter((part, index) => Array.isArray(part) && parts.slice(0, index).every(Array.isArray));
    return children.flatMap((child, index) => leaves(child, [...path, index + 1]));
  }
  const octets = parts[6];
  assert.ok(octets !== undefined && 'atom' in octets);
  return [{ path: (path.length === 0 ? [1] : path).join('.'), octets: Number(octets.atom) }];
}
