import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDovecot } from './dovecot.js';
import type { Interpose, MailServer } from './endpoint.js';
import { Violation } from './model.js';
import { type Postern, startPostern } from './postern.js';
import { type Alter, relay } from './relay.js';
import { type StressReport, stress } from './stress.js';

/** `STRESS_STEPS` sets another number, and with it goes the time limit. */
const STEPS = Number(process.env['STRESS_STEPS'] ?? 3000);
const SEED = Number(process.env['STRESS_SEED'] ?? 1);
const LIMIT = process.env['STRESS_STEPS'] === undefined ? 8000 : Infinity;

describe('many connections to one mailbox', () => {
  let server: MailServer;
  let postern: Postern;
  before(async () => {
    [server, postern] = await Promise.all([startDovecot(), startPostern()]);
  });
  after(async () => {
    await Promise.all([server.stop(), postern.stop()]);
  });

  const run = async (user: string, seed: number, steps: number, interpose: Interpose): Promise<StressReport> => {
    const { endpoint, close } = await interpose(server.endpoint(user));
    try {
      return await stress(endpoint, { seed, steps, connections: 4, limit: LIMIT });
    } finally {
      await close();
    }
  };

  for (const [way, interpose] of [
    ['', relay()],
    [' through Postern', (provider) => postern.interpose(provider)],
  ] satisfies (readonly [string, Interpose])[]) {
    it(`keep believing what is true${way}`, async () => {
      const { steps, expunged } = await run(`stress${way.replaceAll(' ', '-')}`, SEED, STEPS, interpose);
      assert.ok(steps >= 100 && expunged > 0, `${steps} steps, ${expunged} expunged`);
    });
  }

  /** Does something to one response in ten of those that fit. */
  const onceInTen = (pattern: RegExp, change: (response: Buffer) => readonly Buffer[]) => (): Alter => {
    let count = 0;
    return (response) =>
      pattern.test(response.toString('latin1')) && ++count % 10 === 0 ? change(response) : [response];
  };
  for (const [name, alter] of [
    ['swallows an EXPUNGE', onceInTen(/^\* \d+ EXPUNGE/, () => [])],
    ['doubles an EXPUNGE', onceInTen(/^\* \d+ EXPUNGE/, (response) => [response, response])],
    ['swallows a VANISHED', onceInTen(/^\* VANISHED/, () => [])],
    ['swallows an EXISTS', onceInTen(/^\* \d+ EXISTS/, () => [])],
    [
      'changes a UID',
      onceInTen(/^\* \d+ FETCH .*UID \d+/, (response) => [
        Buffer.from(response.toString('latin1').replace(/UID (\d+)/, 'UID 1$1'), 'latin1'),
      ]),
    ],
  ] as const) {
    it(`notice a relay that ${name}`, async () => {
      await assert.rejects(run(name.replaceAll(' ', '-'), 3, 3000, relay(alter)), Violation);
    });
  }

  it('notice a relay that lets an EXPUNGE out during a FETCH', async () => {
    const alter = (): Alter => {
      let held: Buffer | undefined;
      return (response) => {
        const text = response.toString('latin1');
        if (/^\* \d+ EXPUNGE/.test(text) && held === undefined) {
          held = response;
          return [];
        }
        if (held === undefined || !/^\* \d+ FETCH .*X-NUMBER/i.test(text)) return [response];
        const out = [held, response];
        held = undefined;
        return out;
      };
    };
    await assert.rejects(run('during-fetch', 4, 3000, relay(alter)), Violation);
  });
});
