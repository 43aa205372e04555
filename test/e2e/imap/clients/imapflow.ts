import { ImapFlow } from 'imapflow';
import { readFileSync } from 'node:fs';
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
  await client.connect();
  try {
    const lock = await client.getMailboxLock('INBOX');
    try {
      for await (const { source, uid, flags, envelope } of client.fetch('1:*', {
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
      }
      await client.messageFlagsAdd('1', ['\\Flagged']);
      await client.mailboxCreate('imapflow');
      await client.append('imapflow', 'Subject: from imapflow\r\n\r\nbody\r\n', ['\\Seen']);
      await client.messageCopy('1:2', 'imapflow');
      const status = await client.status('imapflow', { messages: true });
      if (status === false || status.messages !== 3) throw new Error('The mailbox does not have 3 messages.');
      await client.mailboxDelete('imapflow');
    } finally {
      lock.release();
    }
  } finally {
    await client.logout();
  }
  return { messages, log: [...client.capabilities.keys()].join(' ') };
}

export const imapflow: Client = { name: 'imapflow', securities: EVERY_SECURITY, run, flags: true };
