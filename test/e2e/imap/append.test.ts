/** APPEND through Postern to Dovecot: what lies there in the end, and what the client is told. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, after, before, describe, it } from 'node:test';
import { readCorpus } from '#test/corpus/corpus';
import { type Connection, expectOK, login } from './client.js';
import { startDovecot } from './dovecot.js';
import type { Endpoint } from './endpoint.js';
import { type Postern, startPostern } from './postern.js';
import { pieces } from './responses.js';

const MEBIBYTE = 1024 * 1024;
const CANARY = 'wryneck-and-bittern';

const message = (subject: string, body = 'text'): Buffer =>
  Buffer.from(`From: bob@example.com\r\nTo: alice@example.com\r\nSubject: ${subject}\r\n\r\n${body}\r\n`);

/** How a literal is announced. */
type Kind = (size: number) => string;
const KINDS: readonly (readonly [name: string, kind: Kind])[] = [
  ['synchronizing', (size) => `{${size}}`],
  ['non-synchronizing', (size) => `{${size}+}`],
  ['binary', (size) => `~{${size}}`],
  ['binary and non-synchronizing', (size) => `~{${size}+}`],
];
const [[, waits], [, plus]] = KINDS as [(typeof KINDS)[number], (typeof KINDS)[number]];

/** Sends APPEND, each message with what stands before it and the kind of its literal. Resolves to the responses, requests among them. */
async function append(
  connection: Connection,
  tag: string,
  start: string,
  ...messages: readonly (readonly [before: string, kind: Kind, octets: Buffer])[]
): Promise<string[]> {
  const responses: string[] = [];
  let line = `${tag} APPEND ${start}`;
  for (const [before, kind, octets] of messages) {
    const mark = kind(octets.length);
    await connection.write(Buffer.from(`${line}${before} ${mark}\r\n`, 'latin1'));
    line = '';
    if (!mark.endsWith('+}')) {
      const response = (await connection.read()).toString('latin1');
      responses.push(response);
      if (!response.startsWith('+')) return responses;
    }
    await connection.write(octets);
  }
  await connection.write(Buffer.from('\r\n'));
  const rest = await connection.readTo(tag);
  return [...responses, ...rest.map((response) => response.toString('latin1'))];
}

/** The response without how long it took. */
const timeless = (response: string | undefined): string => response?.replace(/ \([\d. +]+ secs\)\.\r\n$/, '') ?? '';

describe('APPEND through Postern', { timeout: 240_000 }, () => {
  let dovecot: Awaited<ReturnType<typeof startDovecot>>;
  let small: Awaited<ReturnType<typeof startDovecot>>;
  let postern: Postern;
  let users = 0;
  before(async () => {
    [dovecot, small, postern] = await Promise.all([
      startDovecot({ format: 'maildir' }),
      startDovecot({ format: 'maildir', quota: '100K' }),
      startPostern({ policies: { exempt: ['Spam'] } }),
    ]);
  });
  after(async () => {
    await Promise.all([dovecot.stop(), small.stop(), postern.stop()]);
  });

  /** A new user: a client through Postern, and another one that sees what the provider has. */
  async function connect(
    t: TestContext,
    server = dovecot,
  ): Promise<{ client: Connection; provider: Connection; at: Endpoint }> {
    const at = server.endpoint(`append${(users += 1)}`);
    const { endpoint } = await postern.interpose(at);
    const [client, provider] = [await login(endpoint), await login(at)];
    t.after(() => {
      client.close();
      provider.close();
    });
    return { client, provider, at };
  }

  /** What the provider has in a mailbox. */
  async function stored(provider: Connection, mailbox = 'INBOX'): Promise<{ items: string; octets: Buffer }[]> {
    await expectOK(provider, 'x', `EXAMINE ${mailbox}`);
    const responses = await provider.run('y', 'FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])');
    return responses.slice(0, -1).flatMap((response) => {
      const [{ text, literal } = { text: '' }] = pieces(response);
      return literal === undefined ? [] : [{ items: text, octets: literal }];
    });
  }

  it('stores the corpus so that it opens to the same octets, with every kind of literal', async (t) => {
    const { client, provider } = await connect(t);
    const corpus = readCorpus().filter(({ bytes }) => bytes.length > 0);
    for (const [index, { name, bytes }] of corpus.entries()) {
      const [, kind] = KINDS[index % KINDS.length] ?? ['', plus];
      const responses = await append(client, `a${index}`, 'INBOX', ['', kind, bytes]);
      assert.match(responses.at(-1) ?? '', new RegExp(`^a${index} OK \\[APPENDUID \\d+ ${index + 1}\\] `), name);
    }
    const found = await stored(provider);
    assert.equal(found.length, corpus.length);
    for (const [index, { octets }] of found.entries()) {
      const { name, bytes } = corpus[index] ?? { name: '', bytes: Buffer.alloc(0) };
      assert.match(octets.toString('latin1'), /^Content-Type: multipart\/encrypted/m, name);
      assert.deepEqual(await postern.open(octets), bytes, name);
    }
  });

  it('passes flags and dates, and asks for each message of many', async (t) => {
    const { client, provider } = await connect(t);
    const [one, two, three] = [message('one'), message('two'), message('three')];
    const responses = await append(
      client,
      'a',
      'INBOX',
      [' (\\Seen $Label) " 7-Feb-1994 21:52:25 -0800"', waits, one],
      [' (\\Draft)', plus, two],
      ['', waits, three],
    );
    assert.match(responses.at(-1) ?? '', /^a OK \[APPENDUID \d+ 1:3\]/);
    const found = await stored(provider);
    assert.deepEqual(await Promise.all(found.map(({ octets }) => postern.open(octets))), [one, two, three]);
    assert.match(found[0]?.items ?? '', /FLAGS \(\\Seen \\Recent \$Label\) INTERNALDATE "08-Feb-1994 05:52:25 \+0000"/);
    assert.match(found[1]?.items ?? '', /FLAGS \(\\Draft \\Recent\)/);
  });

  it('tells the client of its own session what is there now', async (t) => {
    const { client } = await connect(t);
    await expectOK(client, 's', 'SELECT INBOX');
    const responses = await append(client, 'a', 'INBOX', ['', waits, message('one')]);
    assert.deepEqual(responses.slice(0, 2).map(timeless), ['+ Ready for the message.\r\n', '* 1 EXISTS\r\n']);
  });

  it('takes the name of the mailbox as a literal', async (t) => {
    const { client, provider } = await connect(t);
    await client.write(Buffer.from('a APPEND {5}\r\n'));
    assert.match((await client.read()).toString(), /^\+ /);
    await client.write(Buffer.from('INBOX (\\Seen) {4+}\r\nabcd\r\nb APPEND {4+}\r\nSent {4+}\r\nefgh\r\n'));
    await client.readTo('a');
    await client.readTo('b');
    const [[one], [two]] = [await stored(provider), await stored(provider, 'Sent')];
    assert.equal((await postern.open(one?.octets ?? Buffer.alloc(0))).toString(), 'abcd');
    assert.equal((await postern.open(two?.octets ?? Buffer.alloc(0))).toString(), 'efgh');
  });

  for (const [name, kind] of KINDS.slice(0, 2)) {
    it(`relays that a mailbox is not there (${name})`, async (t) => {
      const { client, provider } = await connect(t);
      const through = await append(client, 'a', 'nowhere', ['', kind, message('one')]);
      const direct = await append(provider, 'a', 'nowhere', ['', waits, message('one')]);
      assert.deepEqual(through.map(timeless), direct.map(timeless));
      assert.match(direct[0] ?? '', /^a NO \[TRYCREATE\]/);
      await expectOK(client, 'b', 'NOOP');
    });

    it(`relays that the quota does not suffice (${name})`, async (t) => {
      const { client, provider } = await connect(t, small);
      const large = message('one', 'x'.repeat(90 * 1024));
      const through = await append(client, 'a', 'INBOX', ['', kind, large]);
      const direct = await append(provider, 'a', 'INBOX', ['', waits, message('two', 'x'.repeat(120 * 1024))]);
      assert.deepEqual(through.map(timeless), direct.map(timeless));
      assert.match(direct[0] ?? '', /^a NO \[OVERQUOTA\]/);
      // Of many messages all are refused.
      const two = await append(client, 'b', 'INBOX', ['', kind, message('x')], ['', plus, large]);
      assert.match(two.at(-1) ?? '', /^b NO \[OVERQUOTA\]/);
      assert.deepEqual(await stored(provider), []);
      assert.match((await append(client, 'c', 'INBOX', ['', kind, message('x')])).at(-1) ?? '', /^c OK /);
    });
  }

  it('leaves what is encrypted to its owner as it is', async (t) => {
    const { client, provider } = await connect(t);
    await append(
      client,
      'a',
      'INBOX',
      ['', plus, message('one', 'x'.repeat(2 * MEBIBYTE))],
      ['', plus, message('two')],
    );
    const [large, little] = await stored(provider);
    assert.ok(large && little);
    // One that is held, and one that is more than that.
    await append(client, 'b', 'Sent', ['', waits, little.octets], ['', plus, large.octets]);
    const again = await stored(provider, 'Sent');
    assert.deepEqual(
      again.map(({ octets }) => octets),
      [little.octets, large.octets],
    );
  });

  it('encrypts nothing in an exempt mailbox', async (t) => {
    const { client, provider } = await connect(t);
    await expectOK(client, 'c', 'CREATE Spam');
    for (const [index, [, kind]] of KINDS.entries()) {
      const responses = await append(client, `a${index}`, 'Spam', ['', kind, message(`${index}`)]);
      assert.match(responses.at(-1) ?? '', /OK \[APPENDUID/);
    }
    const found = await stored(provider, 'Spam');
    assert.deepEqual(
      found.map(({ octets }) => octets),
      KINDS.map((_, index) => message(`${index}`)),
    );
  });

  it('stores nothing of a message whose client is gone in the middle of it', async (t) => {
    const { client, provider, at } = await connect(t);
    for (const [size, sent] of [
      [1000, 500],
      [3 * MEBIBYTE, 2 * MEBIBYTE],
      [2 * MEBIBYTE, 2 * MEBIBYTE],
    ] as const) {
      const { endpoint } = await postern.interpose({ ...at, user: `${at.user}-${sent}-${size}` });
      const lost = await login(endpoint);
      await lost.write(Buffer.from(`a APPEND INBOX {${size}+}\r\n`));
      await lost.write(Buffer.alloc(sent, 'x'));
      // What has come of the command is at work when the next session of Postern is.
      await expectOK(client, 'n', 'NOOP');
      lost.close();
      const looking = await login({ ...at, user: `${at.user}-${sent}-${size}` });
      t.after(() => {
        looking.close();
      });
      for (let round = 0; round < 5; round++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        assert.deepEqual(await stored(looking), []);
      }
    }
    assert.deepEqual(await stored(provider), []);
  });

  it('leaves nothing in clear at the provider', async (t) => {
    const { client } = await connect(t);
    const secret = Buffer.concat([
      message(CANARY, CANARY.repeat(10_000)),
      Buffer.from(`${Buffer.from(CANARY.repeat(4)).toString('base64')}\r\n`),
    ]);
    for (const [index, [, kind]] of KINDS.entries()) {
      await append(client, `a${index}`, 'INBOX', ['', kind, secret]);
      await append(client, `b${index}`, 'nowhere', ['', kind, secret]);
    }
    await append(
      client,
      'c',
      'INBOX',
      ['', plus, message(CANARY)],
      ['', waits, message(CANARY, 'x'.repeat(3 * MEBIBYTE))],
    );
    const forms = [
      CANARY,
      ...[0, 1, 2].map((shift) => Buffer.from(CANARY.slice(shift)).toString('base64').slice(0, 12)),
    ];
    const files = readdirSync(dovecot.folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    assert.ok(files.length > 10);
    for (const file of files) {
      const octets = readFileSync(join(file.parentPath, file.name));
      for (const form of forms) assert.ok(!octets.includes(form), join(file.parentPath, file.name));
    }
    assert.doesNotMatch(postern.log(), new RegExp(CANARY));
  });

  it('streams 100 MB with memory that does not grow with it', async (t) => {
    const { client, at } = await connect(t);
    await append(client, 'w', 'Sent', ['', plus, message('warm', 'x'.repeat(3 * MEBIBYTE))]);
    const status = (field: string): number =>
      Number(
        new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${postern.pid}/status`, 'utf8'))?.[1],
      ) * 1024;
    writeFileSync(`/proc/${postern.pid}/clear_refs`, '5');
    const start = status('VmRSS');
    const size = 100_000_000;
    const block = randomBytes(MEBIBYTE);
    const header = message('large');
    const digest = createHash('sha256').update(header);
    await client.write(Buffer.from(`a APPEND INBOX {${size}+}\r\n`));
    await client.write(header);
    for (let at = header.length; at < size; at += block.length) {
      const piece = block.subarray(0, size - at);
      digest.update(piece);
      await client.write(piece);
    }
    await client.write(Buffer.from('\r\n'));
    assert.match(String((await client.readTo('a')).at(-1)), /^a OK \[APPENDUID/);
    assert.ok(status('VmHWM') - start < 96 * MEBIBYTE, `${(status('VmHWM') - start) / MEBIBYTE} MiB`);
    const [file = ''] = readdirSync(join(dovecot.folder, 'mail', at.user, 'mail', 'new'));
    const opened = await postern.open(readFileSync(join(dovecot.folder, 'mail', at.user, 'mail', 'new', file)));
    assert.equal(createHash('sha256').update(opened).digest('hex'), digest.digest('hex'));
  });
});
