/** Listings of 10,000 messages: through Postern from the stored form, and at the provider in plaintext. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Endpoint } from '#test/e2e/imap/endpoint';
import type { Twins } from '#test/e2e/imap/view/mailbox';
import { CountingClient } from '../imap/figures.js';
import { type Result, atMost, median, told } from '../measure.js';
import { LISTED, MAILBOXES } from './mailboxes.js';

const COMMAND = 'FETCH 1:* (UID FLAGS RFC822.SIZE ENVELOPE BODYSTRUCTURE)';

/** The limits of the first listing and of later ones, against the provider's own of the same kind. */
const LIMITS = { summaries: [1.3, 2], bare: [2, 2], plain: [1.5, 2] } as const;

export async function listings(twins: Twins, rounds: number): Promise<Result[]> {
  const times = new Map<string, number[]>();
  const measure = async (what: string, endpoint: Endpoint, mailbox: string): Promise<void> => {
    times.set(what, [...(times.get(what) ?? []), await list(endpoint, mailbox)]);
  };
  for (let round = 0; round < rounds; round++) {
    forget(twins);
    await measure('first, direct', twins.plain, 'plain');
    await measure('later, direct', twins.plain, 'plain');
    for (const name of MAILBOXES) {
      forget(twins);
      await measure(`first, ${name}`, twins.shown, name);
      await measure(`later, ${name}`, twins.shown, name);
    }
  }
  const of = (what: string): number => median(times.get(what) ?? []);
  const listed = `listing of ${LISTED}`;
  return [
    ...[...times.keys()].map((what) => told(`${listed}, ${what}`, of(what), ' ms')),
    ...MAILBOXES.flatMap((name) => [
      atMost(`${listed}, first, ${name}`, of(`first, ${name}`) / of('first, direct'), LIMITS[name][0], '×'),
      atMost(`${listed}, later, ${name}`, of(`later, ${name}`) / of('later, direct'), LIMITS[name][1], '×'),
    ]),
  ];
}

/** Milliseconds of a listing in a new session. */
async function list(endpoint: Endpoint, mailbox: string): Promise<number> {
  const client = await CountingClient.login(endpoint);
  try {
    await client.run(`EXAMINE ${mailbox}`);
    const start = performance.now();
    const octets = await client.run(COMMAND);
    const time = performance.now() - start;
    if (octets < LISTED * 300) throw new Error(`${octets} octets came.`);
    await client.run('LOGOUT');
    return time;
  } finally {
    client.close();
  }
}

/** Removes what the provider and Postern remember of messages. */
function forget({ folder, forget: forgetIndex }: Twins): void {
  for (const path of readdirSync(join(folder, 'mail'), { recursive: true, encoding: 'utf8' })) {
    if (path.endsWith('dovecot.index.cache')) rmSync(join(folder, 'mail', path));
  }
  forgetIndex();
}
