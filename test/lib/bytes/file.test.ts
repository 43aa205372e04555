import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileSource } from '#lib/bytes/file';

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
