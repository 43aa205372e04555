/**
 * Several connections work on one mailbox at once, with random commands in pipelines, and each holds what it is told against
 * a model of what it must believe.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, expectOK, login, random } from './client.js';
import type { Endpoint } from './endpoint.js';
import { numberedMessage } from './fixture.js';
import { type CommandKind, Mailbox, type Truth, Violation } from './model.js';

export interface StressOptions {
  readonly seed: number;
  /** Commands, of all connections together. */
  readonly steps: number;
  readonly connections: number;
  /** Milliseconds after which no more commands are sent. */
  readonly limit: number;
}

export interface StressReport {
  readonly steps: number;
  readonly expunged: number;
}

interface Shared {
  readonly truth: Truth;
  readonly options: StressOptions;
  readonly end: number;
  steps: number;
  expunged: number;
  nextNumber: number;
  failed: boolean;
}

/** The mailbox is kept at about this many messages. */
const FEW = 20;
const MANY = 60;
const DEPTH = 4;

/** Rejects with a `Violation` that tells the connection and its last responses. The user's INBOX should be empty. */
export async function stress(endpoint: Endpoint, options: StressOptions): Promise<StressReport> {
  const shared: Shared = {
    truth: { numbers: new Map() },
    options,
    end: Date.now() + options.limit,
    steps: 0,
    expunged: 0,
    nextNumber: 1,
    failed: false,
  };
  const workers = Array.from({ length: options.connections }, (_, index) => new Worker(shared, index));
  try {
    for (const worker of workers) await worker.begin(endpoint);
    await Promise.all(workers.map((worker) => worker.work()));
    // Now nothing changes any more, so all must come to believe the same.
    for (const worker of workers) await worker.settle();
    const [first, ...others] = await Promise.all(workers.map((worker) => worker.state()));
    for (const other of others)
      if (other !== first) throw new Violation(`Two connections end in different states:\n${String(first)}\n${other}`);
    return { steps: shared.steps, expunged: shared.expunged };
  } finally {
    for (const worker of workers) worker.close();
  }
}

class Worker {
  readonly #shared: Shared;
  readonly #index: number;
  readonly #random: () => number;
  readonly #log: string[] = [];
  readonly #outstanding: { readonly tag: string; readonly kind: CommandKind }[] = [];
  #connection: Connection | undefined;
  #mailbox: Mailbox;
  #tags = 0;

  constructor(shared: Shared, index: number) {
    this.#shared = shared;
    this.#index = index;
    this.#random = random(shared.options.seed * 1000 + index);
    this.#mailbox = new Mailbox(shared.truth);
  }

  async begin(endpoint: Endpoint): Promise<void> {
    this.#connection = await login(endpoint);
    // Every other connection hears VANISHED in the place of EXPUNGE.
    if (this.#index % 2 === 1) await expectOK(this.#connection, 'enable', 'ENABLE QRESYNC');
    await this.#select();
  }

  async work(): Promise<void> {
    const { options, end } = this.#shared;
    try {
      while (!this.#shared.failed && this.#shared.steps < options.steps && Date.now() < end) {
        this.#shared.steps++;
        await this.#step();
        const keep = Math.floor(this.#random() * DEPTH);
        while (this.#outstanding.length > keep) await this.#read();
      }
      await this.#drain();
    } catch (error) {
      this.#shared.failed = true;
      throw error;
    }
  }

  async settle(): Promise<void> {
    await this.#send('NOOP', 'other');
    await this.#drain();
  }

  /** Asks for everything, which must be what is believed, and returns it. */
  async state(): Promise<string> {
    const before = this.#mailbox.messages.map(({ flags }) => flags);
    const count = before.length;
    if (count > 0) await this.#send('FETCH 1:* (UID FLAGS)', 'number');
    await this.#drain();
    const { messages } = this.#mailbox;
    for (const [index, { uid, flags }] of messages.entries()) {
      if (uid === undefined) throw this.#violation(`Message ${index + 1} of ${count} was not fetched.`);
      if (before[index] !== undefined && before[index] !== flags)
        throw this.#violation(`UID ${uid} has the flags ${String(flags)}, and was told to have ${before[index]}.`);
    }
    return messages.map(({ uid, flags }) => `${uid ?? 0}(${flags ?? ''})`).join(' ');
  }

  close(): void {
    this.#connection?.close();
  }

  async #step(): Promise<void> {
    const { messages } = this.#mailbox;
    const chance = this.#random();
    if (messages.length < FEW || (messages.length < MANY && chance < 0.1)) return this.#append();
    if (chance < 0.35) return this.#byNumber();
    if (chance < 0.6) return this.#byUID();
    if (chance < 0.75 || messages.length > MANY) return this.#expunge();
    if (chance < 0.8) return this.#idle();
    if (chance < 0.81) {
      await this.#drain();
      return this.#select();
    }
    return this.#send(this.#pick(['NOOP', 'NOOP', 'CHECK', 'STATUS Trash (MESSAGES)']), 'other');
  }

  /** A message number means what the client believes only while nothing is under way that may bring an EXPUNGE (RFC 9051 §5.5). */
  async #byNumber(): Promise<void> {
    if (this.#outstanding.some(({ kind }) => kind !== 'number')) await this.#drain();
    const number = 1 + Math.floor(this.#random() * this.#mailbox.messages.length);
    if (number > this.#mailbox.messages.length) return this.#send('NOOP', 'other');
    const chance = this.#random();
    if (chance < 0.6) return this.#send(`FETCH ${number} ${ITEMS}`, 'number');
    if (chance < 0.7) return this.#send(this.#pick(['SEARCH ALL', 'SEARCH DELETED']), 'number');
    return this.#store(`STORE ${number}`, 'number', () => {
      this.#mailbox.forget(number);
    });
  }

  async #byUID(): Promise<void> {
    const uid = this.#anyUID();
    const chance = this.#random();
    if (uid === undefined || chance < 0.1) return this.#send(`UID FETCH 1:* (FLAGS)`, 'uid');
    if (chance < 0.6) return this.#send(`UID FETCH ${uid} ${ITEMS}`, 'uid');
    if (chance < 0.7) return this.#send('UID SEARCH ALL', 'uid');
    return this.#store(`UID STORE ${uid}`, 'uid', () => {
      this.#mailbox.forgetUID(uid);
    });
  }

  async #store(command: string, kind: CommandKind, forget: () => void): Promise<void> {
    const silent = this.#random() < 0.3;
    const sign = this.#pick(['+', '-']);
    const flag = this.#pick(['\\Flagged', '\\Seen', '\\Deleted', 'keyword']);
    await this.#send(`${command} ${sign}FLAGS${silent ? '.SILENT' : ''} (${flag})`, kind);
    if (!silent) return;
    // What is told before its end may be the state before it.
    await this.#drain();
    forget();
  }

  async #expunge(): Promise<void> {
    const uid = this.#anyUID();
    const chance = this.#random();
    if (uid === undefined || chance < 0.2) return this.#send('EXPUNGE', 'other');
    if (chance < 0.4) return this.#send(`UID MOVE ${uid} Trash`, 'uid');
    await this.#send(`UID STORE ${uid} +FLAGS (\\Deleted)`, 'uid');
    await this.#send(`UID EXPUNGE ${uid}`, 'uid');
  }

  async #append(): Promise<void> {
    const message = numberedMessage(this.#shared.nextNumber++);
    await this.#send(Buffer.concat([Buffer.from(`APPEND INBOX {${message.length}+}\r\n`), message]), 'other');
  }

  async #idle(): Promise<void> {
    await this.#drain();
    await this.#send('IDLE', 'other');
    await this.#read('+');
    await sleep(Math.floor(this.#random() * 5));
    await this.#connection?.write(Buffer.from('DONE\r\n'));
    await this.#drain();
  }

  async #select(): Promise<void> {
    this.#mailbox = new Mailbox(this.#shared.truth);
    await this.#send('UNSELECT', 'other');
    await this.#drain('NO BAD');
    this.#mailbox = new Mailbox(this.#shared.truth);
    await this.#send('SELECT INBOX', 'other');
    await this.#drain();
  }

  async #send(command: string | Buffer, kind: CommandKind): Promise<void> {
    const tag = `t${this.#tags++}`;
    this.#note(`> ${tag} ${command.toString('latin1').slice(0, 80)}`);
    this.#outstanding.push({ tag, kind });
    await this.#connection?.write(Buffer.concat([Buffer.from(`${tag} `), Buffer.from(command), Buffer.from('\r\n')]));
  }

  async #drain(accepted = 'NO'): Promise<void> {
    while (this.#outstanding.length > 0) await this.#read(undefined, accepted);
  }

  /** Reads one response, or up to one that begins with the prefix. */
  async #read(prefix?: string, accepted = 'NO'): Promise<void> {
    while (this.#connection !== undefined) {
      const response = await this.#connection.read();
      const text = response.toString('latin1', 0, 300);
      this.#note(`< ${text}`);
      if (text.startsWith('* ')) this.#apply(response);
      else if (!text.startsWith('+')) this.#finish(text, accepted);
      if (prefix === undefined || text.startsWith(prefix)) return;
    }
  }

  #apply(response: Buffer): void {
    const before = this.#mailbox.messages.length;
    try {
      this.#mailbox.apply(
        response,
        this.#outstanding.map(({ kind }) => kind),
      );
    } catch (error) {
      throw error instanceof Violation ? this.#violation(error.message) : error;
    }
    if (this.#mailbox.messages.length < before) this.#shared.expunged++;
  }

  #finish(text: string, accepted: string): void {
    const [tag = '', status = ''] = text.split(' ');
    const at = this.#outstanding.findIndex((command) => command.tag === tag);
    if (at === -1) throw this.#violation(`No command is under way that has the tag of ${text}`);
    this.#outstanding.splice(at, 1);
    // NO is for messages that others have expunged.
    if (status !== 'OK' && !accepted.split(' ').includes(status))
      throw this.#violation(`A right command failed: ${text}`);
  }

  #violation(text: string): Violation {
    return new Violation(
      `Connection ${this.#index}, seed ${this.#shared.options.seed}: ${text}\n${this.#log.join('\n')}`,
    );
  }

  #note(text: string): void {
    this.#log.push(text.trimEnd());
    if (this.#log.length > 40) this.#log.shift();
  }

  #anyUID(): number | undefined {
    const known = this.#mailbox.messages.flatMap(({ uid }) => uid ?? []);
    return known[Math.floor(this.#random() * known.length)];
  }

  #pick<Choice>(choices: readonly [Choice, ...Choice[]]): Choice {
    return choices[Math.floor(this.#random() * choices.length)] ?? choices[0];
  }
}

const ITEMS = '(UID FLAGS BODY.PEEK[HEADER.FIELDS (X-NUMBER)])';
