import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { text } from 'node:stream/consumers';
import type { IndexedMessage } from '#lib/store/messageindex';
import { RUNS, byUID, freshPlace, loadAll, message, messages } from './fixture.js';

const place = freshPlace();
const WRITER = fileURLToPath(new URL('writer.js', import.meta.url));

/** Each is what was put under its UID. */
function allRight(found: ReadonlyMap<number, IndexedMessage>, mailbox = 'INBOX'): void {
  for (const [uid, known] of found) assert.deepEqual(known, message(uid, mailbox));
}

/** The one mailbox file, with 300 messages in some frames. */
async function prepare(): Promise<string> {
  const index = await place.open();
  for (let uid = 1; uid <= 300; uid += 60) {
    index.mailbox('INBOX', 1).put(messages(uid, uid + 59));
    await index.flush();
  }
  await index.close();
  const [path = ''] = place.mailboxes();
  return path;
}

describe('a damaged index', () => {
  it('never gives a wrong record, loses little, and is whole again once all is put again', async () => {
    const path = await prepare();
    const good = readFileSync(path);
    const octet = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      value: fc.integer({ min: 1, max: 255 }),
    });
    const damage = fc.oneof(
      fc.record({ flips: fc.array(octet, { minLength: 1, maxLength: 4 }) }),
      fc.record({ cut: octet }),
      fc.record({ insert: octet }),
      fc.record({ zeros: octet }),
    );
    await fc.assert(
      fc.asyncProperty(damage, async (kind) => {
        const place_ = ({ at }: { at: number }): number => Math.floor(at * (good.length - 1));
        let octets = Buffer.from(good);
        if ('flips' in kind) {
          for (const flip of kind.flips) octets[place_(flip)] = (octets[place_(flip)] ?? 0) ^ flip.value;
        } else if ('cut' in kind) {
          octets = octets.subarray(0, place_(kind.cut));
        } else if ('insert' in kind) {
          const at = place_(kind.insert);
          octets = Buffer.concat([octets.subarray(0, at), Buffer.alloc(kind.insert.value, 7), octets.subarray(at)]);
        } else {
          octets.subarray(place_(kind.zeros), place_(kind.zeros) + 100 * kind.zeros.value).fill(0);
        }
        writeFileSync(path, octets);
        place.warnings = [];
        const index = await place.open();
        const mailbox = index.mailbox('INBOX', 1);
        const left = await loadAll(mailbox);
        allRight(left);
        if ('flips' in kind) assert.ok(left.size >= 300 - 60 * kind.flips.length, `${left.size} are left`);
        for (const known of messages(1, 300).slice(0, 50)) {
          const found = await index.byFingerprint(known.fingerprint);
          if (found !== undefined) assert.deepEqual(found, known);
        }
        mailbox.put(messages(1, 300).filter(({ uid }) => !left.has(uid)));
        await index.flush();
        assert.deepEqual(await loadAll(mailbox), byUID(messages(1, 300)));
        await index.close();
        const again = await place.open();
        assert.deepEqual(await loadAll(again.mailbox('INBOX', 1)), byUID(messages(1, 300)));
        await again.close();
        assert.ok(place.warnings.length <= 1 && place.warnings.every((event) => event === 'index damaged'));
      }),
      { numRuns: RUNS },
    );
  });

  it('survives a table of fingerprints that is nonsense', async () => {
    await prepare();
    const table = place.files().find((path) => path.endsWith('fingerprints')) ?? '';
    const good = readFileSync(table);
    for (let round = 0; round < 20; round++) {
      const octets = Buffer.from(good.map((octet) => (Math.random() < 0.05 ? octet ^ 1 : octet)));
      writeFileSync(
        table,
        octets.subarray(0, round % 2 === 0 ? octets.length : Math.floor(Math.random() * octets.length)),
      );
      const index = await place.open();
      for (const known of messages(1, 300)) {
        const found = await index.byFingerprint(known.fingerprint);
        if (found !== undefined) assert.deepEqual(found, known);
      }
      await index.close();
    }
    assert.deepEqual(place.warnings, []);
  });

  it('believes no frame of another mailbox, user or place', async () => {
    const path = await prepare();
    const index = await place.open();
    index.mailbox('other', 1).put([message(1, 'other')]);
    const bob = await place.open({ user: 'bob@example.com', key: Buffer.alloc(32, 9) });
    bob.mailbox('INBOX', 1).put([message(2)]);
    await Promise.all([index.close(), bob.close()]);
    const ofOther = readFileSync(place.mailboxes().find((other) => other !== path) ?? '');
    for (const target of place.mailboxes()) {
      if (target !== path) appendFileSync(target, readFileSync(path));
    }
    const again = await place.open();
    assert.deepEqual(await loadAll(again.mailbox('other', 1)), byUID([message(1, 'other')]));
    const bobAgain = await place.open({ user: 'bob@example.com', key: Buffer.alloc(32, 9) });
    assert.deepEqual(await loadAll(bobAgain.mailbox('INBOX', 1)), byUID([message(2)]));
    writeFileSync(path, ofOther);
    assert.equal((await loadAll(again.mailbox('INBOX', 1))).size, 0);
  });

  it('takes no entries under the head of another frame', async () => {
    const index = await place.open();
    for (const uid of [1, 2]) {
      index.mailbox('INBOX', 1).put([message(uid, 'INBOX', 500)]);
      await index.flush();
    }
    const [path = ''] = place.mailboxes();
    const octets = readFileSync(path);
    const [one, two] = [octets.subarray(0, octets.length / 2), octets.subarray(octets.length / 2)];
    writeFileSync(path, Buffer.concat([one.subarray(0, 52), two.subarray(52), two.subarray(0, 52), one.subarray(52)]));
    assert.equal((await loadAll((await place.open()).mailbox('INBOX', 1))).size, 0);
  });

  it('goes on behind a frame that was not written to its end', async () => {
    const path = await prepare();
    const { size } = statSync(path);
    for (let round = 0; round < 10; round++) {
      const whole = readFileSync(path);
      truncateSync(path, size - 1 - Math.floor(Math.random() * 1000));
      const index = await place.open();
      for (const uid of [1001, 1002, 1003]) {
        index.mailbox('INBOX', 1).put([message(uid)]);
        // Written without a look at the file, as by a process that has not read it.
        await index.flush();
      }
      const found = await loadAll(index.mailbox('INBOX', 1));
      allRight(found);
      assert.equal(found.size, 240 + 3);
      await index.close();
      writeFileSync(path, whole);
    }
  });
});

describe('a frame that others fill exactly', () => {
  it('hides none of them', async () => {
    const path = await prepare();
    const whole = readFileSync(path);
    const appended = async (uids: readonly number[]): Promise<Awaited<ReturnType<typeof place.open>>> => {
      const index = await place.open();
      for (const uid of uids) {
        index.mailbox('INBOX', 1).put([message(uid)]);
        await index.flush();
      }
      return index;
    };
    await (await appended([1001])).close();
    const size = statSync(path).size - whole.length;
    writeFileSync(path, whole.subarray(0, whole.length - size));
    const index = await appended([1001, 1002]);
    const found = await loadAll(index.mailbox('INBOX', 1));
    allRight(found);
    assert.equal(found.size, 240 + 2);
    await index.close();
  });
});

describe('several processes', () => {
  it('lose nothing but what was being written when one is killed', async () => {
    const folder = join(place.folder, 'index');
    for (let round = 0; round < 6; round++) {
      const { child, exit } = await start(folder, 'INBOX', 1 + 5000 * round, 5000, 7, 0);
      await setTimeout(20 + Math.random() * 100);
      child.kill('SIGKILL');
      await exit;
      const index = await place.open();
      const mailbox = index.mailbox('INBOX', 1);
      const found = await loadAll(mailbox);
      allRight(found);
      mailbox.put([message(100_000 + round)]);
      await index.flush();
      assert.deepEqual(await loadAll(mailbox), new Map([...found, [100_000 + round, message(100_000 + round)]]));
      await index.close();
    }
    assert.ok(
      place.warnings.every((event) => event === 'index damaged'),
      place.warnings.join(),
    );
  });

  it('write to one mailbox at once', async () => {
    const folder = join(place.folder, 'index');
    const writers = await Promise.all([1, 1001, 2001].map((first) => start(folder, 'INBOX', first, 1000, 50, 1)));
    for (const { exit } of writers) assert.equal(await exit, 0);
    const index = await place.open();
    assert.deepEqual(await loadAll(index.mailbox('INBOX', 1)), byUID(messages(1, 3000)));
    assert.deepEqual(place.warnings, []);
  });

  it('write to one mailbox at once while each tidies it', async () => {
    const folder = join(place.folder, 'index');
    const writers = await Promise.all([1, 1001].map((first) => start(folder, 'INBOX', first, 400, 1, 1)));
    const index = await place.open();
    const mailbox = index.mailbox('INBOX', 1);
    while (writers.some(({ child }) => child.exitCode === null)) {
      allRight(await loadAll(mailbox));
      await setTimeout(5);
    }
    for (const { exit } of writers) assert.equal(await exit, 0);
    const found = await loadAll(mailbox);
    allRight(found);
    // What one appends in the moment in which another renames is lost.
    assert.ok(found.size > 600, `${found.size}`);
    assert.deepEqual(place.warnings, []);
  });

  it('open the index of another key at once, and put it aside', async () => {
    const old = await place.open({ key: Buffer.alloc(32, 8) });
    old.mailbox('INBOX', 1).put([message(1)]);
    await old.close();
    const folder = join(place.folder, 'index');
    const writers = await Promise.all([1, 101].map((first) => start(folder, 'INBOX', first, 100, 10, 0)));
    for (const { exit } of writers) assert.equal(await exit, 0);
    allRight(await loadAll((await place.open()).mailbox('INBOX', 1)));
    assert.equal(readdirSync(folder).length, 2);
  });
});

describe('a disk that is full', () => {
  it('costs one warning, and what was written before is still known', async () => {
    const path = await prepare();
    const folder = dirname(dirname(path));
    // Blocks of 1024 octets; the signal would end the process before it gets the error.
    const limit = Math.ceil(statSync(path).size / 1024) + 20;
    const args = ['-c', `trap '' XFSZ; ulimit -f ${limit}; exec "$@"`, 'bash', process.execPath, WRITER];
    const child = spawn('bash', [...args, folder, 'INBOX', '1001', '2000', '100', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output, exit] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    assert.deepEqual(exit, [0, null]);
    const [started, warning, knows = '', ...rest] = output.trim().split('\n');
    assert.deepEqual([started, warning, rest], ['started', 'index not written', ['done']]);
    assert.ok(Number(/^knows (\d+)$/.exec(knows)?.[1]) >= 300, knows);
    const index = await place.open();
    const found = await loadAll(index.mailbox('INBOX', 1));
    allRight(found);
    for (const { uid } of messages(1, 300)) assert.ok(found.has(uid));
    index.mailbox('INBOX', 1).put([message(5000)]);
    await index.flush();
    assert.equal((await loadAll(index.mailbox('INBOX', 1))).size, found.size + 1);
  });
});

interface Writer {
  readonly child: ChildProcess;
  /** Exit code, or null where it was killed. */
  readonly exit: Promise<number | null>;
}

/** Resolves once the process has opened its index. */
async function start(...args: readonly (string | number)[]): Promise<Writer> {
  const child = spawn(process.execPath, [WRITER, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null);
  await once(child.stdout, 'data');
  child.stdout.resume();
  return { child, exit };
}
