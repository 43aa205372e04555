import assert from 'node:assert/strict';
import { it } from 'node:test';
import { drain, slices } from '#lib/bytes/source';

it('a stream from memory lets timers run in between', async () => {
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 0);
  const end = Date.now() + 5000;
  while (ticks === 0 && Date.now() < end) await drain(slices(Buffer.alloc(64 * 1024 * 1024)));
  clearInterval(timer);
  assert.ok(ticks > 0);
});
