import assert from 'node:assert/strict';
import { it } from 'node:test';
import { OpenPGPError } from '#lib/openpgp/error';
import { generateKey } from '#lib/openpgp/library';
import { inline, workerPool } from '#lib/openpgp/offload';

it('a job fails in a worker thread with the same error as in place', async () => {
  const { privateKey } = await generateKey({
    type: 'curve25519',
    userIDs: [{ email: 'alice@example.com' }],
    passphrase: 'right',
    format: 'object',
  });
  const pool = workerPool(1);
  try {
    for (const offload of [inline, pool]) {
      await assert.rejects(
        offload.run('unlock', { key: privateKey.write(), passphrase: 'wrong' }),
        (error) => error instanceof OpenPGPError && error.code === 'passphrase' && !error.message.includes('wrong'),
      );
      await assert.rejects(
        offload.run('bunzip2', { body: Buffer.from('not bzip2') }),
        (error) => error instanceof OpenPGPError && error.code === 'malformed',
      );
    }
  } finally {
    await pool.close();
  }
});
