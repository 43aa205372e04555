/** IMAP through what stands before a provider: how much slower than directly. */
import { startDovecot } from '#test/e2e/imap/dovecot';
import type { Endpoint } from '#test/e2e/imap/endpoint';
import { type Result, atMost, median, told } from '../measure.js';
import { download, fillForBench, latency, listing } from './figures.js';
import { PAIRS, PEERS } from './peers.js';
import type { Measured } from './relays.js';

export interface ImapBenchOptions {
  readonly rounds?: number;
}

/** The figures of one thing for everything that is measured. */
type Figures = ReadonlyMap<string, number>;

/** Postern against a relay that knows no IMAP, in the same run: in clear text, and with TLS on both sides. */
export async function* imap({ rounds = 7 }: ImapBenchOptions = {}): AsyncGenerator<Result> {
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
    const list = await figures(listing);
    yield* all('FETCH flags and envelopes of 10,000', list, ' ms');
    yield* ratios('FETCH flags and envelopes of 10,000', list, 1.5);
    const large = await figures(download);
    yield* all('FETCH 100 MB', large, ' ms');
    yield* ratios('FETCH 100 MB', large, 1.3);
    const noop = await figures(latency);
    yield* all('NOOP', noop, ' ms');
    for (const [ours, theirs] of PAIRS) {
      const more = (noop.get(ours) ?? NaN) - (noop.get(theirs) ?? NaN);
      yield atMost(`NOOP, ${ours}, more than ${theirs}`, more, 0.2, ' ms');
    }
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
