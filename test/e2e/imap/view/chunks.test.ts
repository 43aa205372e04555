/** Mail programs read a large attachment piece by piece. VIEW_LARGE is its size in MB. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Connection } from '../client.js';
import { type Items, readAnswers } from './answers.js';
import { type Twins, append, select, startTwins } from './mailbox.js';

const MB = 1024 * 1024;
const SIZE = Number(process.env['VIEW_LARGE'] ?? 4) * MB;
const STEP = 128 * 1024;

/** Octets in lines of base64, which are nowhere the same. */
function attachment(size: number): Buffer {
  const lines: string[] = [];
  for (let octets = 0, count = 0; octets < size; octets += 78, count++) {
    const digest = createHash('sha512').update(String(count)).digest('base64');
    lines.push(digest.slice(0, 76));
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n`);
}

describe('a large attachment, piece by piece', () => {
  let twins: Twins;
  let connection: Connection;
  const body = attachment(SIZE);
  const message = Buffer.concat([
    Buffer.from(
      'Subject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n' +
        '--b\r\n\r\ntext\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n',
    ),
    body,
    Buffer.from('\r\n--b--\r\n'),
  ]);

  before(async () => {
    twins = await startTwins();
    await append(twins.stored, [await twins.seal(message), await twins.seal(message, { compatible: true })]);
    connection = await select(twins.shown);
  });
  after(async () => {
    connection.close();
    await twins.stop();
  });

  async function ask(number: number, item: string): Promise<Items> {
    const { messages, completion } = readAnswers(await connection.run('c', `UID FETCH ${number} (${item})`));
    assert.equal(completion, 'OK');
    return messages.get(number) ?? new Map();
  }

  async function piece(number: number, at: number, count = STEP): Promise<Buffer> {
    const value = (await ask(number, `BODY.PEEK[2]<${at}.${count}>`)).get(`BODY[2]<${at}>`);
    assert.ok(value !== undefined && 'text' in value);
    return Buffer.from(value.text, 'latin1');
  }

  for (const [number, form] of [
    [1, 'SEIPDv2'],
    [2, 'SEIPDv1'],
  ] as const) {
    it(`is right to the last octet, and costs little: ${form}`, async () => {
      await ask(number, 'BODYSTRUCTURE');
      // The second message is of the first session that opens it too.
      twins.meter.read();
      const hash = createHash('sha256');
      let octets = 0;
      // Beyond the end there is nothing.
      for (let at = 0; at < body.length + 2 * STEP; at += STEP) {
        const came = await piece(number, at);
        hash.update(came);
        octets += came.length;
      }
      assert.equal(octets, body.length);
      assert.equal(hash.digest('hex'), createHash('sha256').update(body).digest('hex'));
      const { octets: cost } = twins.meter.read();
      assert.ok(cost <= message.length * 1.45, `${cost} octets for ${message.length}`);
    });

    it(`may be begun anywhere: ${form}`, async () => {
      for (const start of [3 * STEP, STEP]) {
        for (let at = start; at < start + 3 * STEP; at += STEP) {
          assert.ok((await piece(number, at)).equals(body.subarray(at, at + STEP)), `from ${at}`);
        }
      }
    });
  }

  it('costs what is read of it, in a later session too', async () => {
    connection.close();
    connection = await select(twins.shown);
    twins.meter.read();
    const at = body.length - 64 * 1024;
    assert.ok((await piece(1, at)).equals(body.subarray(at)));
    const { octets } = twins.meter.read();
    assert.ok(octets <= MB, `${octets} octets`);
  });
});
