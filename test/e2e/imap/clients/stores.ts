/** What two mail stores hold, in a form that can be compared: the provider's, and the Maildirs of a program that synchronises. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expectOK, login } from '../client.js';
import type { Endpoint } from '../endpoint.js';
import { pieces } from '../responses.js';

/** For each mailbox the messages, sorted: flags, subject, and digest of the octets. */
export type Store = Readonly<Record<string, readonly string[]>>;

/** How a message is written before it is compared. */
export type Form = (message: Buffer) => Buffer;

/** What a message at the provider is to its owner. */
export type Opening = (message: Buffer) => Promise<Buffer>;

const MAILDIR_FLAGS: Readonly<Record<string, string>> = { S: '\\Seen', R: '\\Answered', F: '\\Flagged', D: '\\Draft' };

/** The mailboxes of an endpoint's user, whose messages are opened. */
export async function providerStore(endpoint: Endpoint, form: Form, open: Opening): Promise<Store> {
  const connection = await login(endpoint);
  try {
    const listed = await expectOK(connection, 'list', 'LIST "" *');
    const store: Record<string, string[]> = {};
    for (const name of listed.flatMap((line) => / "?([^" ]+)"?\r\n$/.exec(line.toString())?.slice(1) ?? [])) {
      if (name.includes(')')) continue;
      await expectOK(connection, 'examine', `EXAMINE "${name}"`);
      const fetched = await connection.run('fetch', 'FETCH 1:* (FLAGS BODY.PEEK[])');
      const entries = await Promise.all(fetched.slice(0, -1).map((response) => entry(response, form, open)));
      store[name] = entries.flat().sort();
    }
    return store;
  } finally {
    connection.close();
  }
}

async function entry(response: Buffer, form: Form, open: Opening): Promise<string[]> {
  const [{ text, literal } = { text: '' }] = pieces(response);
  const [, flags] = /FLAGS \(([^)]*)\)/.exec(text) ?? [];
  if (flags === undefined || literal === undefined) return [];
  return [
    describe(
      Object.values(MAILDIR_FLAGS).filter((flag) => flags.includes(flag)),
      form(await open(literal)),
    ),
  ];
}

/** The Maildirs of a folder. */
export function maildirStore(folder: string, form: Form): Store {
  const store: Record<string, string[]> = {};
  for (const name of readdirSync(folder).filter((name) => existsSync(join(folder, name, 'cur')))) {
    store[name] = ['new', 'cur']
      .flatMap((part) => readdirSync(join(folder, name, part)).map((file) => join(folder, name, part, file)))
      .map((path) => {
        const letters = /:2,([A-Za-z]*)$/.exec(path)?.[1] ?? '';
        const flags = Object.entries(MAILDIR_FLAGS).flatMap(([letter, flag]) =>
          letters.includes(letter) ? [flag] : [],
        );
        return describe(flags, form(readFileSync(path)));
      })
      .sort();
  }
  return store;
}

function describe(flags: readonly string[], message: Buffer): string {
  const [, subject = ''] = /^Subject: (.*?)\r?$/m.exec(message.toString('latin1')) ?? [];
  return `${subject} ${flags.toSorted().join(' ')} ${createHash('sha256').update(message).digest('hex').slice(0, 12)}`;
}
