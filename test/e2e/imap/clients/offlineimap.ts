import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, EVERY_SECURITY, type Outcome, messagesOfMaildir, runIn, writeSettings } from './client.js';
import type { PeerResult } from '#test/peers';
import type { Endpoint } from '../endpoint.js';

/** Synchronises every mailbox with the Maildirs of FOLDER/near, both ways. */
async function run(endpoint: Endpoint, folder: string): Promise<Outcome> {
  const { host, port, tls, ca, user, password } = endpoint;
  mkdirSync(join(folder, 'near'), { recursive: true });
  const settings = writeSettings(
    folder,
    'offlineimaprc',
    `[general]
accounts = all
metadatadir = ${folder}/offlineimap

[Account all]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = ${folder}/near
sync_deletes = yes

[Repository far]
type = IMAP
remotehost = ${host}
remoteport = ${port}
remoteuser = ${user}
remotepass = ${password}
ssl = ${tls === 'implicit' ? 'yes' : 'no'}
starttls = ${tls === 'starttls' ? 'yes' : 'no'}
sslcacertfile = ${ca}
auth_mechanisms = PLAIN, LOGIN
sync_deletes = yes
expunge = yes
maxconnections = 2
`,
  );
  const synchronise = (): Promise<PeerResult> => runIn(folder, 'offlineimap', ['-c', settings, '-o', '-u', 'basic']);
  const { stdout, stderr } = await synchronise().catch((error: unknown) => {
    if (error instanceof Error && TLS_STUMBLE.test(error.message)) return synchronise();
    throw error;
  });
  return { messages: messagesOfMaildir(join(folder, 'near/INBOX')), log: stdout.toString('latin1') + stderr };
}

/** Seen now and then with STARTTLS. Its library, imaplib2, reads in a thread of its own, which may be the cause; that is not proven. */
const TLS_STUMBLE = /Failed to start TLS connection: .*SSLError.*internal error/;

/** It writes messages anew from what it has understood of them. */
export const offlineimap: Client = { name: 'offlineimap', securities: EVERY_SECURITY, run, rewrites: true };
