import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startCyrus } from './cyrus.js';
import { type Allowed, compare } from './differential.js';
import { startDovecot } from './dovecot.js';
import type { MailServer } from './endpoint.js';
import { type Postern, startPostern } from './postern.js';
import { readDialogues } from './script.js';

/** Everything that can be tried; else what fits into the time of the ordinary tests. */
const ALL = process.env['E2E'] === 'all';

const ALLOWED: readonly Allowed[] = [];

describe('a session through Postern', () => {
  let servers: readonly MailServer[];
  let postern: Postern;
  before(async () => {
    [postern, ...servers] = await Promise.all([startPostern(), startDovecot(), startCyrus()]);
  });
  after(async () => {
    await Promise.all([postern, ...servers].map((server) => server.stop()));
  });

  describe('differs from one without it in nothing but what is listed', { concurrency: 4 }, () => {
    for (const dialogue of readDialogues()) {
      for (const name of dialogue.servers) {
        for (const pace of ALL ? (['whole', 'octets', { seed: 7 }, 'pipelined'] as const) : (['whole'] as const)) {
          it(`${name}: ${dialogue.name}, ${typeof pace === 'string' ? pace : 'random cuts'}`, async () => {
            const server = servers.find((one) => one.name === name);
            assert.ok(server);
            const found = await compare({ dialogue, server, interpose: postern.interpose, pace, allowed: ALLOWED });
            assert.deepEqual(found, []);
          });
        }
      }
    }
  });
});
