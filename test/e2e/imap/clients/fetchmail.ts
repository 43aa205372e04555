import { join } from 'node:path';
import {
  type Client,
  EVERY_SECURITY,
  type Outcome,
  makeMaildir,
  messagesOfMaildir,
  runIn,
  writeDelivery,
  writeSettings,
} from './client.js';
import type { Endpoint } from '../endpoint.js';

const TLS = { none: `sslproto ''`, starttls: 'sslproto TLS1.2+', implicit: 'ssl sslproto TLS1.2+' } as const;

async function run(endpoint: Endpoint, folder: string): Promise<Outcome> {
  const { host, port, tls, ca, user, password } = endpoint;
  const maildir = join(folder, 'Maildir');
  makeMaildir(maildir);
  const mda = writeDelivery(folder, maildir);
  // `invisible` keeps it from adding a Received field.
  const settings = writeSettings(
    folder,
    'fetchmailrc',
    `set no bouncemail
set invisible
set idfile '${join(folder, 'ids')}'
poll ${host} service ${port} protocol IMAP auth password
  user '${user}' password '${password}' keep fetchall norewrite
  ${TLS[tls]} sslcertck sslcertfile '${ca}'
  mda "sh '${mda}'"
`,
  );
  const pid = join(folder, 'fetchmail.pid');
  const { stdout, stderr } = await runIn(folder, 'fetchmail', ['-f', settings, '--pidfile', pid, '-v']);
  return { messages: messagesOfMaildir(maildir), log: stdout.toString('latin1') + stderr };
}

export const fetchmail: Client = { name: 'fetchmail', securities: EVERY_SECURITY, run };
