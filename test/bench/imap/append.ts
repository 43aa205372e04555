/** Saving messages: directly, through relays that know no IMAP, and through Postern, which encrypts them. */
import { startDovecot } from '#test/e2e/imap/dovecot';
import type { Endpoint } from '#test/e2e/imap/endpoint';
import { startPostern } from '#test/e2e/imap/postern';
import { MB, type Result, atLeast, atMost, median, told } from '../measure.js';
import { effort, growth, upload } from './figures.js';
import { clear as startRelay, relayWithTLS } from './relays.js';

const LARGE = 100 * MB;
const HUGE = 1000 * MB;

export async function append(rounds = 7): Promise<Result[]> {
  const server = await startDovecot({ quota: '100G', largest: '10G' });
  const [clear, secure] = [await startPostern({ tls: 'none' }), await startPostern({ tls: 'implicit' })];
  const [provider, securedProvider] = [server.endpoint('bench'), server.endpoint('secure', 'implicit')];
  const relays = [await startRelay(provider), await relayWithTLS(securedProvider)];
  try {
    const { endpoint } = await clear.interpose(provider);
    const { endpoint: secured } = await secure.interpose(securedProvider);
    const measured: readonly (readonly [string, Endpoint])[] = [
      ['direct', provider],
      ...relays.map((relay) => [relay.name, relay.endpoint] as const),
      ['Postern', endpoint],
      ['Postern, TLS', secured],
    ];
    const times = new Map<string, number[]>(measured.map(([name]) => [name, []]));
    // The first round is for the optimiser and the server's caches.
    for (let round = 0; round <= rounds; round++) {
      for (const [name, at] of measured) {
        const time = await upload(at, LARGE);
        if (round > 0) times.get(name)?.push(time);
      }
    }
    const efforts: number[] = [];
    for (let round = 0; round < rounds; round++) {
      efforts.push(await upload(endpoint, LARGE, (run) => effort(clear.pid, run)));
    }
    const speed = (list: readonly number[] = []): number => LARGE / MB / (median(list) / 1000);
    const peak = await upload(endpoint, HUGE, (run) => growth(clear.pid, run));
    return [
      ...[...times].map(([name, list]) => told(`APPEND 100 MB, ${name}`, speed(list), ' MB/s')),
      atLeast('APPEND 100 MB, Postern, by processor time', speed(efforts), 100, ' MB/s'),
      atMost('memory above what it has, APPEND 1 GB', peak, 60, ' MB'),
    ];
  } finally {
    await Promise.all([server.stop(), clear.stop(), secure.stop(), ...relays.map((relay) => relay.close())]);
  }
}
