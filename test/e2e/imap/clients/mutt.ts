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

/** Fields of its own in a stored message. */
const ADDED = /^(?:Content-Length|Lines|Status|X-Status): .*\n/gm;

/** Copies every message to a Maildir, and flags the first. `script` gives mutt the terminal that it wants. */
async function run(endpoint: Endpoint, folder: string): Promise<Outcome> {
  const { host, port, tls, ca, user, password } = endpoint;
  const maildir = join(folder, 'Maildir');
  const keys = [
    ...['<first-entry>', '<flag-message>'],
    ...['<tag-pattern>~A<enter>', '<tag-prefix>', `<copy-message>${maildir}<enter>`],
    ...['<sync-mailbox>', '<quit>'],
  ];
  const settings = writeSettings(
    folder,
    'muttrc',
    `set imap_user = "${user}"
set imap_pass = "${password}"
set spoolfile = "${tls === 'implicit' ? 'imaps' : 'imap'}://${host}:${port}/INBOX"
set ssl_starttls = ${tls === 'starttls' ? 'yes' : 'no'}
set ssl_force_tls = ${tls === 'none' ? 'no' : 'yes'}
set ssl_ca_certificates_file = "${ca}"
set certificate_file = "${join(folder, 'accepted')}"
set folder = "${folder}"
set delete = no
set mbox_type = Maildir
set confirmappend = no
set confirmcreate = no
set wait_key = no
set move = no
set mark_old = no
set quit = yes
push "${keys.join('')}"
`,
  );
  const { stdout } = await runIn(folder, 'script', ['-qec', `mutt -n -F ${settings}`, '/dev/null']);
  const messages = messagesOfMaildir(maildir).map((message) => without(message, ADDED));
  return { messages, log: stdout.toString('latin1') };
}

export const mutt: Client = { name: 'mutt', securities: EVERY_SECURITY, run, flags: true };
