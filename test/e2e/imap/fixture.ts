/** What lies in a fresh INBOX before a test, put there without anything in between. */
import { readCorpus } from '#test/corpus/corpus';
import { login } from './client.js';
import type { Endpoint } from './endpoint.js';

/**
 * No message; the test corpus; twenty small messages that say their number in `X-Number`, some of them `\\Deleted`; or fewer of
 * those and real-looking ones with attachments, none `\\Deleted`.
 */
export type FixtureName = 'empty' | 'corpus' | 'numbers' | 'mail';

interface Stored {
  readonly flags: string;
  readonly date: string;
  readonly octets: Buffer;
}

/** What is done to a message before it is stored. */
export type Preparing = (message: Buffer) => Promise<Buffer>;

/** Fills the INBOX of an endpoint's user. What the server refuses to store is left out, as it is wherever it is tried. */
export async function fill(endpoint: Endpoint, fixture: FixtureName, prepare?: Preparing): Promise<void> {
  await store(endpoint, 'INBOX', FIXTURES[fixture](), prepare);
}

/** Puts small messages, whose numbers follow each other, into a mailbox. */
export async function fillNumbered(
  endpoint: Endpoint,
  mailbox: string,
  [first, last]: readonly [number, number],
  prepare?: Preparing,
): Promise<void> {
  const messages = Array.from({ length: last - first + 1 }, (_, index) => ({
    ...stored(numberedMessage(first + index), index),
    flags: FLAGS[index % 4] ?? '',
  }));
  await store(endpoint, mailbox, messages, prepare);
}

async function store(
  endpoint: Endpoint,
  mailbox: string,
  messages: readonly Stored[],
  prepare: Preparing = (message) => Promise.resolve(message),
): Promise<void> {
  if (messages.length === 0) return;
  const prepared = await Promise.all(messages.map(async (one) => ({ ...one, octets: await prepare(one.octets) })));
  const connection = await login(endpoint);
  try {
    const appends = prepared.flatMap(({ flags, date, octets }, index) => [
      Buffer.from(`f${index} APPEND ${mailbox} (${flags}) "${date}" {${octets.length}+}\r\n`),
      octets,
      Buffer.from('\r\n'),
    ]);
    const sent = connection.write(Buffer.concat(appends));
    await connection.readTo(`f${messages.length - 1}`);
    await sent;
  } finally {
    connection.close();
  }
}

/** A small message that can be known again. */
export function numberedMessage(number: number): Buffer {
  const lines = [
    `From: Sender ${number % 7} <s${number % 7}@example.com>`,
    'To: Alice <alice@example.com>',
    `Subject: Number ${number}`,
    `Date: ${new Date(Date.UTC(2026, 0, 1 + (number % 300), 12)).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${number}@example.com>`,
    ...(number % 3 === 0 ? [`References: <${number - (number % 5)}@example.com>`] : []),
    `X-Number: ${number}`,
    '',
    `Body of message ${number}.`.padEnd(30 + (number % 50), '.'),
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}

const REAL = ['alternative', 'attachments', 'forwarded', 'invitation', 'signed', 'text'];

/** The messages of the fixture `mail`. */
export function mail(): readonly Buffer[] {
  const real = readCorpus().filter(({ name }) => REAL.includes(name));
  return [...Array.from({ length: 8 }, (_, index) => numberedMessage(index + 1)), ...real.map(({ bytes }) => bytes)];
}

const FLAGS = ['', '\\Seen', '\\Flagged \\Answered', '\\Draft keyword', '\\Deleted'];

function stored(octets: Buffer, index: number): Stored {
  const day = String(1 + (index % 28)).padStart(2, ' ');
  return { octets, flags: FLAGS[index % FLAGS.length] ?? '', date: `${day}-Feb-2026 10:11:12 +0100` };
}

const FIXTURES: Readonly<Record<FixtureName, () => readonly Stored[]>> = {
  empty: () => [],
  corpus: () => readCorpus().map(({ bytes }, index) => stored(bytes, index)),
  mail: () => mail().map((octets, index) => ({ ...stored(octets, index), flags: FLAGS[index % 4] ?? '' })),
  numbers: () => Array.from({ length: 20 }, (_, index) => stored(numberedMessage(index + 1), index)),
};
