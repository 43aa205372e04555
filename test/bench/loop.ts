/** How long the event loop stands still while 100 MB are opened and messages to RSA-4096 beside it. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { gather, memorySource } from '#lib/bytes/source';
import { workerPool } from '#lib/openpgp/offload';
import { openMessage } from '#lib/openpgp/open';
import { createSealer } from '#lib/openpgp/seal';
import { loadKey } from '#test/vectors/catalogue';
import { payloadOf } from '#test/vectors/payload';
import { type Material, consume, fileStream, keyFor, sealOptions } from './material.js';
import { MB, type Result, atMost, told } from './measure.js';

const SIZE = 100 * MB;

export async function loop(material: Material): Promise<Result[]> {
  const rsa = await loadKey('gpg-rsa4096');
  const sealer = await createSealer(await sealOptions(rsa, 'v1'));
  const small = await gather(sealer.seal(memorySource(payloadOf('mail', 2000)).stream()));
  const offload = workerPool(1);
  const openSmall = async (): Promise<void> => {
    const opened = await openMessage(memorySource(small).stream(), { keys: [rsa], offload });
    await consume(opened.payload);
  };
  const results: Result[] = [];
  try {
    await openSmall();
    const base = await longest(() => wait(300));
    results.push(told('event loop, longest delay when idle', base, ' ms'));
    for (const [mode, name] of [
      ['v1', 'SEIPDv1'],
      ['ocb', 'SEIPDv2 OCB'],
    ] as const) {
      const { path } = await material.sealedFile(mode, SIZE);
      const key = await keyFor(mode);
      const openLarge = async (): Promise<void> => {
        const opened = await openMessage(fileStream(path, true), { lent: true, keys: [key], offload });
        await consume(opened.payload);
      };
      await openLarge();
      let count = 0;
      const delay = await longest(async () => {
        const state = { done: false };
        const traffic = (async () => {
          while (!state.done) {
            await openSmall();
            count++;
          }
        })();
        await openLarge();
        state.done = true;
        await traffic;
      });
      results.push(
        told(`RSA-4096 messages opened beside 100 MB, ${name}`, count, ''),
        atMost(`longest event-loop block, 100 MB ${name} and RSA-4096`, delay - base, 20, ' ms'),
      );
    }
  } finally {
    await offload.close();
  }
  return results;
}

/** Milliseconds of the longest delay while `run` runs. */
async function longest(run: () => Promise<unknown>): Promise<number> {
  globalThis.gc?.();
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  await run();
  // What blocked last is seen by the next timer only.
  await wait(5);
  delays.disable();
  return delays.max / 1e6;
}
