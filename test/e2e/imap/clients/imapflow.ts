import { ImapFlow, type MessageStructureObject } from 'imapflow';
import { readFileSync } from 'node:fs';
import { gather } from '#lib/bytes/source';
import { type Client, EVERY_SECURITY, type Outcome } from './client.js';
import type { Endpoint } from '../endpoint.js';

async function run({ host, port, tls, ca, user, password }: Endpoint): Promise<Outcome> {
  const client = new ImapFlow({
    host,
    port,
    secure: tls === 'implicit',
    doSTARTTLS: tls === 'starttls',
    tls: { ca: readFileSync(ca) },
    auth: { user, pass: password },
    logger: false,
  });
  const messages: Buffer[] = [];
  const structures = new Map<number, MessageStructureObject>();
  await client.connect();
  try {
    const lock = await client.getMailboxLock('INBOX');
    try {
      for await (const { source, uid, flags, envelope, bodyStructure } of client.fetch('1:*', {
        source: true,
        flags: true,
        envelope: true,
        bodyStructure: true,
        uid: true,
        internalDate: true,
        size: true,
      })) {
        if (source === undefined || flags === undefined || envelope === undefined)
          throw new Error(`UID ${uid} lacks data.`);
        messages.push(source);
        if (bodyStructure !== undefined) structures.set(uid, bodyStructure);
      }
      for (const [index, [uid, structure]] of [...structures].entries())
        await openAttachments(client, uid, structure, messages[index] ?? Buffer.alloc(0));
      await client.messageFlagsAdd('1', ['\\Flagged']);
      await client.mailboxCreate('imapflow');
      const draft = 'Subject: from imapflow\r\n\r\nbody\r\n';
      await client.append('imapflow', draft, ['\\Seen', '\\Draft']);
      await client.messageCopy('1:2', 'imapflow');
      const status = await client.status('imapflow', { messages: true });
      if (status === false || status.messages !== 3) throw new Error('The mailbox does not have 3 messages.');
      await client.mailboxOpen('imapflow');
      const read = await client.fetchOne('1', { source: true, envelope: true, flags: true });
      if (!read || read.source?.toString() !== draft || read.envelope?.subject !== 'from imapflow')
        throw new Error('The draft is not as it was saved.');
      await client.mailboxClose();
      await client.mailboxDelete('imapflow');
    } finally {
      lock.release();
    }
  } finally {
    await client.logout();
  }
  return { messages, log: [...client.capabilities.keys()].join(' ') };
}

/** Fetches each attachment by itself; it must be the one in the message. */
async function openAttachments(
  client: ImapFlow,
  uid: number,
  structure: MessageStructureObject,
  source: Buffer,
): Promise<void> {
  for (const node of structure.childNodes ?? []) await openAttachments(client, uid, node, source);
  if (structure.disposition !== 'attachment' || structure.encoding !== 'base64') return;
  const { content } = await client.download(String(uid), structure.part ?? '1', { uid: true });
  const octets = await gather(content as AsyncIterable<Buffer>);
  const lines = source.toString('latin1').replaceAll('\r\n', '');
  if (octets.length === 0 || !lines.includes(octets.toString('base64')))
    throw new Error(`An attachment of UID ${uid} is not the one in the message.`);
}

export const imapflow: Client = { name: 'imapflow', securities: EVERY_SECURITY, run, flags: true };
