import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startDovecot } from '#test/e2e/imap/dovecot';
import { latency } from './figures.js';
import { idle } from './idle.js';
import { PEERS } from './peers.js';

describe('the bench of IMAP', () => {
  it('measures every peer', async () => {
    const server = await startDovecot();
    try {
      for (const { start, tls } of PEERS) {
        const { name, endpoint, close } = await start(server.endpoint('bench', tls ? 'implicit' : 'none'));
        try {
          assert.ok((await latency(endpoint, 20)) > 0, name);
        } finally {
          await close();
        }
      }
    } finally {
      await server.stop();
    }
  });

  it('has idle sessions at every peer with TLS', async () => {
    const results: string[] = [];
    for await (const { what, figure } of idle({ sessions: 10, seconds: 1 })) {
      results.push(what);
      assert.match(figure, /^-?[0-9.]+(?: (?:KB|%))?$/, what);
    }
    assert.equal(results.length, 1 + 2 * PEERS.filter(({ tls }) => tls).length);
  });
});
