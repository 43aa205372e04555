import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Client, EVERY_SECURITY, type Outcome, runIn } from './client.js';
import type { Endpoint } from '../endpoint.js';

async function run(endpoint: Endpoint, folder: string): Promise<Outcome> {
  const program = resolve('test/e2e/imap/clients/session.py');
  const orders = Buffer.from(JSON.stringify({ ...endpoint, folder }));
  const { stdout } = await runIn(folder, 'python3', [program], [], orders);
  const files = readdirSync(folder).filter((name) => name.endsWith('.eml'));
  return { messages: files.sort().map((name) => readFileSync(join(folder, name))), log: stdout.toString() };
}

export const imaplib: Client = { name: 'imaplib', securities: EVERY_SECURITY, run, flags: true };
