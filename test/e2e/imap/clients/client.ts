/** What a mail program is to a test: something that fetches the messages of an INBOX into a folder. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PeerResult, runPeer } from '#test/peers';
import type { Endpoint, Security } from '../endpoint.js';

export interface Outcome {
  /** The messages as the program wrote them down, in the order of the mailbox where it keeps one. */
  readonly messages: readonly Buffer[];
  /** What the program said. */
  readonly log: string;
}

export interface Client {
  readonly name: string;
  /** The ways to secure a connection that the program has. */
  readonly securities: readonly Security[];
  /** Fetches all messages of the INBOX. The folder is the program's home, and is empty at first. Rejects if the program fails. */
  readonly run: (endpoint: Endpoint, folder: string) => Promise<Outcome>;
  /** Whether it flags the first message of the INBOX besides. */
  readonly flags?: boolean;
  /** Whether it changes messages on the way, so that only their fields can be compared. */
  readonly rewrites?: boolean;
}

export const EVERY_SECURITY: readonly Security[] = ['none', 'implicit', 'starttls'];

/** How many messages mbsync synchronises besides those that change; an even number. */
export const MANY = Number(process.env['E2E_MESSAGES'] ?? 100);

/** Seconds that a program may take. */
const LIMIT = 20 + MANY / 10;
/** The exit code of a program that took longer. */
export const TIMED_OUT = 124;

/** Runs a program with the folder as its home. Rejects unless it succeeds; `accept` are exit codes besides 0 that are success. */
export async function runIn(
  folder: string,
  command: string,
  args: readonly string[],
  accept: readonly number[] = [],
  input?: Buffer,
): Promise<PeerResult> {
  const env = { PATH: process.env['PATH'], HOME: folder, LC_ALL: 'C.UTF-8', TERM: 'xterm' };
  const result = await runPeer('timeout', [String(LIMIT), command, ...args], input, { env, cwd: folder });
  if (result.code !== 0 && !accept.includes(result.code ?? -1))
    throw new Error(
      `${command} ended with ${String(result.code)}: ${result.stderr}${result.stdout.toString('latin1')}`,
    );
  return result;
}

/** Writes a file that holds a password. */
export function writeSettings(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

export function makeMaildir(path: string): void {
  for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(path, name), { recursive: true });
}

/** The messages of a Maildir. */
export function messagesOfMaildir(path: string): Buffer[] {
  return ['new', 'cur'].flatMap((name) =>
    readdirSync(join(path, name))
      .sort()
      .map((file) => readFileSync(join(path, name, file))),
  );
}

/** A script that puts what it reads into a Maildir, for programs that hand messages to others. */
export function writeDelivery(folder: string, maildir: string): string {
  const script = `folder='${maildir}/new'\ncat > "$(printf '%s/%06d' "$folder" "$(($(ls "$folder" | wc -l) + 1))")"\n`;
  return writeSettings(folder, 'deliver.sh', script);
}

/** A message without what matches, which a program has added. */
export function without(message: Buffer, added: RegExp): Buffer {
  return Buffer.from(message.toString('latin1').replace(added, ''), 'latin1');
}
