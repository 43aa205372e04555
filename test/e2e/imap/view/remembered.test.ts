/** What one session has learned of messages, the next one need not ask again. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Connection, expectOK } from '../client.js';
import { numberedMessage } from '../fixture.js';
import { type Answers, readAnswers } from './answers.js';
import { type Twins, append, select, startTwins } from './mailbox.js';

const LISTING = 'FETCH 1:* (UID FLAGS RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (SUBJECT)])';
/** Of a command to the provider: it reads the messages themselves. */
const OPENS = /BODY\.PEEK\[\]|BODY\[\]/;

describe('what is remembered of messages', () => {
  let twins: Twins;
  let connection: Connection;
  let listing: Answers;

  before(async () => {
    twins = await startTwins();
    const messages: Buffer[] = [];
    for (let number = 1; number <= 12; number++) {
      const plain = numberedMessage(number);
      messages.push(number % 4 === 0 ? plain : await twins.seal(plain));
    }
    await append(twins.stored, messages);
    connection = await select(twins.shown);
    listing = readAnswers(await expectOK(connection, 'l', LISTING));
  });
  after(async () => {
    connection.close();
    await twins.stop();
  });

  async function again(mailbox: string): Promise<void> {
    connection.close();
    connection = await select(twins.shown, mailbox);
    twins.meter.read();
  }

  it('answers the listing of a later session', async () => {
    await again('INBOX');
    const { messages } = readAnswers(await expectOK(connection, 'l', LISTING));
    const { commands } = twins.meter.read();
    assert.deepEqual(
      commands.filter((command) => OPENS.test(command)),
      [],
    );
    // The header that plain messages are asked for is the client's own question.
    assert.deepEqual(
      commands.filter((command) => command.includes('CONTENT-TYPE')),
      [],
    );
    for (const [number, items] of listing.messages) {
      const told = messages.get(number);
      for (const [name, value] of items) if (name !== 'FLAGS') assert.deepEqual(told?.get(name), value, name);
    }
  });

  for (const command of ['COPY', 'MOVE'])
    it(`finds messages again after ${command}`, async () => {
      const mailbox = `After-${command}`;
      await expectOK(connection, 'c', `CREATE ${mailbox}`);
      await again('INBOX');
      await expectOK(connection, 'm', `${command} 1:5 ${mailbox}`);
      await again(mailbox);
      const { messages } = readAnswers(await expectOK(connection, 'l', LISTING));
      const opened = twins.meter.read().commands.filter((each) => OPENS.test(each));
      assert.deepEqual(opened, []);
      assert.equal(messages.size, 5);
      for (const [number, items] of messages) {
        assert.deepEqual(items.get('ENVELOPE'), listing.messages.get(number)?.get('ENVELOPE'));
        assert.deepEqual(items.get('RFC822.SIZE'), listing.messages.get(number)?.get('RFC822.SIZE'));
      }
    });

  it('needs nothing of large messages that have been saved through it', async () => {
    const part = (type: string, body: string): string => `--b\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`;
    const large = (end: string): Buffer =>
      Buffer.from(
        `From: bob@example.com\r\nSubject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${part('text/plain', 'See the attachment.')}${part('text/csv', `1;2;3${end}`.repeat(400_000))}--b--\r\n`,
      );
    const messages = [large('\r\n'), numberedMessage(1), large('\n')];
    const items = '(UID RFC822.SIZE ENVELOPE BODYSTRUCTURE)';
    await expectOK(connection, 'c', 'CREATE Saved');
    const literals = messages.map((message) => Buffer.concat([Buffer.from(` {${message.length}+}\r\n`), message]));
    await expectOK(connection, 'a', Buffer.concat([Buffer.from('APPEND Saved'), ...literals]));
    await again('Saved');
    const told = readAnswers(await expectOK(connection, 'l', `FETCH 1:* ${items}`)).messages;
    const { octets, commands } = twins.meter.read();
    assert.deepEqual(
      commands.filter((command) => OPENS.test(command)),
      [],
    );
    assert.ok(octets < 20_000, `${octets} octets came`);
    // The same as when they are opened.
    twins.forget();
    await again('Saved');
    const opened = readAnswers(await expectOK(connection, 'l', `FETCH 1:* ${items}`)).messages;
    assert.deepEqual(told, opened);
    // And they are read by what has been remembered.
    await append(twins.shown, [large('\n')], 'Saved');
    await again('Saved');
    const [last] = readAnswers(await expectOK(connection, 'b', 'FETCH 4 (RFC822.SIZE BODY.PEEK[])')).messages.values();
    assert.deepEqual(last?.get('BODY[]'), { text: large('\r\n').toString('latin1') });
  });
});
