import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { socketConnection } from '#lib/net/socket';
import { readAll } from './memory.js';
import { type SocketPair, socketPair } from './sockets.js';

async function withPair(run: (pair: SocketPair) => Promise<void>): Promise<void> {
  const pair = await socketPair();
  try {
    await run(pair);
  } finally {
    pair.close();
  }
}

test('octets pass in both directions, and the end of one leaves the other open', () =>
  withPair(async ({ accepted, client }) => {
    const [here, there] = [socketConnection(accepted), socketConnection(client)];
    there.write(Buffer.from('a question'));
    await there.end();
    assert.equal((await readAll(here)).toString(), 'a question');
    // The peer has ended: we have not.
    const answer = randomBytes(3_000_000);
    for (let at = 0; at < answer.length; at += 50_000) {
      if (!here.write(answer.subarray(at, at + 50_000))) await here.drained();
    }
    const [received] = await Promise.all([readAll(there), here.end()]);
    assert.ok(received.equals(answer));
  }));

test('who does not read slows down who writes', () =>
  withPair(async ({ accepted, client }) => {
    const [here, there] = [socketConnection(accepted), socketConnection(client)];
    let written = 0;
    const chunk = Buffer.alloc(64 * 1024);
    const writer = (async (): Promise<void> => {
      for (; written < 64 * 1024 * 1024; written += chunk.length) if (!there.write(chunk)) await there.drained();
      await there.end();
    })();
    await sleep(300);
    const stalled = written;
    // The buffers of the system hold some megabytes; in the reader's process one or two chunks wait.
    assert.ok(stalled < 32 * 1024 * 1024, `${stalled} octets were taken`);
    assert.ok(accepted.bytesRead <= 3 * 64 * 1024, `${accepted.bytesRead} octets were read`);
    await sleep(100);
    assert.equal(written, stalled);
    assert.equal((await readAll(here)).length, 64 * 1024 * 1024);
    await writer;
  }));

test('a reset is an error that names the peer and what to do; what came before is read first', () =>
  withPair(async ({ accepted, client }) => {
    const here = socketConnection(accepted, 'imap.example.com:143');
    client.write('last ');
    await sleep(50);
    client.write('words');
    await sleep(50);
    const closed = new Promise((resolve) => accepted.once('close', resolve));
    client.resetAndDestroy();
    await closed;
    assert.equal((await here.read())?.toString(), 'last words');
    await assert.rejects(here.read(), {
      name: 'ConnectionError',
      code: 'reset',
      message: 'The connection to imap.example.com:143 was broken off (ECONNRESET). Connect again.',
    });
    // Afterwards nothing hangs and nothing throws.
    assert.equal(here.write(Buffer.from('x')), true);
    await here.drained();
    await here.end();
    await assert.rejects(here.read(), { code: 'reset' });
  }));

test('destroy ends a read that waits, and a writer that waits', () =>
  withPair(async ({ accepted, client }) => {
    const here = socketConnection(accepted);
    const there = socketConnection(client);
    const reading = assert.rejects(there.read(), { code: 'closed' });
    while (there.write(Buffer.alloc(1024 * 1024)));
    const waiting = Promise.all([there.drained(), there.end()]);
    there.destroy();
    await reading;
    await waiting;
    here.destroy();
  }));

test('two reads at a time are served in their order, and both hear of the end', () =>
  withPair(async ({ accepted, client }) => {
    const here = socketConnection(accepted);
    const [first, second, third] = [here.read(), here.read(), here.read()];
    client.write('x');
    assert.equal((await first)?.toString(), 'x');
    client.end('y');
    assert.equal((await second)?.toString(), 'y');
    assert.deepEqual([await third, await here.read()], [undefined, undefined]);
  }));

test('detach gives the socket and every octet that was not read', () =>
  withPair(async ({ accepted, client }) => {
    const here = socketConnection(accepted);
    client.write('STARTTLS\r\n');
    assert.equal((await here.read())?.toString(), 'STARTTLS\r\n');
    client.write('first ');
    await sleep(30);
    client.write('second ');
    await sleep(30);
    client.write('third');
    await sleep(30);
    const { socket, unread } = here.detach();
    assert.equal(socket, accepted);
    await assert.rejects(here.read(), { code: 'closed' });
    const again = socketConnection(socket);
    client.end(' fourth');
    const rest = await readAll(again);
    assert.equal(Buffer.concat([unread, rest]).toString(), 'first second third fourth');
    assert.equal(unread.toString(), 'first second third');
  }));

test('detach is refused while a read waits', () =>
  withPair(({ accepted }) => {
    const here = socketConnection(accepted);
    here.read().catch(() => undefined);
    assert.throws(() => here.detach(), /read is waiting/);
    return Promise.resolve();
  }));
