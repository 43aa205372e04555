/** What is in the mailboxes: the same messages in plaintext and encrypted, and one large message of each kind. */
import { SUMMARY_FIELD, SummaryKey } from '#lib/message/summary';
import { Header } from '#lib/mime/header';
import { summarise } from '#imap/messages/summarise';
import { type Connection, expectOK, login } from '#test/e2e/imap/client';
import type { Twins } from '#test/e2e/imap/view/mailbox';
import { CountingClient } from '../imap/figures.js';
import { GB, MB } from '../measure.js';

export const LISTED = 10_000;
/** The names of mailboxes with the same messages: with summaries, without, and as they are. */
export const MAILBOXES = ['summaries', 'bare', 'plain'] as const;
const AT_ONCE = 500;

/** Fills the mailboxes with messages to be listed. */
export async function fillLists({ plain, stored, seal, indexKey }: Twins): Promise<void> {
  const key = new SummaryKey(indexKey);
  const [direct, provider] = [await login(plain), await login(stored)];
  try {
    await expectOK(direct, 'c', 'CREATE plain');
    for (const name of MAILBOXES) await expectOK(provider, 'c', `CREATE ${name}`);
    for (let from = 0; from < LISTED; from += AT_ONCE) {
      const messages = Array.from({ length: AT_ONCE }, (_, index) => listedMessage(from + index));
      const sealed: Buffer[] = [];
      for (const message of messages) {
        const record = await summarise(message);
        if (record === undefined) throw new Error('A message of the bench has no summary.');
        sealed.push(await seal(message, { summary: { key, record } }));
      }
      await append(direct, 'plain', messages);
      await append(provider, 'plain', messages);
      await append(provider, 'summaries', sealed);
      await append(provider, 'bare', sealed.map(withoutSummary));
    }
  } finally {
    direct.close();
    provider.close();
  }
}

/** A large message, in a mailbox of its own. */
export interface Large {
  readonly name: string;
  readonly mailbox: string;
  readonly size: number;
  readonly isSeekable: boolean;
}

/** Stores large messages of these sizes, in each mode. One of 1 GB is stored by Postern, in the mode that it takes. */
export async function fillLarge({ stored, shown, seal }: Twins, sizes: readonly number[]): Promise<readonly Large[]> {
  const all: Large[] = [];
  const provider = await login(stored);
  const client = await CountingClient.login(shown);
  try {
    for (const size of sizes) {
      for (const mode of size < GB ? MODES : MODES.slice(0, 1)) {
        const isSeekable = mode === 'SEIPDv2';
        const mailbox = `large${all.length}`;
        await expectOK(provider, 'c', `CREATE ${mailbox}`);
        if (size < GB) await append(provider, mailbox, [await seal(largeMessage(size), { compatible: !isSeekable })]);
        else await client.append(mailbox, size);
        all.push({ name: `${size / MB} MB, ${mode}`, mailbox, size, isSeekable });
      }
    }
    return all;
  } finally {
    provider.close();
    client.close();
  }
}

const MODES = ['SEIPDv2', 'SEIPDv1'] as const;

/** In one command. */
async function append(connection: Connection, mailbox: string, messages: readonly Buffer[]): Promise<void> {
  const parts = messages.map((message) => Buffer.concat([Buffer.from(` {${message.length}+}\r\n`), message]));
  await expectOK(connection, 'a', Buffer.concat([Buffer.from(`APPEND ${mailbox}`), ...parts]));
}

function withoutSummary(sealed: Buffer): Buffer {
  return Header.parse(sealed).remove(SUMMARY_FIELD).raw;
}

const LINE = `${'The quick brown fox jumps over the lazy dog, again and again and again.'.padEnd(74, '.')}\r\n`;
const BASE64 = `${'QmFzZTY0'.repeat(9)}QmFz\r\n`;

/** One in three a text, a text with HTML beside it, and one with an attachment. */
function listedMessage(number: number): Buffer {
  const text = `Message ${number}.\r\n${LINE.repeat(10 + (number % 20))}`;
  const [type, body] = [
    ['text/plain; charset=utf-8', text],
    ['multipart/alternative; boundary=b1', multipart('b1', [part('text/plain', text), part('text/html', text)])],
    [
      'multipart/mixed; boundary=b2',
      multipart('b2', [part('text/plain', text), part('image/png; name=a.png', BASE64.repeat(40), 'base64')]),
    ],
  ][number % 3] as [string, string];
  const fields = [
    'Return-Path: <sender@example.com>',
    `Received: from mx.example.com (mx.example.com [192.0.2.${number % 250}]) by mail.example.net with ESMTPS id ${number}`,
    `From: Sender ${number % 7} <s${number % 7}@example.com>`,
    'To: Alice <alice@example.com>, "Bob, Jr." <bob@example.com>',
    `Subject: =?utf-8?Q?Number_${number}?= of the messages that are listed`,
    `Date: ${new Date(Date.UTC(2026, 0, 1 + (number % 300), 12)).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${number}@example.com>`,
    `References: <${number - 1}@example.com>`,
    'MIME-Version: 1.0',
    `Content-Type: ${type}`,
  ];
  return Buffer.from(`${fields.join('\r\n')}\r\n\r\n${body}`);
}

function part(type: string, body: string, encoding = '7bit'): string {
  return `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}`;
}

function multipart(boundary: string, parts: readonly string[]): string {
  return `${parts.map((one) => `--${boundary}\r\n${one}\r\n`).join('')}--${boundary}--\r\n`;
}

/** A mail of this size, whose second part is the attachment. */
function largeMessage(size: number): Buffer {
  const head = Buffer.from(
    [
      'From: Alice <alice@example.com>',
      'Subject: large',
      `Message-ID: <large-${size}@example.com>`,
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      `--b\r\n${part('text/plain', 'See the attachment.')}`,
      '--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n',
    ].join('\r\n'),
  );
  const tail = Buffer.from('\r\n--b--\r\n');
  return Buffer.concat([head, Buffer.alloc(size - head.length - tail.length, BASE64), tail]);
}
