/**
 * A process that puts messages into an index: `writer.js FOLDER MAILBOX FIRST COUNT BATCH PAUSE`. Prints `started` before the first, then
 * each warning, and `done`. The tests kill it, start two at once, and let it write to a disk that is full.
 */
import { setTimeout } from 'node:timers/promises';
import { SILENT } from '#lib/log';
import { openIndex } from '#lib/store/messageindex';
import { indexKey, loadAll, messages } from './fixture.js';

const [folder = '', name = '', ...numbers] = process.argv.slice(2);
const [first = 1, count = 0, batch = 1, pause = 0] = numbers.map(Number);
const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const index = await openIndex(folder, 'alice@example.com', indexKey, { ...SILENT, warn: say, error: say });
const mailbox = index.mailbox(name, 1);
say('started');
for (let uid = first; uid < first + count; uid += batch) {
  mailbox.put(messages(uid, Math.min(uid + batch, first + count) - 1, name));
  await index.flush();
  if (pause > 0) await setTimeout(pause);
}
say(`knows ${(await loadAll(mailbox)).size}`);
await index.close();
say('done');
