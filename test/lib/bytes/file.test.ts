import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileSource } from '#lib/bytes/file';
import { gather, lentStream } from '#lib/bytes/source';

it('a file that cannot be read further fails when its reader gets there, however slow the reader is', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  let reads = 0;
  const source = fileSource(
    {
      read: (block) =>
        reads++ === 0 ? Promise.resolve({ bytesRead: block.length }) : Promise.reject(new Error('The disk is broken.')),
      close: () => Promise.resolve(),
    },
    1024 * 1024,
  );
  let octets = 0;
  await assert.rejects(async () => {
    for await (const chunk of source.stream()) {
      octets += chunk.length;
      await setTimeout(5);
    }
  }, /disk is broken/);
  process.off('unhandledRejection', note);
  assert.ok(octets > 0 && octets < source.size);
  assert.deepEqual(unhandled, []);
});

it('lends the same octets as it gives, in memory that is used again', async () => {
  const bytes = randomBytes(3_000_000);
  const source = fileSource(
    {
      // Never more than this at once, so that blocks are not all full.
      read: (block, offset, length, position) => {
        const bytesRead = bytes.copy(block, offset, position, position + Math.min(length, 300_000));
        return Promise.resolve({ bytesRead });
      },
      close: () => Promise.resolve(),
    },
    bytes.length,
  );
  const memory = new Set<ArrayBufferLike>();
  const copies: Buffer[] = [];
  for await (const chunk of lentStream(source, 7, 2_900_000)) {
    memory.add(chunk.buffer);
    copies.push(Buffer.from(chunk));
  }
  assert.deepEqual(Buffer.concat(copies), bytes.subarray(7, 2_900_000));
  assert.equal(memory.size, 2);
  assert.deepEqual(await gather(source.stream()), bytes);
});
