import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { numberedMessage } from '../fixture.js';
import { type Twins, append, select, startTwins } from './mailbox.js';

const MESSAGE = numberedMessage(1);

/** What a client sends at once before a FETCH whose answer is ours. */
const BEFORE: Readonly<Record<string, Buffer>> = {
  'a command that passes': Buffer.from('a1 NOOP\r\n'),
  'one that changes the message': Buffer.from('a1 UID STORE 1 +FLAGS.SILENT (\\Answered)\r\n'),
  'an APPEND with its message': Buffer.concat([
    Buffer.from(`a1 APPEND INBOX {${MESSAGE.length}+}\r\n`),
    MESSAGE,
    Buffer.from('\r\n'),
  ]),
  'another FETCH': Buffer.from('a1 UID FETCH 1 BODY.PEEK[HEADER]\r\n'),
};

describe('a FETCH that comes in the same octets as', { timeout: 30_000 }, () => {
  let twins: Twins;
  before(async () => {
    twins = await startTwins();
    await append(twins.stored, [await twins.seal(MESSAGE)]);
  });
  after(() => twins.stop());

  for (const [what, octets] of Object.entries(BEFORE)) {
    it(`${what} is answered`, async () => {
      const connection = await select(twins.shown);
      try {
        await connection.write(Buffer.concat([octets, Buffer.from('a2 UID FETCH 1 BODY.PEEK[]\r\n')]));
        const lines = await connection.readTo('a2');
        assert.match(String(lines.at(-1)), /^a2 OK /);
        assert.ok(lines.some((line) => line.includes(MESSAGE)));
      } finally {
        connection.close();
      }
    });
  }
});
