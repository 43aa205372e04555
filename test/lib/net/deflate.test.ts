import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync } from 'node:zlib';
import { ConnectionError } from '#lib/net/connection';
import { deflated } from '#lib/net/deflate';
import { connectionPair, cut, readAll, scripted } from './memory.js';

/** Octets as a peer would send them: compressed, with a flush after each. */
async function compressed(...texts: readonly (string | Buffer)[]): Promise<Buffer> {
  const deflate = createDeflateRaw();
  const chunks: Buffer[] = [];
  deflate.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (const text of texts) {
    deflate.write(text);
    await new Promise<void>((resolve) => {
      deflate.flush(constants.Z_SYNC_FLUSH, resolve);
    });
  }
  await setImmediate();
  deflate.destroy();
  return Buffer.concat(chunks);
}

test('two ends understand each other, and each turn arrives whole', async () => {
  const [here, there] = connectionPair();
  const [client, server] = [deflated(here), deflated(there)];
  client.write(Buffer.from('a1 '));
  client.write(Buffer.from('NOOP\r\n'));
  assert.equal((await server.read())?.toString(), 'a1 NOOP\r\n');
  server.write(Buffer.from('a1 OK\r\n'));
  assert.equal((await client.read())?.toString(), 'a1 OK\r\n');
  const large = randomBytes(1_000_000);
  const writing = (async (): Promise<void> => {
    for (const piece of cut(large, 30_000)) if (!server.write(piece)) await server.drained();
    await server.end();
  })();
  assert.ok((await readAll(client)).equals(large));
  await writing;
  // Half-closed: this direction is still open.
  client.write(Buffer.from('a2 LOGOUT\r\n'));
  await client.end();
  assert.equal((await readAll(server)).toString(), 'a2 LOGOUT\r\n');
});

test('it is raw deflate with a sync flush, as other implementations read and write it', async () => {
  const [here, there] = connectionPair();
  const ours = deflated(here);
  ours.write(Buffer.from('* OK hello\r\n'));
  const sent = await there.read();
  assert.ok(sent);
  // A sync flush ends in an empty stored block.
  assert.equal(sent.subarray(-4).toString('hex'), '0000ffff');
  const inflate = createInflateRaw();
  inflate.write(sent);
  assert.equal(String(await new Promise((resolve) => inflate.once('data', resolve))), '* OK hello\r\n');
  inflate.destroy();
  // What was read beyond the line that agreed to it, cut anywhere.
  const input = await compressed('* 1 EXISTS\r\n', 'a1 OK\r\n');
  for (let at = 0; at <= input.length; at++) {
    const connection = deflated(scripted([input.subarray(at)]), input.subarray(0, at));
    assert.equal((await readAll(connection)).toString(), '* 1 EXISTS\r\na1 OK\r\n');
    connection.destroy();
  }
});

test('a bomb is inflated no faster than it is read', async () => {
  const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });
  assert.ok(bomb.length < 100_000);
  let given = 0;
  const inner = scripted(cut(bomb, 8_192));
  const connection = deflated({
    ...inner,
    read: async () => {
      const chunk = await inner.read();
      given += chunk?.length ?? 0;
      return chunk;
    },
  });
  const before = process.memoryUsage().arrayBuffers;
  const first = await connection.read();
  assert.ok(first !== undefined && first.length <= 16 * 1024);
  await sleep(100);
  assert.ok(given <= 2 * 8_192, `${given} octets were taken in`);
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 * 1024 * 1024);
  let size = first.length;
  for (let chunk = await connection.read(); chunk !== undefined; chunk = await connection.read()) {
    assert.ok(chunk.length <= 32 * 1024, `a chunk of ${chunk.length}`);
    size += chunk.length;
  }
  assert.equal(size, 64 * 1024 * 1024);
  connection.destroy();
});

test('who does not read slows down who writes', async () => {
  const [here] = connectionPair();
  const connection = deflated(here);
  let written = 0;
  const chunk = randomBytes(16 * 1024);
  while (written < 64 * 1024 * 1024 && connection.write(chunk)) {
    written += chunk.length;
    await setImmediate();
  }
  assert.ok(written < 1024 * 1024, `${written} octets were taken`);
  const waiting = connection.drained();
  connection.destroy();
  await waiting;
  assert.ok(here.destroyed);
});

test('damaged data, a loss and an end are told apart', async () => {
  const input = await compressed('first');
  const inner = scripted([input, Buffer.from('ffffffffffff', 'hex')]);
  const damaged = deflated(inner, undefined, 'imap.example.com:993');
  assert.equal((await damaged.read())?.toString(), 'first');
  await assert.rejects(damaged.read(), {
    name: 'ConnectionError',
    code: 'compression',
    message: /^The connection to imap\.example\.com:993 brought damaged compressed data \(Z_DATA_ERROR\)\. /,
  });
  assert.ok(inner.destroyed());
  assert.equal(damaged.write(Buffer.from('x')), true);
  await damaged.drained();
  await damaged.end();

  const lost = deflated(scripted([input, new ConnectionError('reset', 'It was broken off.')]));
  assert.equal((await lost.read())?.toString(), 'first');
  await assert.rejects(lost.read(), { code: 'reset' });

  const ended = deflated(scripted([input.subarray(0, -1)]));
  assert.equal((await readAll(ended)).toString(), 'first');

  const [here] = connectionPair();
  const closed = deflated(here);
  const reading = assert.rejects(closed.read(), { code: 'closed' });
  closed.destroy();
  await reading;
});
