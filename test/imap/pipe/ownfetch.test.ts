import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Commands } from '#imap/pipe/commands';
import { Context } from '#imap/pipe/context';
import { providerOf } from '#imap/pipe/ownfetch';
import { Responses } from '#imap/pipe/responses';
import type { PlainItem } from '#imap/wire/fetchcommand';
import { Framer } from '#imap/wire/framer';
import { scripted } from '#test/lib/net/memory';
import { fakeAccount } from './account.js';

/** Lets what waits for promises go on. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** A session in which messages are asked for, without its loops. */
class Session {
  readonly #client = scripted([]);
  readonly #provider = scripted([]);
  readonly #context = new Context(this.#client, this.#provider, { literals: 'plus', account: fakeAccount() });
  readonly #messages = providerOf(new Commands(this.#context, new Framer('client'), {}).own, this.#context);
  readonly #framer = new Framer('provider');
  readonly #responses = new Responses(this.#context);
  /** The UIDs of the messages that came. */
  readonly taken: number[] = [];

  /** Asks for the UID, and these items, of the message with this number, whose UID is 4 more. */
  ask(number: number, names: readonly PlainItem[] = []): Promise<unknown> {
    return this.#messages.fetch({
      uid: false,
      set: String(number),
      has: (message) => message.number === number,
      items: names.map((name) => ({ kind: 'plain', name })),
      take: ({ uid }) => {
        this.taken.push(uid);
        return undefined;
      },
    });
  }

  /** The provider says this, TAG being that of the FETCH with this number. */
  async say(text: string, fetch = 1): Promise<void> {
    await turn();
    const [tag = ''] = this.sent[fetch - 1]?.split(' ') ?? [];
    this.#framer.push(Buffer.from(text.replace('TAG', tag)));
    for (let next = this.#framer.next(); next !== undefined; next = this.#framer.next())
      await this.#responses.take(next);
    await turn();
  }

  /** The commands that the provider has got. */
  get sent(): readonly string[] {
    return this.#provider.written().toString('latin1').split('\r\n').slice(0, -1);
  }

  get told(): string {
    this.#context.toClient.flush();
    return this.#client.written().toString('latin1');
  }
}

describe('a FETCH of our own', () => {
  it('is sent when the one before it is answered, because responses do not say what they belong to', async () => {
    const session = new Session();
    const answers = Promise.all([session.ask(1), session.ask(2)]);
    await session.say('* 2 EXISTS\r\n');
    assert.equal(session.sent.length, 1);
    await session.say('* 1 FETCH (UID 5)\r\nTAG OK done\r\n');
    assert.equal(session.sent.length, 2);
    await session.say('* 2 FETCH (UID 6)\r\nTAG OK done\r\n', 2);
    await answers;
    assert.deepEqual(session.taken, [5, 6]);
    assert.equal(session.told, '* 2 EXISTS\r\n');
  });

  for (const names of [[], ['FLAGS']] as const) {
    it(`leaves to the client what is told of another message (${names.join('') || 'UID'} was asked for)`, async () => {
      const session = new Session();
      const answer = session.ask(1, names);
      await session.say(
        '* 2 EXISTS\r\n* 2 FETCH (UID 6 FLAGS (\\Seen))\r\n* 1 FETCH (UID 5 FLAGS ())\r\nTAG OK done\r\n',
      );
      await answer;
      assert.deepEqual(session.taken, [5]);
      assert.match(session.told, /^\* 2 EXISTS\r\n\* 2 FETCH \(UID 6 FLAGS \(\\Seen\)\)\r\n/);
    });
  }

  it('tells the client of flags that it has not asked for', async () => {
    const session = new Session();
    const answer = session.ask(1, ['RFC822.SIZE']);
    await session.say('* 1 EXISTS\r\n* 1 FETCH (UID 5 RFC822.SIZE 7 MODSEQ (9) FLAGS (\\Seen))\r\nTAG OK done\r\n');
    await answer;
    assert.deepEqual(session.taken, [5]);
    assert.equal(session.told, '* 1 EXISTS\r\n* 1 FETCH (MODSEQ (9) FLAGS (\\Seen))\r\n');
  });
});
