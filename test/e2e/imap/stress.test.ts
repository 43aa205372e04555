import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startDovecot } from './dovecot.js';
import type { MailServer } from './endpoint.js';
import { Violation } from './model.js';
import { type Alter, relay } from './relay.js';
import { type StressReport, stress } from './stress.js';

/** `STRESS_STEPS` sets another number, and with it goes the time limit. */
const STEPS = Number(process.env['STRESS_STEPS'] ?? 3000);
const LIMIT = process.env['STRESS_STEPS'] === undefined ? 8000 : Infinity;

describe('many connections to one mailbox', () => {
  let server: MailServer;
  before(async () => {
    server = await startDovecot();
  });
  after(async () => {
    await server.stop();
  });

  const run = async (user: string, seed: number, steps: number, alter?: () => Alter): Promise<StressReport> => {
    const { endpoint, close } = await relay(alter)(server.endpoint(user));
    try {
      return await stress(endpoint, { seed, steps, connections: 4, limit: LIMIT });
    } finally {
      await close();
    }
  };

  it('keep believing what is true', async () => {
    const { steps, expunged } = await run('stress', Number(process.env['STRESS_SEED'] ?? 1), STEPS);
    assert.ok(steps >= 100 && expunged > 0, `${steps} steps, ${expunged} expunged`);
  });

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
      await assert.rejects(run(name.replaceAll(' ', '-'), 3, 3000, alter), Violation);
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
    await assert.rejects(run('during-fetch', 4, 3000, alter), Violation);
  });
});
