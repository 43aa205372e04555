/** A session whose messages are opened with the key of a test, before a provider that does what it is told. */
import { gather, memorySource } from '#lib/bytes/source';
import { sealAtRest, type SealAtRestOptions } from '#lib/message/seal';
import { SummaryKey } from '#lib/message/summary';
import { type MessageAccess, Messages } from '#imap/messages/messages';
import { type Ending, pipe } from '#imap/pipe/pipe';
import { encodeRecord } from '#imap/view/codec';
import { readCommand } from '#imap/wire/command';
import type { FetchItem } from '#imap/wire/fetchcommand';
import { Framer } from '#imap/wire/framer';
import { normalise } from '#imap/wire/sequenceset';
import { type Person, person } from '#test/lib/message/fixture';
import { type MemoryConnection, connectionPair } from '#test/lib/net/memory';
import { fakeAccount } from '../pipe/account.js';
import { view } from '../view/fetch.js';

export const alice: Person = await person('Alice <alice@example.com>');
export const ORIGIN_KEY = Buffer.alloc(32, 7);
export const INDEX_KEY = Buffer.alloc(32, 9);

/** A message in plain text; `more` are fields of its header. */
export function text(subject: string, body = `Text of ${subject}.\r\n`, ...more: readonly string[]): Buffer {
  const fields = [
    'From: Bob <bob@example.com>',
    `Subject: ${subject}`,
    `Message-ID: <${subject.replace(/\W/g, '')}@example.com>`,
    ...more,
  ];
  return Buffer.from(`${fields.join('\r\n')}\r\n\r\n${body}`, 'latin1');
}

/** A message as Postern stores it. With `summary`, the summary of this payload is written into its header. */
export async function own(
  payload: Buffer,
  { summary, ...options }: Partial<Omit<SealAtRestOptions, 'summary'>> & { readonly summary?: Buffer } = {},
): Promise<Buffer> {
  const key = new SummaryKey(INDEX_KEY);
  const sealed = await sealAtRest(memorySource(payload), {
    recipients: [alice.recipient],
    originKey: ORIGIN_KEY,
    ...(summary === undefined ? {} : { summary: { key, record: encodeRecord(view(summary).record) } }),
    ...options,
  });
  return gather(sealed.stream());
}

/** What a session opens messages with. */
export function access(changes: Partial<MessageAccess> = {}): MessageAccess {
  return {
    keys: () => Promise.resolve([alice.key]),
    verifiers: () => Promise.resolve([]),
    originKey: ORIGIN_KEY,
    summaryKey: new SummaryKey(INDEX_KEY),
    account: 'default',
    ...changes,
  };
}

/** A command as the provider gets it. */
export interface Asked {
  readonly tag: string;
  /** Without tag and line end. */
  readonly text: string;
}

/**
 * What the provider does at a command, in place of the usual: it sends these octets, with `TAG` for the command's tag; undefined
 * is the usual. `usual` gives what that would be.
 */
export type Conduct = (asked: Asked, usual: () => Buffer) => Buffer | string | undefined;

export interface StoredAt {
  readonly uid: number;
  octets: Buffer;
}

/** A client before Postern before a provider. */
export class Session {
  readonly client: MemoryConnection;
  readonly provider: MemoryConnection;
  readonly ending: Promise<Ending>;
  readonly stored: StoredAt[];
  /** Commands that the provider got, without tags. */
  readonly asked: string[] = [];
  conduct: Conduct = () => undefined;
  #heard = Buffer.alloc(0);
  readonly messages: Messages;

  constructor(stored: readonly Buffer[], changes: Partial<MessageAccess> = {}, room?: number) {
    this.stored = stored.map((octets, at) => ({ uid: 11 + at, octets }));
    const [clientSide, client] = connectionPair(room === undefined ? {} : { room });
    const [providerSide, provider] = connectionPair();
    this.client = client;
    this.provider = provider;
    this.messages = new Messages(access(changes));
    this.ending = pipe(
      { connection: clientSide, framer: new Framer('client') },
      { connection: providerSide, framer: new Framer('provider') },
      { literals: 'plus', account: fakeAccount(), messages: this.messages, signal: new AbortController().signal },
    );
    void this.#serve();
  }

  /** Sends lines, and gives what comes up to the tagged response of the last. */
  async ask(...commands: readonly string[]): Promise<string> {
    for (const command of commands) this.client.write(Buffer.from(`${command}\r\n`, 'latin1'));
    return this.readTo(commands.at(-1)?.split(' ')[0] ?? '');
  }

  async readTo(tag: string): Promise<string> {
    const end = new RegExp(`(?:^|\\n)${tag} [^\\n]*\\n`);
    for (;;) {
      const match = end.exec(this.#heard.toString('latin1'));
      if (match !== null) {
        const at = match.index + match[0].length;
        const heard = this.#heard.toString('latin1', 0, at);
        this.#heard = this.#heard.subarray(at);
        return heard;
      }
      await this.more();
    }
  }

  /** Waits for octets. Rejects where none come any more; the message has what came. */
  async more(): Promise<void> {
    const chunk = await this.client.read().catch(() => undefined);
    if (chunk === undefined) throw new Error(`The session is over after ${this.#heard.toString('latin1')}`);
    this.#heard = Buffer.concat([this.#heard, chunk]);
  }

  async select(): Promise<this> {
    await this.ask('s SELECT INBOX');
    return this;
  }

  async close(): Promise<void> {
    this.client.destroy();
    this.provider.destroy();
    await this.ending;
    await this.messages.close();
  }

  async #serve(): Promise<void> {
    let line = '';
    try {
      for (let chunk = await this.provider.read(); chunk !== undefined; chunk = await this.provider.read()) {
        line += chunk.toString('latin1');
        for (let end = line.indexOf('\r\n'); end >= 0; end = line.indexOf('\r\n')) {
          this.#command(line.slice(0, end));
          line = line.slice(end + 2);
        }
      }
    } catch {
      // Broken off.
    }
  }

  #command(line: string): void {
    const [, tag = '', text = ''] = /^(\S+) (.*)$/s.exec(line) ?? [];
    this.asked.push(text);
    const usual = (): Buffer => this.#usual(text);
    const octets = this.conduct({ tag, text }, usual) ?? usual();
    const answer = typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets;
    this.provider.write(Buffer.from(answer.toString('latin1').replace(/\bTAG /g, `${tag} `), 'latin1'));
  }

  #usual(text: string): Buffer {
    const [first = '', second = ''] = text.toUpperCase().split(' ');
    if (first === 'SELECT') {
      return Buffer.from(`* ${this.stored.length} EXISTS\r\n* OK [UIDVALIDITY 1] x\r\nTAG OK [READ-WRITE] x\r\n`);
    }
    if (first === 'LOGOUT') {
      void this.provider.end();
      return Buffer.from('* BYE\r\nTAG OK bye\r\n');
    }
    if (first !== 'FETCH' && second !== 'FETCH') return Buffer.from('TAG OK done\r\n');
    return Buffer.concat([...this.responses(text).values(), Buffer.from('TAG OK fetched\r\n')]);
  }

  /** The responses to a FETCH, by number. */
  responses(text: string): Map<number, Buffer> {
    const command = readCommand([Buffer.from(`x ${text}\r\n`, 'latin1')]);
    if (command.kind !== 'fetch' || command.set === '$') throw new Error(`No FETCH: ${text}`);
    const largest = command.uid ? (this.stored.at(-1)?.uid ?? 0) : this.stored.length;
    const ranges = normalise(command.set, largest);
    const found = new Map<number, Buffer>();
    for (const [at, message] of this.stored.entries()) {
      const number = at + 1;
      const name = command.uid ? message.uid : number;
      if (!ranges.some(({ first, last }) => first <= name && name <= last)) continue;
      const items = command.items.map((item) => answerOf(item, message));
      const uid = command.uid && !command.items.some((item) => item.kind === 'plain' && item.name === 'UID');
      found.set(number, response(number, [...(uid ? [Buffer.from(`UID ${message.uid}`)] : []), ...items]));
    }
    return found;
  }
}

export function response(number: number, items: readonly (Buffer | string)[]): Buffer {
  const joined = items.flatMap((item, at) => [Buffer.from(at === 0 ? '' : ' '), Buffer.from(item as Buffer)]);
  return Buffer.concat([Buffer.from(`* ${number} FETCH (`), ...joined, Buffer.from(')\r\n')]);
}

export function literal(name: string, octets: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${name} {${octets.length}}\r\n`), octets]);
}

/** The literal that follows a name in what a client heard. */
export function literalOf(heard: string, name: string): string {
  const at = heard.indexOf(`${name} {`);
  const [head = '', size = '0'] = at < 0 ? [] : (/\{(\d+)\}\r\n/.exec(heard.slice(at)) ?? []);
  const start = heard.indexOf(head, at) + head.length;
  return heard.slice(start, start + Number(size));
}

function answerOf(item: FetchItem, { uid, octets }: StoredAt): Buffer {
  if (item.kind === 'body') {
    const { text: what, fields } = item.section;
    const end = octets.indexOf('\r\n\r\n') + 4;
    const header = octets.subarray(0, end);
    const name = `BODY[${what ?? ''}${fields.length === 0 ? '' : ` (${fields.join(' ')})`}]`;
    const whole =
      what === 'HEADER.FIELDS'
        ? chosen(header, fields)
        : what === 'HEADER'
          ? header
          : what === 'TEXT'
            ? octets.subarray(end)
            : octets;
    if (item.partial === undefined) return literal(name, whole);
    const { offset, count } = item.partial;
    return literal(`${name}<${offset}>`, whole.subarray(offset, offset + count));
  }
  if (item.kind !== 'plain') throw new Error(`The provider of the test does not know ${item.kind}.`);
  switch (item.name) {
    case 'UID':
      return Buffer.from(`UID ${uid}`);
    case 'FLAGS':
      return Buffer.from('FLAGS (\\Recent)');
    case 'MODSEQ':
      return Buffer.from('MODSEQ (5)');
    case 'RFC822.SIZE':
      return Buffer.from(`RFC822.SIZE ${octets.length}`);
    case 'BODYSTRUCTURE':
      return Buffer.from('BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1)');
    default:
      return Buffer.from(`${item.name} NIL`);
  }
}

function chosen(header: Buffer, names: readonly string[]): Buffer {
  const lines = header.toString('latin1').match(/[^\r]+\r\n(?:[ \t][^\r]*\r\n)*/g) ?? [];
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  return Buffer.from(
    `${lines.filter((line) => wanted.has(line.slice(0, line.indexOf(':')).toLowerCase())).join('')}\r\n`,
    'latin1',
  );
}
