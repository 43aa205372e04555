import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Client,
  EVERY_SECURITY,
  type Outcome,
  messagesOfMaildir,
  runIn,
  without,
  writeSettings,
} from './client.js';
import type { Endpoint } from '../endpoint.js';

const TLS = { none: 'None', starttls: 'STARTTLS', implicit: 'IMAPS' } as const;

/** The field by which it knows again what it has copied. */
export const MBSYNC_FIELD = /^X-TUID: .*\r?\n/gm;

/** Synchronises every mailbox with the Maildirs of FOLDER/near, both ways. */
async function run(endpoint: Endpoint, folder: string): Promise<Outcome> {
  const { host, port, tls, ca, user, password } = endpoint;
  mkdirSync(join(folder, 'near'), { recursive: true });
  const settings = writeSettings(
    folder,
    'mbsyncrc',
    `IMAPAccount provider
Host ${host}
Port ${port}
User ${user}
Pass ${password}
SSLType ${TLS[tls]}
AuthMechs LOGIN${tls === 'none' ? '' : `\nCertificateFile ${ca}`}

IMAPStore far
Account provider

MaildirStore near
Path ${folder}/near/
Inbox ${folder}/near/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState *
`,
  );
  const { stdout, stderr } = await runIn(folder, 'mbsync', ['-c', settings, '-V', '--all']);
  const messages = messagesOfMaildir(join(folder, 'near/INBOX')).map((message) => without(message, MBSYNC_FIELD));
  return { messages, log: stdout.toString('latin1') + stderr };
}

export const mbsync: Client = { name: 'mbsync', securities: EVERY_SECURITY, run };
