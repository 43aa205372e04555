/** What a listing needs of 10,000 messages: remembered, given back, found again after a new UIDVALIDITY, or taken from summaries. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { SILENT } from '#lib/log';
import { SummaryKey, openSummary, summaryField } from '#lib/message/summary';
import { Header } from '#lib/mime/header';
import { type MailboxIndex, type IndexedMessage, openIndex } from '#lib/store/messageindex';
import { type Result, atMost, median, timed } from './measure.js';

const MESSAGES = 10_000;
const RECORD = 700;
const ROUNDS = 15;

export async function store(): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const times = new Map<string, number[]>();
  const note = (what: string, time: number): void => {
    times.set(what, [...(times.get(what) ?? []), time]);
  };
  try {
    const headers = summaries();
    const messages = encrypted();
    for (let round = 0; round < ROUNDS; round++) {
      await measureIndex(join(folder, String(round)), messages, note);
      note(
        'open summaries',
        await timed(() => {
          headers.forEach(({ key, raw }) => openSummary(key, Header.parse(raw)));
        }),
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const limit = (what: string, most: number): Result =>
    atMost(`${MESSAGES} messages: ${what}`, median(times.get(what) ?? []), most, ' ms');
  return [
    limit('put', 250),
    limit('put, longest time in which the event loop stands still', 10),
    limit('load', 40),
    limit('load again', 40),
    limit('find by fingerprint', 400),
    limit('put plain', 20),
    limit('load plain', 10),
    limit('open summaries', 150),
  ];
}

async function measureIndex(
  folder: string,
  messages: readonly IndexedMessage[],
  note: (what: string, time: number) => void,
): Promise<void> {
  const key = randomBytes(32);
  const writer = await openIndex(folder, 'user', key, SILENT);
  const put = async (mailbox: string, content: readonly IndexedMessage[]): Promise<void> => {
    for (let i = 0; i < content.length; i += 500) writer.mailbox(mailbox, 1).put(content.slice(i, i + 500));
    await writer.flush();
  };
  const stopped = watchLoop();
  note('put', await timed(() => put('INBOX', messages)));
  note('put, longest time in which the event loop stands still', stopped());
  const plain = messages.map(({ uid }) => ({ uid, kind: 'plain' as const, fingerprint: NOTHING, record: NOTHING }));
  note('put plain', await timed(() => put('plain', plain)));
  await writer.close();

  const reader = await openIndex(folder, 'user', key, SILENT);
  note('load', await timed(() => loadAll(reader.mailbox('INBOX', 1))));
  note('load again', await timed(() => loadAll(reader.mailbox('INBOX', 1))));
  note('load plain', await timed(() => loadAll(reader.mailbox('plain', 1))));
  const find = async (): Promise<void> => {
    for (const { fingerprint } of messages) {
      if ((await reader.byFingerprint(fingerprint)) === undefined) throw new Error('A message is not found.');
    }
  };
  note('find by fingerprint', await timed(find));
  await reader.close();
}

const NOTHING = Buffer.alloc(0);

function encrypted(): readonly IndexedMessage[] {
  return Array.from({ length: MESSAGES }, (_, i) => ({
    uid: i + 1,
    kind: 'encrypted',
    fingerprint: randomBytes(32),
    record: randomBytes(RECORD),
  }));
}

function summaries(): readonly { readonly key: SummaryKey; readonly raw: Buffer }[] {
  const key = new SummaryKey(randomBytes(32));
  return Array.from({ length: MESSAGES }, (_, i) => {
    const binding = { messageID: `<${i}@example.com>`, boundary: `postern-${i}` };
    const others = `Message-ID: ${binding.messageID}\r\nContent-Type: multipart/encrypted; boundary="${binding.boundary}"\r\n`;
    const field = summaryField(key, binding, randomBytes(RECORD)) ?? NOTHING;
    return { key, raw: Buffer.concat([field, Buffer.from(others)]) };
  });
}

async function loadAll(mailbox: MailboxIndex): Promise<void> {
  let count = 0;
  for await (const batch of mailbox.load([{ first: 1, last: 0xffff_ffff }])) count += batch.length;
  if (count !== MESSAGES) throw new Error(`${count} messages are known.`);
}

/** Gives a function that ends it and tells the longest time between two turns of the event loop, in milliseconds. */
function watchLoop(): () => number {
  let last = performance.now();
  let longest = 0;
  let isOver = false;
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    isOver = true;
    return longest;
  };
}
