import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startDovecot } from '#test/e2e/imap/dovecot';
import { idle, latency } from './figures.js';
import { PEERS } from './peers.js';

describe('the bench of IMAP', () => {
  it('measures every peer', async () => {
    const server = await startDovecot();
    try {
      for (const { start, tls } of PEERS) {
        const { name, endpoint, pid, close } = await start(server.endpoint('bench', tls ? 'implicit' : 'none'));
        try {
          assert.ok((await latency(endpoint, 20)) > 0, name);
          const { memory, processor } = await idle(endpoint, pid ?? 0, 10, 1);
          assert.ok(Number.isFinite(memory) && processor >= 0, name);
        } finally {
          await close();
        }
      }
    } finally {
      await server.stop();
    }
  });
});
