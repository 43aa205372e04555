/** What is measured of an endpoint. Nothing here knows what stands behind it. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, expectOK, login } from '#test/e2e/imap/client';
import type { Endpoint } from '#test/e2e/imap/endpoint';
import { numberedMessage } from '#test/e2e/imap/fixture';
import { median, timed } from '../measure.js';

export const LISTED = 10_000;
export const LARGE = 100_000_000;
const NOOPS = 500;

/** Fills the mailboxes `many` (10,000 small messages) and `large` (one of 100 MB) of the provider's user. */
export async function fillForBench(provider: Endpoint): Promise<void> {
  const connection = await login(provider);
  try {
    await expectOK(connection, 'a', 'CREATE many');
    await expectOK(connection, 'b', 'CREATE large');
    for (let from = 0; from < LISTED; from += 500) {
      const parts = Array.from({ length: 500 }, (_, index) => {
        const message = numberedMessage(from + index);
        return Buffer.concat([Buffer.from(` {${message.length}+}\r\n`), message]);
      });
      await expectOK(connection, `c${from}`, Buffer.concat([Buffer.from('APPEND many'), ...parts]));
    }
    const header = Buffer.from('Subject: large\r\n\r\n');
    const body = Buffer.alloc(LARGE - header.length, `${'x'.repeat(74)}\r\n`);
    await expectOK(connection, 'd', Buffer.concat([Buffer.from(`APPEND large {${LARGE}+}\r\n`), header, body]));
  } finally {
    connection.close();
  }
}

/** Milliseconds for flags and envelopes of 10,000 messages. */
export function listing(endpoint: Endpoint): Promise<number> {
  return withMailbox(endpoint, 'many', async (connection) => {
    const responses = await expectOK(connection, 'f', 'FETCH 1:* (UID FLAGS ENVELOPE)');
    if (responses.length <= LISTED) throw new Error(`${responses.length - 1} messages came.`);
  });
}

/** Milliseconds for the one message of 100 MB. */
export function download(endpoint: Endpoint): Promise<number> {
  return withMailbox(endpoint, 'large', async (connection) => {
    const [message] = await expectOK(connection, 'f', 'FETCH 1 BODY.PEEK[]');
    if ((message?.length ?? 0) < LARGE) throw new Error(`${message?.length ?? 0} octets came.`);
  });
}

/** Milliseconds of a NOOP, as the median of many. */
export async function latency(endpoint: Endpoint, noops: number = NOOPS): Promise<number> {
  const connection = await login(endpoint);
  try {
    const times: number[] = [];
    for (let i = 0; i < noops; i++) times.push(await timed(() => expectOK(connection, `n${i}`, 'NOOP')));
    return median(times);
  } finally {
    connection.close();
  }
}

export interface Idle {
  /** Kilobytes of memory that the process has grown by for each session. */
  readonly memory: number;
  /** Hundredths of one processor, while all sessions are idle. */
  readonly processor: number;
}

/** What idle sessions (in IDLE on INBOX) cost a process. */
export async function idle(endpoint: Endpoint, pid: number, sessions: number, seconds: number): Promise<Idle> {
  const before = residentKilobytes(pid);
  const connections: Connection[] = [];
  try {
    for (let i = 0; i < sessions; i++) {
      const connection = await login(endpoint);
      connections.push(connection);
      await expectOK(connection, 's', 'SELECT INBOX');
      await connection.write(Buffer.from('i IDLE\r\n'));
      await connection.read();
    }
    await sleep(1000);
    const memory = (residentKilobytes(pid) - before) / sessions;
    const start = processorSeconds(pid);
    await sleep(seconds * 1000);
    return { memory, processor: ((processorSeconds(pid) - start) / seconds) * 100 };
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function withMailbox(
  endpoint: Endpoint,
  mailbox: string,
  run: (connection: Connection) => Promise<void>,
): Promise<number> {
  const connection = await login(endpoint);
  try {
    await expectOK(connection, 's', `EXAMINE ${mailbox}`);
    return await timed(() => run(connection));
  } finally {
    connection.close();
  }
}

function residentKilobytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** User and system time of a process, from the fields after its name (proc(5)). Linux counts in hundredths of a second. */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
