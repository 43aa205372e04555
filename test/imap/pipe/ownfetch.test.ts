import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Commands } from '#imap/pipe/commands';
import { Context } from '#imap/pipe/context';
import { providerOf } from '#imap/pipe/ownfetch';
import { Responses } from '#imap/pipe/responses';
import { Framer } from '#imap/wire/framer';
import { scripted } from '#test/lib/net/memory';
import { fakeAccount } from './account.js';

/** Lets what waits for promises go on. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('a FETCH of our own', () => {
  it('is sent when the one before it is answered, because responses do not say what they belong to', async () => {
    const [client, provider] = [scripted([]), scripted([])];
    const context = new Context(client, provider, { literals: 'plus', account: fakeAccount() });
    const commands = new Commands(context, new Framer('client'), {});
    const framer = new Framer('provider');
    const responses = new Responses(context);
    const messages = providerOf(commands.own, context);
    const taken: number[] = [];
    const ask = (number: number): Promise<unknown> =>
      messages.fetch({
        uid: false,
        set: String(number),
        items: [],
        take: ({ uid }) => {
          taken.push(uid);
          return undefined;
        },
      });
    const say = async (text: string): Promise<void> => {
      framer.push(Buffer.from(text));
      for (let next = framer.next(); next !== undefined; next = framer.next()) await responses.take(next);
      await turn();
    };
    const sent = (): string[] =>
      provider
        .written()
        .toString('latin1')
        .match(/\S+ FETCH \d+/g) ?? [];

    const answers = Promise.all([ask(1), ask(2)]);
    await turn();
    const [first = ''] = sent();
    assert.equal(sent().length, 1);
    const [tag = ''] = first.split(' ');
    await say(`* 2 EXISTS\r\n* 1 FETCH (UID 5)\r\n${tag} OK done\r\n`);
    assert.equal(sent().length, 2);
    await say(`* 2 FETCH (UID 6)\r\n${tag.replace(/1$/, '2')} OK done\r\n`);
    await answers;
    assert.deepEqual(taken, [5, 6]);
    context.toClient.flush();
    assert.equal(client.written().toString('latin1'), '* 2 EXISTS\r\n');
  });
});
