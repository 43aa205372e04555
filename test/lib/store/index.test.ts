import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { openIndex } from '#lib/store/messageindex';
import { SILENT } from '#lib/log';
import { ALL, byUID, freshPlace, indexKey, loadAll, message, messages, plain } from './fixture.js';

const place = freshPlace();

describe('the index', () => {
  const some = [
    message(3),
    plain(4),
    plain(5),
    { ...message(9), kind: 'unopened' as const },
    plain(11),
    message(70_000),
  ];

  it('gives back what was put, before it is written and after', async () => {
    const index = await place.open();
    const mailbox = index.mailbox('INBOX', 1);
    mailbox.put(some);
    assert.deepEqual(await loadAll(mailbox), byUID(some));
    await index.flush();
    assert.deepEqual(await loadAll(mailbox), byUID(some));
    const another = (await place.open()).mailbox('INBOX', 1);
    assert.deepEqual(await loadAll(another), byUID(some));
    assert.deepEqual(place.warnings, []);
  });

  it('writes soon, also if nobody asks for it', async () => {
    (await place.open()).mailbox('INBOX', 1).put(some);
    const another = (await place.open()).mailbox('INBOX', 1);
    for (let i = 0; i < 200 && (await loadAll(another)).size === 0; i++) await setTimeout(10);
    assert.deepEqual(await loadAll(another), byUID(some));
  });

  it('finds what another has appended meanwhile', async () => {
    const [one, other] = [await place.open(), await place.open()];
    for (const known of some) {
      one.mailbox('INBOX', 1).put([known]);
      await one.flush();
      assert.deepEqual((await loadAll(other.mailbox('INBOX', 1))).get(known.uid), known);
    }
    assert.equal((await loadAll(other.mailbox('INBOX', 1))).size, some.length);
  });

  it('gives the ranges that are asked for, in any order and overlapping', async () => {
    const index = await place.open();
    const mailbox = index.mailbox('INBOX', 1);
    mailbox.put([...messages(1, 300), ...Array.from({ length: 100 }, (_, i) => plain(301 + i))]);
    const ranges = [
      { first: 350, last: 360 },
      { first: 5, last: 5 },
      { first: 100, last: 120 },
      { first: 110, last: 130 },
      { first: 9, last: 8 },
      { first: 400, last: 0xffff_ffff },
    ];
    const expected = [5, ...series(100, 130), ...series(350, 360), 400];
    for (const flush of [false, true]) {
      if (flush) await index.flush();
      assert.deepEqual(sorted((await loadAll(mailbox, ranges)).keys()), expected);
    }
    assert.equal((await loadAll(mailbox, [])).size, 0);
  });

  it('knows of a UID what was put last', async () => {
    const index = await place.open();
    const mailbox = index.mailbox('INBOX', 1);
    const later = { ...message(7), record: Buffer.from('later') };
    mailbox.put([...messages(1, 200), message(7), later]);
    assert.deepEqual((await loadAll(mailbox)).get(7), later);
    await index.flush();
    assert.deepEqual((await loadAll(mailbox)).get(7), later);
    for (const next of [plain(7), { ...message(7), kind: 'unopened' as const }, message(7)]) {
      mailbox.put([next]);
      await index.flush();
      assert.deepEqual((await loadAll(mailbox)).get(7), next);
    }
    assert.equal((await loadAll(mailbox)).size, 200);
  });

  it('tells mailboxes, UIDVALIDITY, users and keys apart', async () => {
    const index = await place.open();
    index.mailbox('INBOX', 1).put(some);
    await index.flush();
    for (const [name, validity] of [
      ['INBOX', 2],
      ['Inbox', 1],
      ['INBOX\0', 1],
      ['', 1],
    ] as const) {
      assert.equal((await loadAll(index.mailbox(name, validity))).size, 0);
    }
    const other = await place.open({ user: 'bob@example.com' });
    assert.equal((await loadAll(other.mailbox('INBOX', 1))).size, 0);
    assert.equal(await other.byFingerprint(message(3).fingerprint), undefined);
  });

  it('keeps plain messages in next to nothing', async () => {
    const index = await place.open();
    const mailbox = index.mailbox('INBOX', 1);
    mailbox.put(series(1, 10_000).map(plain));
    await index.flush();
    assert.equal((await loadAll(mailbox)).size, 10_000);
    const octets = place.mailboxes().reduce((sum, path) => sum + statSync(path).size, 0);
    assert.ok(octets < 300, `${octets} octets`);
  });

  it('refuses what no message is, and leaves out a record that is too large', async () => {
    const mailbox = (await place.open()).mailbox('INBOX', 1);
    for (const uid of [0, -1, 1.5, 2 ** 32, NaN])
      assert.throws(() => {
        mailbox.put([plain(uid)]);
      }, TypeError);
    assert.throws(() => {
      mailbox.put([{ ...message(1), fingerprint: Buffer.alloc(256) }]);
    }, TypeError);
    const largest = message(2, 'INBOX', 1024 * 1024);
    mailbox.put([message(1, 'INBOX', 1024 * 1024 + 1), largest]);
    assert.deepEqual(await loadAll(mailbox), byUID([largest]));
    await assert.rejects(openIndex(place.folder, 'alice', Buffer.alloc(16), SILENT), TypeError);
  });

  it('drops what comes faster than it can be written, with one warning', async () => {
    const index = await place.open({ limits: { waiting: 5000 } });
    const mailbox = index.mailbox('INBOX', 1);
    for (const known of messages(1, 100)) mailbox.put([known]);
    await index.flush();
    const { size } = await loadAll(mailbox);
    assert.ok(size > 2 && size < 20);
    assert.deepEqual(place.warnings, ['index not written: too much at once']);
    mailbox.put([message(200)]);
    await index.flush();
    assert.equal((await loadAll(mailbox)).size, size + 1);
  });
});

describe('finding by fingerprint', () => {
  it('finds a message in any mailbox, and where it was put last', async () => {
    const index = await place.open();
    index.mailbox('INBOX', 1).put([...messages(1, 500), { ...message(600), kind: 'unopened' }]);
    index.mailbox('Archive', 1).put(messages(1, 10, 'Archive'));
    await index.flush();
    for (const known of [...messages(1, 500), ...messages(1, 10, 'Archive')]) {
      assert.deepEqual(await index.byFingerprint(known.fingerprint), known);
    }
    assert.equal((await index.byFingerprint(message(600).fingerprint))?.kind, 'unopened');
    const copy = { ...message(5), uid: 77, record: Buffer.from('newer') };
    index.mailbox('Archive', 1).put([copy]);
    await index.flush();
    for (const reader of [index, await place.open()]) {
      assert.deepEqual(await reader.byFingerprint(message(5).fingerprint), copy);
    }
  });

  it('finds nothing for what was never put, or is something else by now', async () => {
    const index = await place.open();
    assert.equal(await index.byFingerprint(message(1).fingerprint), undefined);
    index.mailbox('INBOX', 1).put([message(1), plain(3)]);
    await index.flush();
    assert.equal(await index.byFingerprint(message(2).fingerprint), undefined);
    assert.equal(await index.byFingerprint(Buffer.alloc(0)), undefined);
    index.mailbox('INBOX', 1).put([plain(1)]);
    await index.flush();
    assert.equal(await index.byFingerprint(message(1).fingerprint), undefined);
  });

  it('works on under a new UIDVALIDITY, until the old one is forgotten', async () => {
    const index = await place.open();
    index.mailbox('INBOX', 1).put(messages(1, 20));
    index.mailbox('INBOX 2', 1).put(messages(1, 20, 'other'));
    await index.flush();
    const renewed = index.mailbox('INBOX', 2);
    renewed.put([{ ...message(1), uid: 1001 }]);
    await index.flush();
    assert.deepEqual(await index.byFingerprint(message(2).fingerprint), message(2));
    await renewed.forgetOthers();
    assert.equal(await index.byFingerprint(message(2).fingerprint), undefined);
    assert.equal((await index.byFingerprint(message(1).fingerprint))?.uid, 1001);
    assert.equal((await loadAll(index.mailbox('INBOX', 1))).size, 0);
    assert.equal((await loadAll(renewed)).size, 1);
    assert.equal((await loadAll(index.mailbox('INBOX 2', 1))).size, 20);
  });

  it('needs no table: what is in mailboxes stays when it is lost', async () => {
    const index = await place.open();
    index.mailbox('INBOX', 1).put(messages(1, 20));
    await index.close();
    rmSync(place.files().find((path) => path.endsWith('fingerprints')) ?? '');
    const again = await place.open();
    assert.equal(await again.byFingerprint(message(2).fingerprint), undefined);
    again.mailbox('INBOX', 1).put([message(2)]);
    await again.flush();
    assert.deepEqual(await again.byFingerprint(message(2).fingerprint), message(2));
    assert.equal((await loadAll(again.mailbox('INBOX', 1))).size, 20);
  });
});

describe('the files', () => {
  it('are for their owner alone, and no name leads out of the folder', async () => {
    for (const user of ['../../../etc/passwd', 'a/b', '.', '', 'alice@example.com']) {
      const index = await place.open({ user });
      index.mailbox('../../x', 1).put([message(1)]);
      await index.close();
    }
    const folder = join(place.folder, 'index');
    assert.deepEqual(readdirSync(place.folder), ['index']);
    assert.equal(readdirSync(folder).length, 5);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    for (const name of readdirSync(folder)) {
      assert.match(name, /^[0-9a-f]{32}$/);
      assert.equal(statSync(join(folder, name)).mode & 0o777, 0o700);
    }
    assert.equal(place.files().length, 15);
    for (const path of place.files()) assert.equal(statSync(path).mode & 0o777, 0o600, path);
  });

  it('have nothing readable of what was put', async () => {
    const canary = 'canary';
    const index = await place.open({ user: canary });
    const mailbox = index.mailbox(canary, 0x63616e61);
    for (let i = 0; i < 100; i++) {
      const fingerprint = Buffer.from(`${canary}${String(i).padStart(10, '0')}`);
      mailbox.put([{ uid: 0x63616e61 + i, kind: 'encrypted', fingerprint, record: Buffer.from(canary.repeat(20)) }]);
      await index.flush();
    }
    await index.close();
    assert.ok(place.files().length >= 3);
    for (const path of place.files()) {
      assert.doesNotMatch(path, /canary/);
      const octets = readFileSync(path);
      for (const text of ['cana', 'anac', 'anar', Buffer.from('canary').toString('base64')]) {
        assert.equal(octets.includes(text), false, path);
      }
      assert.equal(octets.includes(indexKey), false);
    }
  });

  it('join what came one by one', async () => {
    const index = await place.open();
    const mailbox = index.mailbox('INBOX', 1);
    const [path] = await (async () => {
      mailbox.put([message(1)]);
      await index.flush();
      return place.mailboxes();
    })();
    const sizes: number[] = [];
    for (let uid = 2; uid <= 200; uid++) {
      mailbox.put([message(uid), message(1)]);
      await index.flush();
      sizes.push(statSync(path ?? '').size);
    }
    assert.ok(sizes.some((size, i) => size < (sizes[i - 1] ?? 0)));
    assert.deepEqual(await loadAll(mailbox), byUID(messages(1, 200)));
    assert.deepEqual(await loadAll((await place.open()).mailbox('INBOX', 1)), byUID(messages(1, 200)));
    assert.deepEqual(await index.byFingerprint(message(100).fingerprint), message(100));
    assert.equal(place.files().length, 3);
  });

  it('stay below a limit: mailboxes not used for longest go, and of a large one what is old', async () => {
    const limits = { size: 200_000, written: 0 };
    const first = await place.open({ limits });
    for (const name of ['a', 'b', 'c']) {
      first.mailbox(name, 1).put(messages(1, 100, name));
      await first.flush();
      await setTimeout(20);
    }
    const second = await place.open({ limits });
    await loadAll(second.mailbox('a', 1));
    second.mailbox('d', 1).put(messages(1, 200, 'd'));
    await second.flush();
    const count = async (name: string): Promise<number> => (await loadAll(second.mailbox(name, 1))).size;
    assert.deepEqual([await count('a'), await count('b'), await count('c'), await count('d')], [100, 0, 0, 200]);
    second.mailbox('e', 1).put(messages(1, 1000, 'e'));
    await second.flush();
    const left = await loadAll(second.mailbox('e', 1));
    assert.equal(await count('d'), 0);
    assert.ok(left.size > 50 && left.size < 400, `${left.size}`);
    assert.deepEqual(left, byUID(messages(1001 - left.size, 1000, 'e')));
    assert.equal(await second.byFingerprint(message(1, 'd').fingerprint), undefined);
  });

  it('of another key or version are put aside, once, with one line', async () => {
    const index = await place.open();
    index.mailbox('INBOX', 1).put(messages(1, 5));
    await index.close();
    const key = Buffer.alloc(32, 8);
    const other = await place.open({ key });
    assert.deepEqual(place.warnings, ['index put aside']);
    assert.equal((await loadAll(other.mailbox('INBOX', 1))).size, 0);
    assert.ok(place.files().some((path) => path.includes('.aside/')));
    other.mailbox('INBOX', 1).put([message(1)]);
    await other.close();
    const again = await place.open({ key });
    assert.equal(place.warnings.length, 1);
    assert.equal((await loadAll(again.mailbox('INBOX', 1))).size, 1);
    for (const check of ['postern index 2 xyz\n', '', 'damaged']) {
      const path = place.files().find((file) => file.endsWith('check') && !file.includes('.aside/')) ?? '';
      writeFileSync(path, check);
      assert.equal((await loadAll((await place.open({ key })).mailbox('INBOX', 1))).size, 0);
    }
    assert.equal(place.warnings.length, 4);
    assert.equal(readdirSync(join(place.folder, 'index')).length, 2);
  });

  it('may be removed at any time', async () => {
    const index = await place.open();
    const mailbox = index.mailbox('INBOX', 1);
    mailbox.put(messages(1, 50));
    await index.flush();
    await loadAll(mailbox);
    await index.byFingerprint(message(1).fingerprint);
    rmSync(join(place.folder, 'index'), { recursive: true });
    assert.equal((await loadAll(mailbox)).size, 0);
    await mailbox.forgetOthers();
    mailbox.put(messages(1, 10));
    await index.flush();
    assert.deepEqual(await loadAll(mailbox), byUID(messages(1, 10)));
    assert.deepEqual(await loadAll((await place.open()).mailbox('INBOX', 1)), byUID(messages(1, 10)));
    assert.deepEqual(place.warnings, []);
  });
});

describe('an index that does not work', () => {
  const uses = async (index: Awaited<ReturnType<typeof place.open>>): Promise<void> => {
    const mailbox = index.mailbox('INBOX', 1);
    for (let i = 0; i < 3; i++) {
      mailbox.put(messages(1, 50));
      await index.flush();
      assert.equal((await loadAll(mailbox)).size, 0);
      assert.equal(await index.byFingerprint(message(1).fingerprint), undefined);
      await mailbox.forgetOthers();
    }
  };

  it('knows nothing, where its folder cannot be', async () => {
    writeFileSync(join(place.folder, 'index'), '');
    await uses(await place.open());
    assert.equal(place.warnings.length, 1);
    assert.match(place.warnings[0] ?? '', /^index unusable: E/);
  });

  it('knows nothing, where a file cannot be written or read, and says each once', async () => {
    const probe = await place.open();
    probe.mailbox('INBOX', 1).put([message(1)]);
    await probe.flush();
    const [path = ''] = place.mailboxes();
    rmSync(path);
    mkdirSync(path);
    await uses(await place.open());
    assert.deepEqual(place.warnings, ['index not written: EISDIR', 'index not read: EISDIR']);
  });

  it('writes again some time after an error', async () => {
    const index = await place.open({ limits: { pause: 100 } });
    const mailbox = index.mailbox('INBOX', 1);
    mailbox.put([message(1)]);
    await index.flush();
    const [path = ''] = place.mailboxes();
    rmSync(path);
    mkdirSync(path);
    mailbox.put([message(2)]);
    await index.flush();
    rmSync(path, { recursive: true });
    mailbox.put([message(3)]);
    await index.flush();
    assert.equal((await loadAll(mailbox)).size, 0);
    await setTimeout(150);
    mailbox.put([message(4)]);
    await index.flush();
    assert.deepEqual(await loadAll(mailbox), byUID([message(4)]));
    assert.deepEqual(place.warnings, ['index not written: EISDIR']);
  });

  it('still reads in a folder that is read-only', async () => {
    const probe = await place.open();
    probe.mailbox('INBOX', 1).put([message(1)]);
    await probe.close();
    const [first = ''] = place.files();
    for (const path of place.files()) chmodSync(path, 0o400);
    chmodSync(dirname(first), 0o500);
    const leave = beOrdinary([place.folder, dirname(dirname(first)), dirname(first), ...place.files()]);
    try {
      const index = await place.open();
      index.mailbox('INBOX', 1).put([message(2)]);
      index.mailbox('other', 1).put([message(2)]);
      await index.flush();
      assert.deepEqual(await loadAll(index.mailbox('INBOX', 1)), byUID([message(1)]));
      assert.deepEqual(await index.byFingerprint(message(1).fingerprint), message(1));
      assert.deepEqual(place.warnings, ['index not written: EACCES']);
    } finally {
      leave();
      chmodSync(dirname(first), 0o700);
    }
  });

  it('is silent once it is closed, and has written all before', async () => {
    const key = Buffer.from(indexKey);
    const index = await place.open({ key });
    key.fill(0);
    const mailbox = index.mailbox('INBOX', 1);
    mailbox.put(messages(1, 1000));
    await index.close();
    mailbox.put([message(2000)]);
    await index.flush();
    await index.close();
    assert.equal((await loadAll(mailbox)).size, 0);
    assert.equal(await index.byFingerprint(message(1).fingerprint), undefined);
    assert.deepEqual(await loadAll((await place.open()).mailbox('INBOX', 1), ALL), byUID(messages(1, 1000)));
    assert.deepEqual(place.warnings, []);
  });
});

/** The superuser may write everywhere. Gives these paths to somebody who may not, and goes on as that user until the result is called. */
function beOrdinary(paths: readonly string[]): () => void {
  const { seteuid } = process;
  if (process.geteuid?.() !== 0 || seteuid === undefined) return () => undefined;
  const nobody = 65534;
  for (const path of paths) chownSync(path, nobody, nobody);
  seteuid(nobody);
  return () => {
    seteuid(0);
  };
}

function series(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function sorted(numbers: Iterable<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}
