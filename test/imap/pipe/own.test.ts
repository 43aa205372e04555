import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CommandRow } from '#imap/commands/table';
import { idle } from '#imap/commands/idle';
import { Commands } from '#imap/pipe/commands';
import { Context } from '#imap/pipe/context';
import type { Sink } from '#imap/pipe/queue';
import { Responses } from '#imap/pipe/responses';
import { Framer } from '#imap/wire/framer';
import { scripted } from '#test/lib/net/memory';
import { fakeAccount } from './account.js';

const FETCH: CommandRow = { treatment: 'pass', numbers: true, quiet: true };
const UID_FETCH: CommandRow = { treatment: 'pass' };

/** A session without its loops: what each side has been sent is there at once. */
class Session {
  readonly #client = scripted([]);
  readonly #provider = scripted([]);
  readonly #toCommands = new Framer('client');
  readonly #toResponses = new Framer('provider');
  readonly context = new Context(this.#client, this.#provider, { literals: 'plus', account: fakeAccount() });
  readonly commands = new Commands(this.context, this.#toCommands, { idle });
  readonly #responses = new Responses(this.context);
  readonly own = this.commands.own;
  #clientSeen = 0;
  #providerSeen = 0;

  /** The client sends this. Resolves when it may send more. */
  async client(text: string): Promise<void> {
    this.#toCommands.push(Buffer.from(text, 'latin1'));
    for (let next = this.#toCommands.next(); next !== undefined; next = this.#toCommands.next()) {
      const waits = this.commands.take(next);
      this.context.toProvider.flush();
      if (waits !== undefined) await waits;
      this.own.send();
    }
    this.context.toProvider.flush();
  }

  /** The provider sends this. */
  async provider(text: string): Promise<void> {
    this.#toResponses.push(Buffer.from(text, 'latin1'));
    for (let next = this.#toResponses.next(); next !== undefined; next = this.#toResponses.next()) {
      await this.#responses.take(next);
    }
    this.own.send();
  }

  /** What the client has got since the last time. */
  get toClient(): string {
    this.context.toClient.flush();
    const all = this.#client.written().toString('latin1');
    const news = all.slice(this.#clientSeen);
    this.#clientSeen = all.length;
    return news;
  }

  /** The same of the provider, with the tags of our own commands as OWN1, OWN2, … */
  get toProvider(): string {
    const all = this.#provider.written().toString('latin1');
    const news = all.slice(this.#providerSeen);
    this.#providerSeen = all.length;
    return news.replace(/P[0-9a-f]{16}-/g, (prefix) => {
      this.prefix = prefix;
      return 'OWN';
    });
  }

  prefix = '';
}

/** Lets what waits for promises go on. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('commands of our own', () => {
  it('stand between those of the client, and nothing of them reaches it', async () => {
    const session = new Session();
    const taken: string[] = [];
    const take: Sink = (fragment) => {
      taken.push(fragment.bytes.toString('latin1'));
      return undefined;
    };
    await session.client('a1 NOOP\r\n');
    const answer = session.own.ask('FETCH 1 (UID BODY[])', FETCH, (line) =>
      line.bytes.includes(' FETCH ') ? take : undefined,
    );
    await session.client('a2 NOOP\r\n');
    assert.equal(session.toProvider, 'a1 NOOP\r\nOWN1 FETCH 1 (UID BODY[])\r\na2 NOOP\r\n');
    // Not yet ours, while the client's own command is at work.
    await session.provider('* 1 FETCH (FLAGS ())\r\na1 OK done\r\n');
    assert.equal(session.toClient, '* 1 FETCH (FLAGS ())\r\na1 OK done\r\n');
    await session.provider('* 3 EXISTS\r\n* 1 FETCH (UID 7 BODY[] {8}\r\na2 OK \r\n)\r\n* OK hello\r\n');
    assert.equal(session.toClient, '* 3 EXISTS\r\n* OK hello\r\n');
    await session.provider(`${session.prefix}1 NO [UNAVAILABLE] later\r\n`);
    await session.provider('* 2 FETCH (FLAGS ())\r\na2 OK done\r\n');
    assert.equal(session.toClient, '* 2 FETCH (FLAGS ())\r\na2 OK done\r\n');
    const { completion, line } = await answer;
    assert.equal(completion, 'NO');
    assert.equal(line.toString('latin1'), `${session.prefix}1 NO [UNAVAILABLE] later\r\n`);
    assert.equal(taken.join(''), '* 1 FETCH (UID 7 BODY[] {8}\r\na2 OK \r\n)\r\n');
  });

  it('are answered apart, though the client uses the same words', async () => {
    const session = new Session();
    const answers = [session.own.ask('NOOP', UID_FETCH), session.own.ask('NOOP', UID_FETCH)];
    await session.client('OWN1 NOOP\r\n');
    assert.equal(session.toProvider, 'OWN1 NOOP\r\nOWN2 NOOP\r\nOWN1 NOOP\r\n');
    const { prefix } = session;
    await session.provider(`${prefix}1 OK first\r\n${prefix}2 BAD second\r\nOWN1 OK third\r\n`);
    assert.equal(session.toClient, 'OWN1 OK third\r\n');
    assert.deepEqual(
      (await Promise.all(answers)).map(({ completion }) => completion),
      ['OK', 'BAD'],
    );
    // And once only.
    await session.provider(`${prefix}1 OK again\r\n`);
    assert.equal(session.toClient, '');
  });

  it('wait while a literal of the client is on its way', async () => {
    const session = new Session();
    const appending = session.client('a1 RENAME INBOX {5}\r\n');
    const first = session.own.ask('NOOP', UID_FETCH);
    assert.equal(session.toProvider, 'a1 RENAME INBOX {5}\r\n');
    await session.provider('+ go ahead\r\n');
    await appending;
    await session.client('hel');
    assert.equal(session.toProvider, 'hel');
    const second = session.own.ask('CHECK', UID_FETCH);
    await session.client('lo {3+}\r\nab');
    assert.equal(session.toProvider, 'lo {3+}\r\nab');
    await session.client('c\r\n');
    assert.equal(session.toProvider, 'c\r\nOWN1 NOOP\r\nOWN2 CHECK\r\n');
    await session.provider(`a1 OK done\r\n${session.prefix}1 OK done\r\n${session.prefix}2 OK done\r\n`);
    await Promise.all([first, second]);
    assert.equal(session.toClient, '+ go ahead\r\na1 OK done\r\n');
  });

  it('are sent when the literal of the client is refused', async () => {
    const session = new Session();
    const appending = session.client('a1 RENAME nowhere {5}\r\n');
    const answer = session.own.ask('NOOP', UID_FETCH);
    await session.provider('a1 NO none\r\n');
    await appending;
    assert.equal(session.toProvider, 'a1 RENAME nowhere {5}\r\nOWN1 NOOP\r\n');
    await session.provider(`${session.prefix}1 OK done\r\n`);
    assert.equal((await answer).completion, 'OK');
  });

  it('wait while the client idles', async () => {
    const session = new Session();
    await session.client('a1 IDLE\r\n');
    const answer = session.own.ask('NOOP', UID_FETCH);
    await session.provider('+ idling\r\n* 5 EXISTS\r\n');
    assert.equal(session.toProvider, 'a1 IDLE\r\n');
    assert.equal(session.toClient, '+ idling\r\n* 5 EXISTS\r\n');
    await session.client('DONE\r\n');
    assert.equal(session.toProvider, 'DONE\r\nOWN1 NOOP\r\n');
    await session.provider(`a1 OK done\r\n${session.prefix}1 OK done\r\n`);
    assert.equal((await answer).completion, 'OK');
    assert.equal(session.toClient, 'a1 OK done\r\n');
  });

  it('do not wait for ever where the provider ends IDLE by itself', async () => {
    const session = new Session();
    await session.client('a1 IDLE\r\n');
    const answer = session.own.ask('NOOP', UID_FETCH);
    await session.provider('a1 NO not now\r\n');
    assert.equal(session.toProvider, 'a1 IDLE\r\nOWN1 NOOP\r\n');
    await session.provider(`${session.prefix}1 OK done\r\n`);
    assert.equal((await answer).completion, 'OK');
  });

  it('bring no EXPUNGE to a client that must not have one', async () => {
    const session = new Session();
    await session.provider('* 5 EXISTS\r\n');
    const answer = session.own.ask('UID FETCH 1:* (FLAGS)', UID_FETCH);
    await session.provider('* 2 EXPUNGE\r\n* 4 EXISTS\r\n* 2 FETCH (FLAGS (\\Seen))\r\n');
    // The client still counts five, and calls the third what the provider calls the second.
    assert.equal(session.toClient, '* 5 EXISTS\r\n* 5 EXISTS\r\n* 3 FETCH (FLAGS (\\Seen))\r\n');
    await session.provider(`${prefixOf(session)}1 OK done\r\n`);
    await answer;
    assert.equal(session.toClient, '');
    await session.client('a1 FETCH 5 (FLAGS)\r\n');
    assert.equal(session.toClient, 'a1 NO [EXPUNGEISSUED] Some of the messages are gone; NOOP tells which.\r\n');
    await session.client('a2 NOOP\r\n');
    assert.equal(session.toClient, '* 2 EXPUNGE\r\n');
  });

  it('let it pass where a command of the client is in progress that allows it', async () => {
    const session = new Session();
    await session.provider('* 5 EXISTS\r\n');
    void session.own.ask('UID FETCH 1:* (FLAGS)', UID_FETCH);
    await session.client('a1 NOOP\r\n');
    await session.provider('* 2 EXPUNGE\r\n');
    assert.equal(session.toClient, '* 5 EXISTS\r\n* 2 EXPUNGE\r\n');
  });

  it('let it pass where a handler is at work on such a command', async () => {
    const session = new Session();
    await session.provider('* 5 EXISTS\r\n');
    session.context.inHand = UID_FETCH;
    void session.own.ask('NOOP', UID_FETCH);
    await session.provider('* 2 EXPUNGE\r\n');
    assert.equal(session.toClient, '* 5 EXISTS\r\n* 2 EXPUNGE\r\n');
    session.context.inHand = FETCH;
    await session.provider('* 3 EXPUNGE\r\n');
    assert.equal(session.toClient, '');
  });

  it('keep commands with message numbers back while an EXPUNGE may come with them', async () => {
    const session = new Session();
    await session.provider('* 5 EXISTS\r\n');
    await session.client('a1 NOOP\r\n');
    void session.own.ask('UID FETCH 1:* (FLAGS)', UID_FETCH);
    const storing = session.client('a2 STORE 5 FLAGS (\\Deleted)\r\na3 UID FETCH 1 FLAGS\r\n');
    await turn();
    assert.equal(session.toProvider, 'a1 NOOP\r\nOWN1 UID FETCH 1:* (FLAGS)\r\n');
    await session.provider('a1 OK done\r\n* 2 EXPUNGE\r\n');
    await session.provider(`${session.prefix}1 OK done\r\n`);
    await storing;
    // What is the fifth for the client is not that for the provider.
    assert.equal(session.toProvider, 'a3 UID FETCH 1 FLAGS\r\n');
    assert.equal(
      session.toClient,
      '* 5 EXISTS\r\na1 OK done\r\n' +
        'a2 NO [EXPUNGEISSUED] Some of the messages are gone; NOOP tells which.\r\n* 2 EXPUNGE\r\n',
    );
  });

  it('keep no command back where none can come', async () => {
    const session = new Session();
    void session.own.ask('FETCH 1 (UID)', FETCH);
    await session.client('a1 STORE 1 FLAGS (\\Seen)\r\n');
    assert.equal(session.toProvider, 'OWN1 FETCH 1 (UID)\r\na1 STORE 1 FLAGS (\\Seen)\r\n');
  });

  it('hold up answers of ours that come after them, and keep their place', async () => {
    const session = new Session();
    void session.own.ask('NOOP', UID_FETCH);
    await session.client('a1 LOGIN x y\r\na2 NOOP\r\n');
    assert.equal(session.toProvider, 'OWN1 NOOP\r\na2 NOOP\r\n');
    assert.equal(session.toClient, '');
    await session.provider(`${session.prefix}1 OK done\r\na2 OK done\r\n`);
    assert.equal(session.toClient, 'a1 BAD You are logged in already.\r\na2 OK done\r\n');
  });

  it('are rejected when the session ends: sent, not yet sent, and asked later', async () => {
    const session = new Session();
    const sent = session.own.ask('NOOP', UID_FETCH);
    await session.client('a1 IDLE\r\n');
    const waiting = session.own.ask('NOOP', UID_FETCH);
    const over = new Error('over');
    session.own.close(over);
    session.context.queue.close(over);
    const later = session.own.ask('NOOP', UID_FETCH);
    for (const answer of [sent, waiting, later]) await assert.rejects(answer, over);
  });
});

describe('what a handler does itself', () => {
  const entry = { tag: 'a1', row: UID_FETCH };

  it('says nothing in the middle of a response', async () => {
    const session = new Session();
    await session.provider('* 1 FETCH (BODY[] {5}\r\nab');
    session.context.say('+ Ready.\r\n');
    await session.provider('cde)\r\n');
    assert.equal(session.toClient, '* 1 FETCH (BODY[] {5}\r\nabcde)\r\n+ Ready.\r\n');
  });

  it('keeps commands of our own back while it writes one to the provider', async () => {
    const session = new Session();
    session.commands.beginSending(entry);
    const answer = session.own.ask('NOOP', UID_FETCH);
    assert.equal(session.toProvider, '');
    assert.equal(session.commands.leave(), false);
    session.commands.endSending();
    session.own.send();
    assert.equal(session.toProvider, 'OWN1 NOOP\r\n');
    await session.provider(`a1 OK done\r\n${session.prefix}1 OK done\r\n`);
    assert.equal((await answer).completion, 'OK');
  });

  it('may see the tagged response, and take it out', async () => {
    const session = new Session();
    const seen: string[] = [];
    const completed = (completion: string, response: Buffer): string => {
      seen.push(completion, response.toString('latin1'));
      return '';
    };
    session.commands.beginSending({ ...entry, completed });
    await session.provider('a1 NO [TOOBIG] no\r\n* 1 EXISTS\r\n');
    assert.deepEqual(seen, ['NO', 'a1 NO [TOOBIG] no\r\n']);
    assert.equal(session.toClient, '* 1 EXISTS\r\n');
  });
});

/** The beginning of the tags, from what was sent. */
function prefixOf(session: Session): string {
  assert.ok(session.toProvider);
  return session.prefix;
}
