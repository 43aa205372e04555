/** A mailbox and its copy are both changed, and must be the same again after the program has synchronised them. */
import { readFileSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCorpus } from '#test/corpus/corpus';
import { expectOK, login } from '../client.js';
import type { Endpoint } from '../endpoint.js';
import { type Preparing, fill, fillNumbered, numberedMessage } from '../fixture.js';
import type { Client } from './client.js';
import { type Form, type Opening, type Store, maildirStore, providerStore } from './stores.js';

export interface TwoWay {
  readonly provider: Store;
  readonly copy: Store;
}

/** How messages lie at the provider: what makes them so, and what gives them back. */
export interface StoredAs {
  readonly prepare: Preparing;
  readonly open: Opening;
}

/**
 * Synchronises, among others a mailbox of `many` messages, an even number; changes flags, removes, moves and adds on both sides; synchronises; changes nothing, and synchronises once more.
 * The program goes through `endpoint`, everything else directly to the provider, whose messages are
 * made ready by `prepare` and opened by `open`.
 */
export async function twoWay(
  client: Client,
  provider: Endpoint,
  endpoint: Endpoint,
  folder: string,
  form: Form,
  { prepare, open }: StoredAs,
  many: number,
): Promise<TwoWay> {
  await fill(provider, 'mail', prepare);
  const connection = await login(provider);
  await expectOK(connection, 'create', 'CREATE Archive');
  await expectOK(connection, 'many', 'CREATE Many');
  await fillNumbered(provider, 'Many', [1, many / 2], prepare);
  await client.run(endpoint, folder);

  await expectOK(connection, 'select', 'SELECT INBOX');
  await expectOK(connection, 'flag', 'STORE 1 +FLAGS (\\Flagged \\Answered)');
  await expectOK(connection, 'unflag', 'STORE 3 FLAGS ()');
  await expectOK(connection, 'delete', 'STORE 4 +FLAGS (\\Deleted)');
  await expectOK(connection, 'expunge', 'EXPUNGE');
  await expectOK(connection, 'move', 'UID MOVE 5 Archive');
  const added = await prepare(numberedMessage(100));
  await expectOK(connection, 'append', Buffer.concat([Buffer.from(`APPEND INBOX {${added.length}+}\r\n`), added]));
  connection.close();
  changeCopy(join(folder, 'near'), many);

  await client.run(endpoint, folder);
  await client.run(endpoint, folder);
  return { provider: await providerStore(provider, form, open), copy: maildirStore(join(folder, 'near'), form) };
}

function changeCopy(near: string, many: number): void {
  const inbox = join(near, 'INBOX');
  const find = (number: number): string => {
    for (const part of ['new', 'cur'])
      for (const name of readdirSync(join(inbox, part))) {
        const path = join(inbox, part, name);
        if (readFileSync(path, 'latin1').includes(`\nX-Number: ${number}\n`)) return path;
      }
    throw new Error(`The copy lacks message ${number}.`);
  };
  const base = (path: string): string =>
    path
      .split('/')
      .at(-1)
      ?.replace(/:2,.*$/, '') ?? '';
  const flagged = find(6);
  renameSync(flagged, join(inbox, 'cur', `${base(flagged)}:2,FS`));
  unlinkSync(find(7));
  // Moved as a mail program does it: the message gets a new name, so that it has no UID there.
  renameSync(find(8), join(near, 'Archive/cur/1700000000.1_1.postern:2,S'));
  const attachments =
    readCorpus()
      .find(({ name }) => name === 'attachments')
      ?.bytes.toString('latin1') ?? '';
  const added = attachments.replaceAll('\r\n', '\n').replace(/^Subject: .*$/m, 'Subject: Added to the copy');
  writeFileSync(join(inbox, 'new/1700000000.2_1.postern'), Buffer.from(added, 'latin1'));
  for (let number = many / 2 + 1; number <= many; number++) {
    const text = numberedMessage(number).toString('latin1').replaceAll('\r\n', '\n');
    writeFileSync(join(near, `Many/cur/1700000000.${number}_2.postern:2,S`), text);
  }
}
