/**
 * The mailbox changes under a session, between its FETCHes and while they are answered. Each message says which it is in its subject and its
 * body, and none may ever be shown as another.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Connection, expectOK, random } from '../client.js';
import { numberedMessage } from '../fixture.js';
import { readAnswers } from './answers.js';
import { type Twins, append, select, startTwins } from './mailbox.js';

const STEPS = Number(process.env['VIEW_STEPS'] ?? 20);
const SEED = Number(process.env['VIEW_SEED'] ?? 1);

describe('a mailbox that changes', () => {
  let twins: Twins;
  let direct: Connection;
  let shown: Connection[] = [];
  /** What the message with a UID says it is. */
  let truth = new Map<number, number>();
  /** UIDs that were expunged: of such a message Dovecot may still tell that it is empty, and what it remembers of its envelope. */
  const gone = new Set<number>();
  let count = 0;

  before(async () => {
    twins = await startTwins();
    direct = await select(twins.stored);
    await recreate();
  });
  after(async () => {
    for (const connection of [direct, ...shown]) connection.close();
    await twins.stop();
  });

  async function add(messages: number): Promise<void> {
    for (let added = 0; added < messages; added++) {
      const number = ++count;
      const plain = numberedMessage(number);
      await append(twins.stored, [number % 3 === 0 ? plain : await twins.seal(plain)], 'Box');
    }
    await expectOK(direct, 'n', 'NOOP');
    // Directly and in order: the new UIDs are of the new messages.
    const uids = [...readAnswers(await expectOK(direct, 'u', 'UID FETCH 1:* (UID)')).messages.values()].map((items) =>
      Number((items.get('UID') as { atom: string }).atom),
    );
    for (const [index, uid] of uids.slice(-messages).entries()) truth.set(uid, count - messages + index + 1);
  }

  /** The same name with another UIDVALIDITY, in which the same UIDs are other messages. */
  async function recreate(): Promise<void> {
    for (const connection of shown) connection.close();
    await direct.run('u', 'UNSELECT');
    await direct.run('d', 'DELETE Box');
    await expectOK(direct, 'c', 'CREATE Box');
    await expectOK(direct, 's', 'SELECT Box');
    truth = new Map();
    gone.clear();
    await add(8);
    shown = [await select(twins.shown, 'Box'), await select(twins.shown, 'Box')];
  }

  function check(responses: readonly Buffer[]): number {
    // One by one: an EXPUNGE between them changes the numbers.
    const told = responses.flatMap((response) => [...readAnswers([response]).messages.values()]);
    for (const items of told) {
      const uid = items.get('UID');
      const body = items.get('BODY[TEXT]');
      if (uid === undefined || body === undefined) continue;
      const known = Number((uid as { atom: string }).atom);
      const number = truth.get(known);
      const [, subject] = /"text":"Number (\d+)"/.exec(JSON.stringify(items.get('ENVELOPE'))) ?? [];
      const [, text] = /Body of message (\d+)\./.exec(JSON.stringify(body)) ?? [];
      // What passes as it is.
      const isPlain = number !== undefined && number % 3 === 0;
      if (gone.has(known) && text === undefined && (subject === undefined || isPlain)) continue;
      assert.deepEqual([Number(subject), Number(text)], [number, number], `UID ${JSON.stringify(uid)}`);
    }
    return told.length;
  }

  it('shows no message as another', async () => {
    const next = random(SEED);
    const below = (limit: number): number => Math.floor(next() * limit);
    let seen = 0;
    for (let step = 0; step < STEPS; step++) {
      const connection = shown[below(2)] ?? direct;
      const uids = [...truth.keys()].filter((each) => !gone.has(each));
      const uid = uids[below(uids.length)] ?? 1;
      const items = '(UID ENVELOPE RFC822.SIZE BODY.PEEK[TEXT])';
      const question = next() < 0.5 ? `FETCH 1:* ${items}` : `UID FETCH 1:* ${items}`;
      await connection.write(Buffer.from(`f ${question}\r\n`));
      const answer = connection.readTo('f');
      switch (below(8)) {
        case 0:
          await expectOK(direct, 'x', `UID STORE ${uid} +FLAGS (\\Deleted)`);
          await expectOK(direct, 'x', `UID EXPUNGE ${uid}`);
          gone.add(uid);
          break;
        case 1:
          await add(1 + below(3));
          break;
        case 2:
          await expectOK(direct, 'x', `UID MOVE ${uid} Trash`);
          gone.add(uid);
          break;
        case 3:
          await expectOK(direct, 'x', `UID STORE ${uid} FLAGS (\\Seen)`);
          break;
        default:
      }
      seen += check(await answer);
      if (next() < 0.3) check(await connection.run('n', 'NOOP'));
      if (next() < 0.1) {
        const at = shown.indexOf(connection);
        connection.close();
        const again = await select(twins.shown, 'Trash');
        await expectOK(again, 'e', 'ENABLE QRESYNC');
        const status = (await expectOK(again, 'v', 'STATUS Box (UIDVALIDITY)')).join('');
        const [, validity = '1'] = /UIDVALIDITY (\d+)/.exec(status) ?? [];
        check(await again.run('q', `SELECT Box (QRESYNC (${validity} 1))`));
        shown[at] = again;
      }
      if (next() < 0.05 || uids.length < 3) await recreate();
    }
    assert.ok(seen > STEPS, `only ${seen} messages were shown`);
  });
});
