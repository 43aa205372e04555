import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, EVERY_SECURITY, type Outcome, runIn, writeSettings } from './client.js';
import type { Endpoint } from '../endpoint.js';

/** Searches in one session, and fetches by message number in another. */
async function run(endpoint: Endpoint, folder: string): Promise<Outcome> {
  const { host, port, tls, ca, user, password } = endpoint;
  // RFC 5092 URLs; `--ssl-reqd` is STARTTLS.
  const base = `${tls === 'implicit' ? 'imaps' : 'imap'}://${host}:${port}`;
  const settings = writeSettings(
    folder,
    'curlrc',
    `user = "${user}:${password}"\ncacert = "${ca}"\nsilent\nshow-error\n${tls === 'starttls' ? 'ssl-reqd\n' : ''}`,
  );
  const curl = async (...args: readonly string[]): Promise<Buffer> =>
    (await runIn(folder, 'curl', ['--config', settings, ...args])).stdout;
  const found = await curl(`${base}/INBOX?ALL`);
  const files = (found.toString().match(/\d+/g) ?? []).map((number) => ({
    number,
    path: join(folder, `${number}.eml`),
  }));
  await curl(...files.flatMap(({ number, path }) => ['-o', path, `${base}/INBOX;MAILINDEX=${number}`]));
  return { messages: files.map(({ path }) => readFileSync(path)), log: found.toString() };
}

export const curl: Client = { name: 'curl', securities: EVERY_SECURITY, run };
