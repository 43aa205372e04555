/** Large messages: what comes from the provider for a part of one, how fast all of one comes, and what it costs others. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint } from '#test/e2e/imap/endpoint';
import type { Twins } from '#test/e2e/imap/view/mailbox';
import { CountingClient, growth } from '../imap/figures.js';
import { MB, type Result, atLeast, atMost, median, runProgram, script, timed, told } from '../measure.js';
import type { Large } from './mailboxes.js';

const CHUNK = 128 * 1024;

/** Octets from the provider for a walk through an attachment, and for its end, each in a new session. */
export async function ranges({ shown, meter }: Twins, { name, mailbox, size }: Large): Promise<Result[]> {
  const attachment = Math.floor(size * 0.99);
  const upstream = async (run: (client: CountingClient) => Promise<unknown>): Promise<number> => {
    meter.read();
    await inSession(shown, mailbox, run);
    return meter.read().octets;
  };
  const walk = await upstream(async (client) => {
    await client.run('FETCH 1 (RFC822.SIZE BODYSTRUCTURE)');
    for (let at = 0; at < attachment; at += CHUNK) await client.run(`FETCH 1 BODY.PEEK[2]<${at}.${CHUNK}>`);
  });
  const end = await upstream((client) => client.run(`FETCH 1 BODY.PEEK[2]<${attachment - 65_536}.65536>`));
  return [
    atMost(`octets for a walk through ${name}, of its size`, walk / size, 1.45, '×'),
    atMost(`octets for 64 KiB at the end of ${name}`, end / MB, 1, ' MB'),
  ];
}

/** How fast a message comes whole in a new session, and how much memory it takes. The first round has to open it, the later ones know it. */
export async function whole({ shown, pid }: Twins, large: Large, rounds: number): Promise<Result[]> {
  const { name, mailbox, size, isSeekable } = large;
  const speeds: number[] = [];
  const waits: number[] = [];
  const growths: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await inSession(shown, mailbox, async (client) => {
      const read = async (): Promise<void> => {
        const start = performance.now();
        const octets = await client.run('FETCH 1 BODY.PEEK[]');
        if (octets < size) throw new Error(`${octets} octets came.`);
        speeds.push(size / 1000 / (performance.now() - start));
        waits.push(client.firstOctet - start);
      };
      growths.push(await growth(pid, read));
    });
  }
  const speed = median(speeds.slice(1));
  const wait = median(waits.slice(1));
  return [
    told(`BODY[] of ${name}, first opening`, speeds[0] ?? NaN, ' MB/s'),
    told(`BODY[] of ${name}, first opening, first octet`, waits[0] ?? NaN, ' ms'),
    isSeekable ? atLeast(`BODY[] of ${name}`, speed, 150, ' MB/s') : told(`BODY[] of ${name}`, speed, ' MB/s'),
    isSeekable
      ? atMost(`BODY[] of ${name}, first octet`, wait, 50, ' ms')
      : told(`BODY[] of ${name}, first octet`, wait, ' ms'),
    atMost(`BODY[] of ${name}, growth of memory`, median(growths.slice(1)), 24, ' MB'),
  ];
}

/** NOOP of one session while another reads a message, in a process of its own: to read that much keeps a process busy. */
export async function beside({ shown }: Twins, { name, mailbox }: Large): Promise<Result> {
  const times: number[] = [];
  await inSession(shown, 'INBOX', async (client) => {
    const state = { isOver: false };
    const reading = runProgram(process.execPath, [script('view/reader.js'), JSON.stringify(shown), mailbox]).finally(
      () => (state.isOver = true),
    );
    while (!state.isOver) {
      times.push(await timed(() => client.run('NOOP')));
      await sleep(5);
    }
    await reading;
  });
  const sorted = times.toSorted((a, b) => a - b);
  const high = sorted[Math.floor(sorted.length * 0.95)] ?? NaN;
  return atMost(`NOOP while another session reads ${name}, 95th percentile`, high, 20, ' ms');
}

async function inSession(
  endpoint: Endpoint,
  mailbox: string,
  run: (client: CountingClient) => Promise<unknown>,
): Promise<void> {
  const client = await CountingClient.login(endpoint);
  try {
    await client.run(`EXAMINE ${mailbox}`);
    await run(client);
    await client.run('LOGOUT');
  } finally {
    client.close();
  }
}
