import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gather, slices } from '#lib/bytes/source';
import { Spool, spoolStream } from '#lib/bytes/spool';

const bytes = randomBytes(300_001);

describe('spool', () => {
  for (const seal of [true, false]) {
    for (const limit of [0, bytes.length - 1, bytes.length]) {
      it(`gives back what it took (seal ${seal ? 'on' : 'off'}, limit ${limit})`, async () => {
        const source = await spoolStream(slices(bytes), { limit, seal });
        assert.equal(source.size, bytes.length);
        assert.deepEqual(await gather(source.stream()), bytes);
        for (const [start, end] of [
          [0, 0],
          [1, 2],
          [15, 70_001],
          [65_536, bytes.length],
          [299_999, 300_001],
        ] as const) {
          assert.deepEqual(await gather(source.stream(start, end)), bytes.subarray(start, end), `${start}-${end}`);
        }
        await source.close();
      });
    }
  }

  it('holds tiny pieces in about as much memory as what is in them', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const spool = new Spool();
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let at = 0; at < bytes.length; at++) await spool.write(bytes.subarray(at, at + 1));
    collect();
    const taken = process.memoryUsage().heapUsed - before;
    assert.ok(taken < 3_000_000, `${taken} octets for ${bytes.length}`);
    const source = await spool.finish();
    assert.deepEqual(await gather(source.stream()), bytes);
  });

  it('leaves no name in its folder while it is in use', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'spool-test-'));
    try {
      const source = await spoolStream(slices(bytes), { limit: 10, directory });
      assert.deepEqual(readdirSync(directory), []);
      await source.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('says so when its folder cannot be written', async () => {
    await assert.rejects(spoolStream(slices(bytes), { limit: 10, directory: '/nonexistent' }), { code: 'ENOENT' });
  });

  it('takes many writes above the limit in order', async () => {
    const spool = new Spool({ limit: 100 });
    const parts = Array.from({ length: 50 }, (_, i) => Buffer.alloc(99_991, i));
    for (const part of parts) await spool.write(part);
    const source = await spool.finish();
    assert.deepEqual(await gather(source.stream()), Buffer.concat(parts));
    await source.close();
  });
});
