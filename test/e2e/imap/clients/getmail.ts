import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Client,
  type Outcome,
  TIMED_OUT,
  makeMaildir,
  messagesOfMaildir,
  runIn,
  writeDelivery,
  writeSettings,
} from './client.js';
import type { Endpoint } from '../endpoint.js';

/** How often it is tried again: it waits for ever where a delivery ends before it waits for that (6.18.11). */
const AGAIN = 2;

async function run(endpoint: Endpoint, folder: string): Promise<Outcome> {
  const { host, port, tls, ca, user, password } = endpoint;
  const maildir = join(folder, 'Maildir');
  makeMaildir(maildir);
  const deliver = writeDelivery(folder, maildir);
  writeSettings(
    folder,
    'getmailrc',
    `[retriever]
type = ${tls === 'implicit' ? 'SimpleIMAPSSLRetriever' : 'SimpleIMAPRetriever'}
server = ${host}
port = ${port}
username = ${user}
password = ${password}
mailboxes = ("INBOX",)
${tls === 'implicit' ? `ca_certs = ${ca}` : ''}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("${deliver}",)
allow_root_commands = true
[options]
read_all = true
delivered_to = false
received = false
`,
  );
  let result = await runIn(folder, 'getmail', ['--getmaildir', folder, '--verbose'], [TIMED_OUT]);
  for (let again = 0; again < AGAIN && result.code === TIMED_OUT; again++) {
    rmSync(maildir, { recursive: true });
    makeMaildir(maildir);
    result = await runIn(folder, 'getmail', ['--getmaildir', folder, '--verbose'], [TIMED_OUT]);
  }
  if (result.code === TIMED_OUT) throw new Error('getmail hung each time.');
  const messages = messagesOfMaildir(maildir);
  return { messages, log: result.stdout.toString('latin1') + result.stderr };
}

/** It knows no STARTTLS, and writes messages anew from what it has understood of them. */
export const getmail: Client = { name: 'getmail', securities: ['none', 'implicit'], run, rewrites: true };
