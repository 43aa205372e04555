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
socktimeout = 8

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
  const { stdout, stderr } = await patiently(synchronise);
  return { messages: messagesOfMaildir(join(folder, 'near/INBOX')), log: stdout.toString('latin1') + stderr };
}

/**
 * Its library's fault, with any server, about once in twenty runs: right after the handshake of STARTTLS, imaplib2 sends CAPABILITY in one
 * thread while another reads, and finds the session tickets of TLS 1.3. Python 3.11 locks nothing, and OpenSSL's connections are not for two threads
 * at once: it reports an internal error, octets get lost, or the program crashes (which has no exit code). Twenty lines of Python that do the same
 * fail as often with Dovecot directly as through Postern, and never with one thread.
 */
const STUMBLES = ['Failed to start TLS connection: command: CAPABILITY =>', 'offlineimap ended with null'] as const;
const ATTEMPTS = 3;

async function patiently(synchronise: () => Promise<PeerResult>): Promise<PeerResult> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await synchronise();
    } catch (error) {
      const stumbled = error instanceof Error && STUMBLES.some((text) => error.message.includes(text));
      if (!stumbled || attempt === ATTEMPTS) throw error;
    }
  }
}

/** It writes messages anew from what it has understood of them. */
export const offlineimap: Client = { name: 'offlineimap', securities: EVERY_SECURITY, run, rewrites: true };
