import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, readlinkSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { IndexKeys } from '#lib/store/keys';
import { MailboxFile } from '#lib/store/mailboxfile';
import { ALL, freshPlace, indexKey, message, messages } from './fixture.js';

const place = freshPlace();
const keys = new IndexKeys(indexKey);

/** The file of a mailbox, as a process sees it that has not looked into it yet. */
function fileOf(mailbox = 'INBOX'): { readonly path: string; readonly file: MailboxFile } {
  const name = keys.fileName(mailbox, 1);
  const path = join(place.folder, name);
  return { path, file: new MailboxFile(path, keys, name) };
}

async function uidsOf(file: MailboxFile): Promise<number[]> {
  const uids: number[] = [];
  for await (const batch of file.read(ALL, new Set())) uids.push(...batch.map(({ uid }) => uid));
  return uids.sort((a, b) => a - b);
}

describe('the file of a mailbox', () => {
  it('keeps what others append while it is written anew', async () => {
    const { file, path } = fileOf();
    for (let uid = 1; uid <= 1000; uid++) await file.append([message(uid, 'INBOX', 50)]);
    const before = statSync(path);
    const tidying = file.tidy();
    const { file: other } = fileOf();
    for (let uid = 1001; uid <= 1005; uid++) await other.append([message(uid)]);
    assert.equal(statSync(path).ino, before.ino, 'it is not finished yet');
    await tidying;
    assert.notEqual(statSync(path).ino, before.ino);
    assert.equal((await uidsOf(file)).length, 1005);
    assert.equal((await uidsOf(other)).length, 1005);
  });

  it('is not written anew where nothing is gained', async () => {
    const { file, path } = fileOf();
    for (let uid = 1; uid <= 40; uid++) await file.append([message(uid)]);
    const { ino } = statSync(path);
    await file.tidy();
    assert.equal(statSync(path).ino, ino);
    for (let uid = 41; uid <= 140; uid++) await file.append([message(uid, 'INBOX', 60_000)]);
    await file.tidy();
    assert.equal(statSync(path).ino, ino);
    assert.equal(file.isDamaged, false);
  });

  it('is looked through anew where it has become shorter', async () => {
    const { file, path } = fileOf();
    await file.append(messages(1, 5));
    const { size } = statSync(path);
    await file.append(messages(6, 50));
    assert.equal((await uidsOf(file)).length, 50);
    truncateSync(path, size);
    assert.deepEqual(await uidsOf(file), [1, 2, 3, 4, 5]);
    assert.equal(file.isDamaged, false);
    await fileOf().file.append(messages(100, 149));
    assert.equal((await uidsOf(file)).length, 55);
  });

  it('loses its damage when it is written anew', async () => {
    const { file, path } = fileOf();
    for (const uid of [1, 2, 3]) await file.append([message(uid)]);
    const octets = readFileSync(path);
    const at = octets.length >> 1;
    octets[at] = (octets[at] ?? 0) ^ 1;
    writeFileSync(path, octets);
    const { file: reader } = fileOf();
    assert.deepEqual(await uidsOf(reader), [1, 3]);
    await uidsOf(reader);
    assert.equal(reader.isDamaged, true);
    await reader.tidy();
    assert.deepEqual(await uidsOf(reader), [1, 3]);
    assert.equal(reader.isDamaged, false);
    const { file: another } = fileOf();
    assert.deepEqual(await uidsOf(another), [1, 3]);
    assert.equal(another.isDamaged, false);
  });

  it('believes no frame of another mailbox, not even in the place of one that it knows', async () => {
    const [mine, other] = [fileOf(), fileOf('other')];
    await mine.file.append([message(1, 'INBOX', 100)]);
    await other.file.append([message(1, 'other', 100)]);
    assert.deepEqual(await uidsOf(mine.file), [1]);
    writeFileSync(mine.path, readFileSync(other.path));
    assert.deepEqual(await uidsOf(mine.file), []);
    assert.deepEqual(await uidsOf(fileOf().file), []);
  });

  it('can be read by several at once', async () => {
    const { file } = fileOf();
    for (let uid = 1; uid <= 100; uid++) await file.append([message(uid)]);
    const all = await Promise.all(Array.from({ length: 10 }, () => uidsOf(file)));
    for (const uids of all) assert.equal(uids.length, 100);
  });

  it('leaves no file open, also where reading ends early', async () => {
    const { file, path } = fileOf();
    for (let uid = 1; uid <= 10; uid++) await file.append([message(uid)]);
    for await (const batch of file.read(ALL, new Set())) {
      assert.equal(batch.length, 1);
      break;
    }
    await uidsOf(file);
    await file.tidy();
    await file.shrink(500);
    assert.equal(openDescriptors(path), 0);
  });
});

/** How many descriptors of this process are of that file; 0 where the system does not tell. */
function openDescriptors(path: string): number {
  const folder = '/proc/self/fd';
  if (!existsSync(folder)) return 0;
  return readdirSync(folder).filter((name) => {
    try {
      return readlinkSync(join(folder, name)).startsWith(path);
    } catch {
      return false;
    }
  }).length;
}

describe('the keys', () => {
  it('seal nothing and open nothing once they are overwritten', () => {
    const closed = new IndexKeys(indexKey);
    const sealed = closed.seal(Buffer.from('x'), Buffer.alloc(0));
    assert.deepEqual(closed.open(sealed, Buffer.alloc(0)), Buffer.from('x'));
    closed.close();
    assert.throws(() => closed.seal(Buffer.from('x'), Buffer.alloc(0)));
    // Sealed by anybody, under what is left of the key.
    const cipher = createCipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12));
    const forged = Buffer.concat([Buffer.alloc(12), cipher.update('x'), cipher.final(), cipher.getAuthTag()]);
    for (const octets of [sealed, forged]) assert.equal(closed.open(octets, Buffer.alloc(0)), undefined);
    assert.equal(keys.open(sealed.subarray(0, 20), Buffer.alloc(0)), undefined);
  });
});
