import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hashRaw } from '@node-rs/argon2';
import { Secret } from '#lib/keys/secret';
import { STANDARD_COST, argon2Load, stretch } from '#lib/vault/argon2';
import { LIMITS } from '#lib/vault/limits';
import { refuses } from './material.js';

const SALT = Buffer.alloc(16, 7);

describe('Argon2', () => {
  it('is Argon2id at the second recommended setting of RFC 9106, as OpenSSL has it', async () => {
    assert.deepEqual(STANDARD_COST, { memory: 65536, passes: 3, lanes: 4 });
    const ours = await stretch(new Secret('correct horse'), SALT, STANDARD_COST);
    // Made with OpenSSL 3.5 (Python's cryptography 48).
    assert.equal(ours.toString('hex'), 'b9544fd17a6791078aa071a2eb5d1e653ca9788d942f83158bb4ee9b552a2326');
    // A vector of the reference implementation (phc-winner-argon2, src/test.c).
    const vector = { timeCost: 2, memoryCost: 65536, parallelism: 1, outputLen: 32, salt: Buffer.from('somesalt') };
    assert.equal(
      (await hashRaw('password', vector)).toString('hex'),
      '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7',
    );
  });

  it('takes a password as the same whether its letters are composed or not', async () => {
    const [composed, apart] = await Promise.all(
      ['caf\u00e9', 'cafe\u0301'].map((text) => stretch(new Secret(text), SALT, STANDARD_COST)),
    );
    assert.deepEqual(composed, apart);
  });

  it('runs few at once, lets some wait, and sends the others away', async () => {
    const all = LIMITS.argon2Running + LIMITS.argon2Waiting + 1;
    let most = 0;
    const runs = Array.from({ length: all }, async () => {
      const result = stretch(new Secret('correct horse'), SALT, STANDARD_COST);
      most = Math.max(most, argon2Load().running);
      return result;
    });
    const last = runs.pop();
    assert.ok(last);
    await refuses(last, 'busy');
    assert.deepEqual(argon2Load(), { running: LIMITS.argon2Running, waiting: LIMITS.argon2Waiting });
    const first = await runs[0];
    for (const run of runs) assert.deepEqual(await run, first);
    assert.equal(most, LIMITS.argon2Running);
    assert.deepEqual(argon2Load(), { running: 0, waiting: 0 });
  });

  it('does not run at a cost that no vault of ours has', async () => {
    const start = performance.now();
    for (const cost of [
      { ...STANDARD_COST, memory: 2 ** 21 },
      { ...STANDARD_COST, passes: 255 },
      { ...STANDARD_COST, memory: 8 },
    ]) {
      await refuses(stretch(new Secret('correct horse'), SALT, cost), 'limit');
    }
    assert.ok(performance.now() - start < 1000);
    assert.deepEqual(argon2Load(), { running: 0, waiting: 0 });
  });
});
