/** IMAP through what stands before a provider: how much slower than directly, and what idle sessions cost. */
import { startDovecot } from '#test/e2e/imap/dovecot';
import type { Endpoint } from '#test/e2e/imap/endpoint';
import { type Result, atMost, median, told } from '../measure.js';
import { download, fillForBench, idle, latency, listing } from './figures.js';
import { PAIRS, PEERS } from './peers.js';
import type { Measured } from './relays.js';

export interface ImapBenchOptions {
  readonly rounds?: number;
  readonly sessions?: number;
  readonly seconds?: number;
}

/** The figures of one thing for everything that is measured. */
type Figures = ReadonlyMap<string, number>;

/** Postern against a relay that knows no IMAP, in the same run: in clear text, and with TLS on both sides. */
export async function imap({ rounds = 7, sessions = 1000, seconds = 60 }: ImapBenchOptions = {}): Promise<Result[]> {
  const server = await startDovecot();
  const measured: Measured[] = [];
  try {
    const provider = server.endpoint('bench');
    const secured = server.endpoint('bench', 'implicit');
    await fillForBench(provider);
    measured.push({ name: 'direct', endpoint: provider, pid: undefined, close: () => Promise.resolve() });
    for (const { start, tls } of PEERS) measured.push(await start(tls ? secured : provider));
    const figures = (measure: (endpoint: Endpoint) => Promise<number>): Promise<Figures> =>
      medians(measure, measured, rounds);
    const [list, large, noop] = [await figures(listing), await figures(download), await figures(latency)];
    const results = [
      ...all('FETCH flags and envelopes of 10,000', list, ' ms'),
      ...ratios('FETCH flags and envelopes of 10,000', list, 1.5),
      ...all('FETCH 100 MB', large, ' ms'),
      ...ratios('FETCH 100 MB', large, 1.3),
      ...all('NOOP', noop, ' ms'),
      ...PAIRS.map(([ours, theirs]) =>
        atMost(`NOOP, ${ours}, more than ${theirs}`, (noop.get(ours) ?? NaN) - (noop.get(theirs) ?? NaN), 0.2, ' ms'),
      ),
    ];
    for (const { name, endpoint, pid } of measured) {
      if (pid === undefined) continue;
      const { memory, processor } = await idle(endpoint, pid, sessions, seconds);
      const isOurs = PAIRS.some(([ours]) => ours === name);
      const what = [
        `memory of an idle session of ${sessions}, ${name}`,
        `processor for ${sessions} idle sessions, ${name}`,
      ] as const;
      results.push(
        isOurs ? atMost(what[0], memory, 150, ' KB') : told(what[0], memory, ' KB'),
        isOurs ? atMost(what[1], processor, 5, ' %') : told(what[1], processor, ' %'),
      );
    }
    return results;
  } finally {
    for (const { close } of measured) await close();
    await server.stop();
  }
}

/** All take their turn in each round, so that what slows the machine slows all. */
async function medians(
  measure: (endpoint: Endpoint) => Promise<number>,
  measured: readonly Measured[],
  rounds: number,
): Promise<Figures> {
  const times = new Map<string, number[]>(measured.map(({ name }) => [name, []]));
  // The first round is for the optimiser and the server's caches.
  for (let round = 0; round <= rounds; round++) {
    for (const { name, endpoint } of measured) {
      const time = await measure(endpoint);
      if (round > 0) times.get(name)?.push(time);
    }
  }
  return new Map([...times].map(([name, list]) => [name, median(list)]));
}

function all(what: string, figures: Figures, unit: string): Result[] {
  return [...figures].map(([name, figure]) => told(`${what}, ${name}`, figure, unit));
}

function ratios(what: string, figures: Figures, most: number): Result[] {
  return PAIRS.map(([ours, theirs]) =>
    atMost(`${what}, ${ours} against ${theirs}`, (figures.get(ours) ?? NaN) / (figures.get(theirs) ?? NaN), most, '×'),
  );
}
