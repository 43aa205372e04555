/** IMAP through what stands before a provider: how much slower than directly, and what idle sessions cost. */
import { startDovecot } from '#test/e2e/imap/dovecot';
import type { Endpoint } from '#test/e2e/imap/endpoint';
import { type Result, median, told } from '../measure.js';
import { download, fillForBench, idle, latency, listing } from './figures.js';
import { type Measured, PEERS, type StartMeasured, relayWithTLS } from './relays.js';

export interface ImapBenchOptions {
  /** What is measured besides the peers. */
  readonly endpoints?: readonly StartMeasured[];
  readonly rounds?: number;
  readonly sessions?: number;
  readonly seconds?: number;
}

/** Each figure is a ratio to the same thing done without anything in between, in the same run. */
export async function imap({
  endpoints = [],
  rounds = 5,
  sessions = 1000,
  seconds = 60,
}: ImapBenchOptions = {}): Promise<Result[]> {
  const server = await startDovecot();
  const measured: Measured[] = [];
  try {
    const provider = server.endpoint('bench');
    const secured = server.endpoint('bench', 'implicit');
    await fillForBench(provider);
    const direct = (name: string, endpoint: Endpoint): Measured => ({
      name,
      endpoint,
      pid: undefined,
      close: () => Promise.resolve(),
    });
    measured.push(direct('direct', provider), direct('direct, TLS', secured));
    for (const start of [...PEERS, ...endpoints]) {
      // One that speaks TLS is told where the provider does.
      measured.push(await start(start === relayWithTLS ? secured : provider));
    }
    const results: Result[] = [];
    for (const [what, measure] of [
      [`FETCH flags and envelopes of 10,000`, listing],
      ['FETCH 100 MB', download],
      ['NOOP', latency],
    ] as const) {
      results.push(...(await compared(what, measure, measured, rounds)));
    }
    for (const { name, endpoint, pid } of measured) {
      if (pid === undefined) continue;
      const { memory, processor } = await idle(endpoint, pid, sessions, seconds);
      results.push(
        told(`memory of an idle session of ${sessions}, ${name}`, memory, ' KB'),
        told(`processor for ${sessions} idle sessions, ${name}`, processor, ' %'),
      );
    }
    return results;
  } finally {
    for (const { close } of measured) await close();
    await server.stop();
  }
}

/** All take their turn in each round, so that what slows the machine slows all. */
async function compared(
  what: string,
  measure: (endpoint: Endpoint) => Promise<number>,
  measured: readonly Measured[],
  rounds: number,
): Promise<Result[]> {
  const times = new Map<string, number[]>(measured.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const { name, endpoint } of measured) times.get(name)?.push(await measure(endpoint));
  const base = median(times.get('direct') ?? []);
  return [...times].flatMap(([name, list]) => [
    told(`${what}, ${name}`, median(list), ' ms'),
    ...(name === 'direct' ? [] : [told(`${what}, ${name} against direct`, median(list) / base, '×')]),
  ]);
}
