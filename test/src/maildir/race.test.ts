import assert from 'node:assert/strict';
import {
  linkSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Directory } from '#src/maildir/directory';
import { LOCK_NAME, lockFolder } from '#src/maildir/lock';
import { type Entry, Mailbox } from '#src/maildir/mailbox';
import { type Conversion, type Outcome, replaceMessage } from '#src/maildir/replace';
import { runConversion } from '#src/maildir/run';
import { files, maildir, sealing, unsealed } from './toy.js';

/**
 * Converts the only message of a Maildir while something else happens: before the message is read, before the new form arrives,
 * or after that and before the original goes.
 */
async function convertWhile(
  context: TestContext,
  path: 'cur/1.a:2,' | 'cur/1.a:2,FS' | 'new/1.a',
  moment: 'open' | 'verify' | 'sync',
  happens: (root: string) => void,
): Promise<{ readonly outcome: Outcome; readonly after: Map<string, Buffer> }> {
  const root = maildir(context, { [path]: 'text' });
  const top = await Directory.open(root);
  const mailbox = await Mailbox.open(top, { name: 'INBOX', path: '' });
  try {
    const [entry] = await mailbox.list();
    assert.ok(entry !== undefined);
    if (moment === 'open') happens(root);
    const sync = mailbox.sync.bind(mailbox);
    let first = true;
    mailbox.sync = (where) => {
      if (moment === 'sync' && first) happens(root);
      first = false;
      return sync(where);
    };
    const verify = (): Promise<void> => {
      if (moment === 'verify') happens(root);
      return Promise.resolve();
    };
    return {
      outcome: await replaceMessage(mailbox, entry, { conversion: { ...sealing, verify } }),
      after: files(root),
    };
  } finally {
    await mailbox.close();
    await top.close();
  }
}

const ours = (root: string, where: string): string =>
  readdirSync(join(root, where)).find((name) => name.includes('.postern-')) ?? '';

for (const moment of ['open', 'verify', 'sync'] as const) {
  describe(`while a message is converted (${moment})`, () => {
    it('a client changes its flags: the new one has them', async (context) => {
      const { outcome, after } = await convertWhile(context, 'cur/1.a:2,', moment, (root) => {
        renameSync(join(root, 'cur/1.a:2,'), join(root, 'cur/1.a:2,FS'));
      });
      assert.equal(outcome.kind, 'converted');
      const [[path, bytes] = ['', Buffer.alloc(0)], ...more] = after;
      assert.deepEqual(more, []);
      assert.match(path, /^cur\/1\.a\.postern-.*:2,FS$/);
      assert.equal(unsealed(bytes).toString(), 'text');
    });

    it('Dovecot moves it from new to cur: the new one is in cur', async (context) => {
      const { outcome, after } = await convertWhile(context, 'new/1.a', moment, (root) => {
        renameSync(join(root, 'new/1.a'), join(root, 'cur/1.a:2,S'));
      });
      assert.equal(outcome.kind, 'converted');
      assert.equal(after.size, 1);
      assert.match([...after.keys()][0] ?? '', /^cur\/1\.a\.postern-.*:2,S$/);
    });

    it('somebody deletes it: it does not come back', async (context) => {
      const { outcome, after } = await convertWhile(context, 'cur/1.a:2,', moment, (root) => {
        unlinkSync(join(root, 'cur/1.a:2,'));
      });
      assert.equal(outcome.kind, 'gone');
      assert.deepEqual([...after], []);
    });
  });
}

describe('after the new form has arrived', () => {
  it('Dovecot moves both from new to cur', async (context) => {
    const { outcome, after } = await convertWhile(context, 'new/1.a', 'sync', (root) => {
      const name = ours(root, 'new');
      renameSync(join(root, 'new', name), join(root, 'cur', `${name}:2,`));
      renameSync(join(root, 'new/1.a'), join(root, 'cur/1.a:2,S'));
    });
    assert.equal(outcome.kind, 'converted');
    assert.equal(after.size, 1);
    assert.match([...after.keys()][0] ?? '', /^cur\/1\.a\.postern-.*:2,S$/);
  });

  it('a client changes the flags of the new one', async (context) => {
    const { outcome, after } = await convertWhile(context, 'cur/1.a:2,', 'sync', (root) => {
      renameSync(join(root, 'cur', ours(root, 'cur')), join(root, 'cur', `${ours(root, 'cur')}R`));
    });
    assert.equal(outcome.kind, 'converted');
    assert.equal(after.size, 1);
    assert.match([...after.keys()][0] ?? '', /:2,R$/);
  });

  it('clients change the flags of both: the new one has every change', async (context) => {
    const { after } = await convertWhile(context, 'cur/1.a:2,FS', 'sync', (root) => {
      renameSync(join(root, 'cur', ours(root, 'cur')), join(root, 'cur', `${ours(root, 'cur').replace(/FS$/, '')}RS`));
      renameSync(join(root, 'cur/1.a:2,FS'), join(root, 'cur/1.a:2,FT'));
    });
    assert.equal(after.size, 1);
    assert.match([...after.keys()][0] ?? '', /\.postern-.*:2,RT$/);
  });

  it('another message takes the name of the original: it stays', async (context) => {
    const { outcome, after } = await convertWhile(context, 'cur/1.a:2,', 'sync', (root) => {
      writeFileSync(join(root, 'tmp/another'), 'another');
      renameSync(join(root, 'tmp/another'), join(root, 'cur/1.a:2,'));
    });
    assert.equal(outcome.kind, 'gone');
    assert.deepEqual([...after], [['cur/1.a:2,', Buffer.from('another')]]);
  });
});

describe('a message that is renamed during the listing, and so stands in it twice', () => {
  /** Lists what is in `cur`, and in front of it the original once more, as it was before Dovecot moved it. */
  function listTwice(context: TestContext, root: string, again: Entry): void {
    context.mock.method(Mailbox.prototype, 'list', () => {
      const entries = readdirSync(join(root, 'cur')).map((name): Entry => ({ where: 'cur', name }));
      return Promise.resolve([again, ...entries]);
    });
  }

  it('is converted once, and is not lost', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': 'text' });
    listTwice(context, root, { where: 'new', name: '1.a' });
    let conversions = 0;
    const conversion: Conversion = {
      convert: async (message) => {
        conversions++;
        // Time enough for another lane to come here with the same message.
        await pause(50);
        return sealing.convert(message);
      },
    };
    const { converted, failures } = await runConversion({ root, conversion });
    assert.deepEqual([conversions, converted.messages, failures], [1, 1, []]);
    assert.deepEqual(
      [...files(root).values()].map((bytes) => unsealed(bytes).toString()),
      ['text'],
    );
  });

  it('is finished once after a killed run, and is not lost', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': 'text' });
    linkSync(join(root, 'cur/1.a:2,'), join(root, 'tmp/original'));
    await runConversion({ root, conversion: sealing });
    renameSync(join(root, 'tmp/original'), join(root, 'cur/1.a:2,'));
    listTwice(context, root, { where: 'cur', name: '1.a:2,' });
    const { converted } = await runConversion({ root, conversion: sealing });
    assert.equal(converted.messages, 1);
    assert.deepEqual(
      [...files(root).values()].map((bytes) => unsealed(bytes).toString()),
      ['text'],
    );
  });
});

describe('the lock', () => {
  it('keeps a second run away, also from a folder below', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': 'a', '.Sent/cur/2.b:2,': 'b' });
    const top = await Directory.open(root);
    const unlock = await lockFolder(top, root);
    await assert.rejects(runConversion({ root, conversion: sealing }), { exitCode: 75, message: /Another run/ });
    await unlock();
    const sent = await Directory.open(join(root, '.Sent'));
    const unlockSent = await lockFolder(sent, '.Sent');
    const { converted, failures } = await runConversion({ root, conversion: sealing });
    assert.equal(converted.messages, 1);
    assert.deepEqual(
      failures.map(({ file, exitCode }) => [file, exitCode]),
      [['.Sent', 75]],
    );
    await unlockSent();
    await sent.close();
    await top.close();
    assert.deepEqual([...locks(root), ...locks(join(root, '.Sent'))], []);
  });

  const dead = `${hostname()}|${2 ** 22 + 1}|then|token`;
  for (const [what, target] of [
    ['a dead process', dead],
    ['a process whose number another has now', `${hostname()}|${process.pid}|then|token`],
  ] as const) {
    it(`of ${what} is taken over, by one of several`, async (context) => {
      const root = maildir(context, {});
      symlinkSync(target, join(root, LOCK_NAME));
      const top = await Directory.open(root);
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(top, root)));
      const won = tries.filter((one) => one.status === 'fulfilled');
      assert.equal(won.length, 1);
      await won[0]?.value();
      await top.close();
      assert.deepEqual(locks(root), []);
    });
  }

  it('is taken over after any number of deaths, the last one of which counts', async (context) => {
    const root = maildir(context, {});
    const top = await Directory.open(root);
    symlinkSync(dead, join(root, LOCK_NAME));
    for (let deaths = 1; deaths < 4; deaths++) {
      await lockFolder(top, root);
      assert.equal(locks(root).length, deaths + 1);
      await assert.rejects(lockFolder(top, root), { message: new RegExp(`process ${process.pid} `) });
      const last = locks(root).find((name) => readlinkSync(join(root, name)).includes(`|${process.pid}|`)) ?? '';
      rmSync(join(root, last));
      symlinkSync(`${dead}${deaths}`, join(root, last));
    }
    await (
      await lockFolder(top, root)
    )();
    assert.deepEqual(locks(root), []);
    await top.close();
  });

  it('clears away what a run has left that was killed while it removed its own', async (context) => {
    const root = maildir(context, {});
    symlinkSync(dead, join(root, `${LOCK_NAME}.0123456789abcdef`));
    await runConversion({ root, conversion: sealing });
    assert.deepEqual(locks(root), []);
  });

  it('goes to one at a time, however many want it and however often', async (context) => {
    const root = maildir(context, {});
    const top = await Directory.open(root);
    symlinkSync(dead, join(root, LOCK_NAME));
    let holders = 0;
    let turns = 0;
    const want = async (): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        const unlock = await lockFolder(top, root).catch(() => undefined);
        if (unlock === undefined) continue;
        assert.equal(++holders, 1);
        turns++;
        await pause(1);
        holders--;
        await unlock();
      }
    };
    await Promise.all(Array.from({ length: 6 }, want));
    assert.ok(turns > 6);
    assert.deepEqual(locks(root), []);
    await top.close();
  });

  it('of another host is respected', async (context) => {
    const root = maildir(context, {});
    symlinkSync('elsewhere.example|1||token', join(root, LOCK_NAME));
    await assert.rejects(runConversion({ root, conversion: sealing }), { message: /on elsewhere\.example/ });
  });
});

const locks = (root: string): string[] => readdirSync(root).filter((name) => name.includes('.lock'));
