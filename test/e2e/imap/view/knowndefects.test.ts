/** What went wrong in proxies of this kind before, seen by running them. Each must not happen here. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type Connection, expectOK, login } from '../client.js';
import { numberedMessage } from '../fixture.js';
import { type Items, readAnswers } from './answers.js';
import { type Twins, append, select, startTwins } from './mailbox.js';

const HEAD = 'From: alice@example.com\r\nTo: bob@example.net\r\nSubject: x\r\nMessage-ID: <1@example.com>\r\n';
const CHUNK = 128 * 1024;

describe('known defects', { timeout: 120_000 }, () => {
  let twins: Twins;
  let mailboxes = 0;

  before(async () => {
    twins = await startTwins();
  });
  after(() => twins.stop());

  /** A session with a mailbox of its own, in which these have been saved through Postern. */
  async function saved(...messages: readonly Buffer[]): Promise<{ connection: Connection; mailbox: string }> {
    const mailbox = `box${++mailboxes}`;
    const creating = await login(twins.shown);
    await expectOK(creating, 'c', `CREATE ${mailbox}`);
    creating.close();
    await append(twins.shown, messages, mailbox);
    return { connection: await select(twins.shown, mailbox), mailbox };
  }

  async function fetched(connection: Connection, command: string): Promise<ReadonlyMap<number, Items>> {
    return readAnswers(await expectOK(connection, 'f', command)).messages;
  }

  async function textOf(connection: Connection, item: string, name = item.replace('.PEEK', '')): Promise<string> {
    const value = (await fetched(connection, `FETCH 1 ${item}`)).get(1)?.get(name);
    assert.ok(value !== undefined && 'text' in value, `${item}: ${JSON.stringify(value)}`);
    return value.text;
  }

  it('a large text message is cut, because its size was estimated', async () => {
    const body = `${'Ein längerer Text, der größer wird. '.repeat(2)}\r\n`.repeat(19_000);
    const text = Buffer.from(`${HEAD}Content-Type: text/plain; charset=utf-8\r\n\r\n${body}`);
    assert.ok(text.length > 1_400_000);
    const { connection } = await saved(text);
    assert.equal(await textOf(connection, 'BODY.PEEK[]'), text.toString('latin1'));
    assert.deepEqual((await fetched(connection, 'FETCH 1 RFC822.SIZE')).get(1)?.get('RFC822.SIZE'), {
      atom: String(text.length),
    });
    connection.close();
  });

  it('BODY[1] of a message with one part is empty', async () => {
    const { connection } = await saved(Buffer.from(`${HEAD}\r\nThe text.\r\n`));
    assert.equal(await textOf(connection, 'BODY.PEEK[1]'), 'The text.\r\n');
    assert.equal(await textOf(connection, 'BODY.PEEK[TEXT]'), 'The text.\r\n');
    connection.close();
  });

  it('an attachment that is read in chunks costs many times its size, and loses data', async () => {
    const base64 = randomBytes(3_000_000).toString('base64').replace(/.{76}/g, '$&\r\n');
    const parts = [
      '--b\r\nContent-Type: text/plain\r\n\r\nSee the attachment.\r\n',
      `--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64}`,
    ];
    const { connection, mailbox } = await saved(
      Buffer.from(
        `${HEAD}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${parts.join('')}\r\n--b--\r\n`,
      ),
    );
    // Known from now on, as from a listing.
    await fetched(connection, 'FETCH 1 (RFC822.SIZE BODYSTRUCTURE)');
    connection.close();
    const reading = await select(twins.shown, mailbox);
    twins.meter.read();
    let read = '';
    for (;;) {
      const chunk = await textOf(reading, `BODY.PEEK[2]<${read.length}.${CHUNK}>`, `BODY[2]<${read.length}>`);
      read += chunk;
      if (chunk.length < CHUNK) break;
    }
    assert.ok(read === base64);
    const { octets } = twins.meter.read();
    assert.ok(octets < 1.45 * base64.length, `${octets} octets came for ${base64.length}`);
    reading.close();
  });

  it('a multipart without a boundary ends the process', async () => {
    const text = Buffer.from(
      `${HEAD}MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n`,
    );
    const { connection } = await saved(text);
    const told = (await fetched(connection, 'FETCH 1 (ENVELOPE BODYSTRUCTURE BODY.PEEK[] BODY.PEEK[1])')).get(1);
    assert.deepEqual(told?.get('BODY[]'), { text: text.toString('latin1') });
    await expectOK(connection, 'n', 'NOOP');
    connection.close();
  });

  it('a message is shown under the subject of another after QRESYNC', async () => {
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8];
    const { connection, mailbox } = await saved(...numbers.map(numberedMessage));
    const isRight = async (of: Connection, uids: readonly number[]): Promise<void> => {
      const messages = await fetched(of, 'FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[TEXT])');
      assert.deepEqual(
        [...messages.values()].map((items) => Number((items.get('UID') as { atom: string }).atom)),
        uids,
      );
      for (const [index, uid] of uids.entries()) {
        const items = messages.get(index + 1);
        assert.deepEqual(items?.get('BODY[HEADER.FIELDS (SUBJECT)]'), { text: `Subject: Number ${uid}\r\n\r\n` });
        assert.match((items.get('BODY[TEXT]') as { text: string }).text, new RegExp(`^Body of message ${uid}\\.`));
      }
    };
    await isRight(connection, numbers);
    connection.close();
    const first = await login(twins.shown);
    await expectOK(first, 'e', 'ENABLE QRESYNC');
    const selected = Buffer.concat(await expectOK(first, 's', `SELECT ${mailbox}`)).toString();
    const [, validity] = /UIDVALIDITY (\d+)/.exec(selected) ?? [];
    const [, modseq] = /HIGHESTMODSEQ (\d+)/.exec(selected) ?? [];
    first.close();
    const elsewhere = await select(twins.stored, mailbox);
    const expunge = async (uids: string): Promise<void> => {
      await expectOK(elsewhere, 'd', `UID STORE ${uids} +FLAGS (\\Deleted)`);
      await expectOK(elsewhere, 'x', 'EXPUNGE');
    };
    await expunge('2,4');
    const again = await login(twins.shown);
    await expectOK(again, 'e', 'ENABLE QRESYNC');
    const back = await expectOK(again, 's', `SELECT ${mailbox} (QRESYNC (${validity ?? ''} ${modseq ?? ''}))`);
    assert.match(Buffer.concat(back).toString(), /^\* VANISHED \(EARLIER\) 2,4\r$/m);
    await isRight(again, [1, 3, 5, 6, 7, 8]);
    await expunge('1,6');
    await expectOK(again, 'n', 'NOOP');
    await isRight(again, [3, 5, 7, 8]);
    for (const each of [elsewhere, again]) each.close();
  });

  it('parts of a message are swapped, removed or added unnoticed', async () => {
    // Two chunks of 64 KiB and a rest, which the provider's lines of base64 show as runs.
    const text = Buffer.from(`${HEAD}\r\n${'first half '.repeat(6_500)}\r\n${'second half '.repeat(6_500)}\r\n`);
    const stored = (await twins.seal(text)).toString('latin1');
    const [, head = '', data = '', tail = ''] =
      /^([^]*-----BEGIN PGP MESSAGE-----\r\n\r\n)([^]*?)(\r\n(?:=....\r\n)?-----END[^]*)$/.exec(stored) ?? [];
    const lines = data.split('\r\n');
    const [third, quarter] = [Math.floor(lines.length / 3), Math.floor(lines.length / 4)];
    const variants = [
      [...lines.slice(0, third), ...lines.slice(third + quarter), ...lines.slice(third, third + quarter)],
      [...lines.slice(0, third), ...lines.slice(third + 4)],
      [...lines.slice(0, third), ...lines.slice(0, 4), ...lines.slice(third)],
      lines.slice(0, -4),
    ];
    const mailbox = `box${++mailboxes}`;
    const creating = await login(twins.stored);
    await expectOK(creating, 'c', `CREATE ${mailbox}`);
    creating.close();
    await append(
      twins.stored,
      [
        ...variants.map((variant) => Buffer.from(head + variant.join('\r\n') + tail, 'latin1')),
        Buffer.from(stored, 'latin1'),
      ],
      mailbox,
    );
    const connection = await select(twins.shown, mailbox);
    const messages = await fetched(connection, 'FETCH 1:* (BODY.PEEK[])');
    for (let number = 1; number <= variants.length; number++) {
      const { text: seen } = messages.get(number)?.get('BODY[]') as { text: string };
      assert.doesNotMatch(seen, /half/, `variant ${number}`);
      assert.match(seen, /BEGIN PGP MESSAGE/);
    }
    assert.deepEqual(messages.get(variants.length + 1)?.get('BODY[]'), { text: text.toString('latin1') });
    connection.close();
  });

  it('quoted-printable and base64 are encoded anew, which breaks signatures', async () => {
    const part = (encoding: string, body: string): string =>
      `--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}\r\n`;
    // As no encoder of ours would write them.
    const parts = [
      part('quoted-printable', '=68ello =C3=a4 =\r\n  spaces=20=\r\n\r\nend'),
      part('base64', 'aGVs\r\nbG8g\r\n  d29ybGQ=\r\n\r\n'),
      part('8bit', 'größer'),
    ];
    const text = Buffer.from(
      `${HEAD}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${parts.join('')}--b--\r\n`,
    );
    const { connection } = await saved(text);
    assert.equal(await textOf(connection, 'BODY.PEEK[]'), text.toString('latin1'));
    assert.equal(await textOf(connection, 'BODY.PEEK[1]'), '=68ello =C3=a4 =\r\n  spaces=20=\r\n\r\nend');
    connection.close();
  });
});
