/** A Dovecot that has messages, and is asked about them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, ConnectionEnded, expectOK, login } from '#test/e2e/imap/client';
import { startDovecot } from '#test/e2e/imap/dovecot';
import { mailAccount, own } from '#test/e2e/site';

/** The answer to what Dovecot closes the connection for: it finds a fault in itself. */
export const CLOSED = 'closed';

export interface Question {
  /** The place of the message. */
  readonly message: number;
  readonly item: string;
}

export interface Reference {
  /** What is between the parentheses of the response; what the tagged response says where there is none; or CLOSED. */
  readonly ask: (question: Question) => Promise<Buffer>;
  readonly stop: () => Promise<void>;
}

/** Starts one whose INBOX holds these messages, octet for octet. */
export async function startReference(messages: readonly Buffer[]): Promise<Reference> {
  const server = await startDovecot({ format: 'maildir' });
  try {
    const mailbox = join(server.folder, 'mail', 'alice', 'mail');
    const account = mailAccount();
    const make = (path: string): void => {
      mkdirSync(path);
      own(path, account);
    };
    mkdirSync(join(server.folder, 'mail', 'alice'));
    own(join(server.folder, 'mail', 'alice'), account);
    make(mailbox);
    for (const folder of ['cur', 'new', 'tmp']) make(join(mailbox, folder));
    for (const [index, message] of messages.entries()) {
      const file = join(mailbox, 'cur', `${1_700_000_000 + index}.M1P1.test:2,S`);
      writeFileSync(file, message);
      own(file, account);
    }
    const examine = async (): Promise<Connection> => {
      const opened = await login(server.endpoint('alice'));
      await expectOK(opened, 'e', 'EXAMINE INBOX');
      return opened;
    };
    let connection = await examine();
    const numbers = readNumbers(join(mailbox, 'dovecot-uidlist'));
    return {
      // One after another: Dovecot answers several commands at once in an order of its own.
      ask: async ({ message, item }) => {
        try {
          return answer(await connection.run('q', `FETCH ${numbers.get(message) ?? 0} (${item})`));
        } catch (error) {
          if (!(error instanceof ConnectionEnded)) throw error;
          connection.close();
          connection = await examine();
          return Buffer.from(CLOSED);
        }
      },
      stop: async () => {
        connection.close();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Numbers of messages by place, from the file in which Dovecot keeps UIDs: the UIDs are 1 and so on. */
function readNumbers(file: string): ReadonlyMap<number, number> {
  const lines = readFileSync(file, 'latin1').matchAll(/^(\d+) .*:(\d+)\.M1P1/gm);
  return new Map([...lines].map(([, uid, time]) => [Number(time) - 1_700_000_000, Number(uid)]));
}

function answer(responses: readonly Buffer[]): Buffer {
  const fetch = responses.find((response) => /^\* \d+ FETCH \(/.test(response.toString('latin1', 0, 30)));
  const last = responses.at(-1) ?? Buffer.alloc(0);
  if (fetch === undefined || !last.toString('latin1', 0, 20).startsWith('q OK'))
    return last.subarray(last.indexOf(' ') + 1);
  return fetch.subarray(fetch.indexOf('(') + 1, fetch.length - 3);
}
