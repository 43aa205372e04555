/** What is measured of an endpoint. Nothing here knows what stands behind it. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { connect as connectTLS } from 'node:tls';
import { expectOK, login } from '#test/e2e/imap/client';
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
  return transfer(endpoint, 'many', 'FETCH 1:* (UID FLAGS ENVELOPE)', LISTED * 100);
}

/** Milliseconds for the one message of 100 MB. */
export function download(endpoint: Endpoint): Promise<number> {
  return transfer(endpoint, 'large', 'FETCH 1 BODY.PEEK[]', LARGE);
}

/** Milliseconds of a NOOP, as the median of many. */
export async function latency(endpoint: Endpoint, noops: number = NOOPS): Promise<number> {
  const client = await CountingClient.login(endpoint);
  try {
    const times: number[] = [];
    for (let i = 0; i < noops; i++) times.push(await timed(() => client.run('NOOP')));
    return median(times);
  } finally {
    client.close();
  }
}

/**
 * What is measured (milliseconds, if nothing else is said) while a message of so many octets is saved in a mailbox of its own, which is
 * deleted afterwards.
 */
export async function upload(
  endpoint: Endpoint,
  octets: number,
  measure: (run: () => Promise<unknown>) => Promise<number> = timed,
): Promise<number> {
  const client = await CountingClient.login(endpoint);
  try {
    await client.run('CREATE upload');
    const figure = await measure(() => client.append('upload', octets));
    await client.run('DELETE upload');
    return figure;
  } finally {
    client.close();
  }
}

async function transfer(endpoint: Endpoint, mailbox: string, command: string, least: number): Promise<number> {
  const client = await CountingClient.login(endpoint);
  try {
    await client.run(`EXAMINE ${mailbox}`);
    const start = performance.now();
    const octets = await client.run(command);
    const time = performance.now() - start;
    if (octets < least) throw new Error(`${octets} octets came.`);
    return time;
  } finally {
    client.close();
  }
}

/** A client that costs next to nothing: it counts octets, and knows a command's end by the last line that came. */
export class CountingClient {
  readonly #socket: Socket;
  /** When the first octet came in answer to the last command. */
  firstOctet = NaN;
  #count = 0;
  #tail = '';
  #tag = 0;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.#count === 0) this.firstOctet = performance.now();
      this.#count += chunk.length;
      this.#tail = (chunk.length < TAIL ? this.#tail : '') + chunk.toString('latin1', Math.max(0, chunk.length - TAIL));
      this.#tail = this.#tail.slice(-TAIL);
      this.#wake();
    });
    socket.on('close', () => {
      this.#wake();
    });
    socket.on('error', () => undefined);
  }

  static async login({ host, port, tls, ca, user, password }: Endpoint): Promise<CountingClient> {
    const socket =
      tls === 'implicit'
        ? connectTLS({ host, port, servername: 'localhost', ca: readFileSync(ca) })
        : connect({ host, port, noDelay: true });
    await once(socket, tls === 'implicit' ? 'secureConnect' : 'connect');
    const client = new CountingClient(socket);
    await client.run(`LOGIN "${user}" "${password}"`);
    return client;
  }

  /** Octets of the answer. */
  async run(command: string): Promise<number> {
    return this.#answer(this.#begin(command), command);
  }

  /** Saves a message of so many octets. */
  async append(mailbox: string, octets: number): Promise<void> {
    const command = `APPEND ${mailbox} {${octets}+}`;
    const tag = this.#begin(command);
    const block = Buffer.alloc(1024 * 1024, `Subject: x\r\n\r\n${'x'.repeat(1007)}\r\n`);
    for (let sent = 0; sent < octets; sent += block.length) {
      if (!this.#socket.write(block.subarray(0, octets - sent))) await once(this.#socket, 'drain');
    }
    this.#socket.write('\r\n');
    await this.#answer(tag, command);
  }

  #begin(command: string): string {
    const tag = `t${(this.#tag += 1)}`;
    this.#count = 0;
    this.#tail = '';
    this.#socket.write(`${tag} ${command}\r\n`);
    return tag;
  }

  async #answer(tag: string, command: string): Promise<number> {
    const end = new RegExp(`(?:^|\\n)${tag} ([A-Z]+)[^\\n]*\\n$`);
    while (true) {
      const [, completion] = end.exec(this.#tail) ?? [];
      if (completion === 'OK') return this.#count;
      if (completion !== undefined || this.#socket.destroyed)
        throw new Error(`${command.slice(0, 20)} failed: ${this.#tail}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Octets at the end of what has come: enough for a tagged line with the capabilities of any server. */
const TAIL = 2_000;

/** Milliseconds of processor time that a process takes while something is done. */
export async function effort(pid: number, run: () => Promise<unknown>): Promise<number> {
  const start = processorSeconds(pid);
  await run();
  return (processorSeconds(pid) - start) * 1000;
}

/** Megabytes that a process grows by at most while something is done. */
export async function growth(pid: number, run: () => Promise<unknown>): Promise<number> {
  const before = residentKilobytes(pid);
  // From here on the peak is counted anew (proc(5)).
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  await run();
  const peak = Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return ((peak - before) * 1024) / 1_000_000;
}

/** What a process has in memory. */
export function residentKilobytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** User and system time of a process, from the fields after its name (proc(5)). Linux counts in hundredths of a second. */
export function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
