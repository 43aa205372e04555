/**
 * What sessions in IDLE cost Postern and a relay, with TLS on both sides: what they cost without is a part of that. Both have their
 * sessions at the same time, and the same quiet minute.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '#test/e2e/dialogue';
import { makeCertificate } from '#test/e2e/imap/certificate';
import { type Connection, expectOK, login } from '#test/e2e/imap/client';
import { startDaemon } from '#test/e2e/imap/daemon';
import { type Endpoint, PASSWORD } from '#test/e2e/imap/endpoint';
import { type Result, atMost, script, told } from '../measure.js';
import { processorSeconds, residentKilobytes } from './figures.js';
import { PAIRS, PEERS } from './peers.js';
import type { Measured } from './relays.js';

export interface IdleBenchOptions {
  readonly sessions?: number;
  readonly seconds?: number;
}

/** Logins under way at each: as many as Postern's Argon2 has threads for, and some that wait for one. */
const LOGINS = 4;

/** Memory is the growth of a process that has served nobody before. */
export async function* idle({ sessions = 1000, seconds = 60 }: IdleBenchOptions = {}): AsyncGenerator<Result> {
  const provider = await startProvider();
  const measured: (Measured & { readonly pid: number })[] = [];
  const clients: Connection[] = [];
  try {
    for (const { start, tls } of PEERS) {
      if (!tls) continue;
      const { pid, ...rest } = await start(provider.endpoint);
      if (pid !== undefined) measured.push({ ...rest, pid });
    }
    yield told('sessions in IDLE at each, the provider being a stand-in', sessions, '');
    const before = measured.map(({ pid }) => residentKilobytes(pid));
    await Promise.all(measured.map(({ endpoint }) => beginIdling(endpoint, sessions, clients)));
    await sleep(1000);
    for (const [at, { name, pid }] of measured.entries()) {
      const memory = (residentKilobytes(pid) - (before[at] ?? NaN)) / sessions;
      yield limited(name, 'memory of an idle session', memory, 150, ' KB');
    }
    const start = measured.map(({ pid }) => processorSeconds(pid));
    await sleep(seconds * 1000);
    for (const [at, { name, pid }] of measured.entries()) {
      const processor = ((processorSeconds(pid) - (start[at] ?? NaN)) / seconds) * 100;
      yield limited(name, 'processor for all idle sessions', processor, 5, ' %');
    }
  } finally {
    for (const client of clients) client.close();
    for (const { close } of measured) await close();
    await provider.close();
  }
}

/** A target for what is ours. */
function limited(name: string, what: string, figure: number, most: number, unit: string): Result {
  const isOurs = PAIRS.some(([ours]) => ours === name);
  return isOurs ? atMost(`${what}, ${name}`, figure, most, unit) : told(`${what}, ${name}`, figure, unit);
}

/** Logs in so often, and leaves the sessions in IDLE on INBOX. */
async function beginIdling(endpoint: Endpoint, sessions: number, clients: Connection[]): Promise<void> {
  let left = sessions;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const client = await login(endpoint);
      clients.push(client);
      await expectOK(client, 's', 'SELECT INBOX');
      await client.write(Buffer.from('i IDLE\r\n'));
      await client.read();
    }
  };
  await Promise.all(Array.from({ length: LOGINS }, one));
}

interface Provider {
  readonly endpoint: Endpoint;
  readonly close: () => Promise<void>;
}

/** The stand-in (idleprovider.ts), as a process. */
async function startProvider(): Promise<Provider> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-idle-'));
  const { ca } = makeCertificate(folder);
  const port = await freePort();
  const orders = JSON.stringify({ port, folder });
  const daemon = await startDaemon(process.execPath, [script('imap/idleprovider.js'), orders], { port });
  return {
    endpoint: { host: 'localhost', port, tls: 'implicit', ca, user: 'bench', password: PASSWORD },
    close: async () => {
      await daemon.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
