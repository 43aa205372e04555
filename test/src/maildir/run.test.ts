import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { OpenPGPError } from '#lib/openpgp/error';
import { type ByteStream, slices } from '#lib/bytes/source';
import { parseName, sizeField } from '#src/maildir/name';
import type { Conversion } from '#src/maildir/replace';
import { exitCodeOf, runConversion } from '#src/maildir/run';
import { files, maildir, opening, put, sealing, unsealed } from './toy.js';

const LF_MESSAGE = 'Subject: one\n\nhello\nworld\n';
const CRLF_MESSAGE = 'Subject: two\r\n\r\nhello\r\nbare\nworld\r\n';

describe('a run over a Maildir', () => {
  it('converts every message of every folder, keeping flags, times and mode, and back again', async (context) => {
    const originals = {
      'cur/1640995200.M1P1.host,S=26,W=30:2,FSa': LF_MESSAGE,
      'new/1640995201.M2P1.host': CRLF_MESSAGE,
      'cur/1640995202.M3P1.host:2,': '',
      '.Sent/cur/1640995203.M4P1.host:2,S': LF_MESSAGE,
      '.Archive.2024/new/1640995204.M5P1.host': LF_MESSAGE,
      'mailboxes/Work/Old/cur/1640995205.M6P1.host:2,T': CRLF_MESSAGE,
    };
    const root = maildir(context, originals);
    for (const path of Object.keys(originals)) chmodSync(join(root, path), 0o640);
    const others = {
      'dovecot-uidlist': '3 V1 N2\n',
      'cur/.hidden': 'x',
      '.Sent/maildirfolder': '',
      'tmp/1.other': 'y',
    };
    for (const [path, content] of Object.entries(others)) writeFileSync(join(root, path), content);

    const sealed = await runConversion({ root, conversion: sealing });
    assert.deepEqual(sealed.converted, { messages: 6, octets: 3 * LF_MESSAGE.length + 2 * CRLF_MESSAGE.length });
    assert.equal(exitCodeOf(sealed), 0);
    const after = files(root);
    assert.equal(after.size, Object.keys({ ...originals, ...others }).length);
    for (const [path, content] of Object.entries(others)) assert.equal(after.get(path)?.toString(), content);
    for (const [path, content] of Object.entries(originals)) {
      const name = parseName(path);
      const now = [...after.keys()].find((key) => key.startsWith(`${name.base}.postern-`));
      assert.ok(now !== undefined, path);
      const bytes = after.get(now) ?? Buffer.alloc(0);
      assert.equal(unsealed(bytes).toString(), content);
      assert.equal(parseName(now).info, name.info);
      assert.equal(sizeField(parseName(now), 'S'), bytes.length);
      assert.equal(sizeField(parseName(now), 'W'), bytes.toString('latin1').replaceAll(/\r?\n/g, '\r\n').length);
      const { mtimeMs, mode } = statSync(join(root, now));
      assert.equal(mtimeMs, 1640995200750);
      assert.equal(mode & 0o7777, 0o640);
    }

    const again = await runConversion({ root, conversion: sealing });
    assert.deepEqual([again.converted.messages, again.skipped.messages], [0, 6]);
    assert.deepEqual(files(root), after);

    await runConversion({ root, conversion: opening });
    const back = files(root);
    assert.equal(back.size, after.size);
    for (const [path, content] of Object.entries(originals)) {
      const now = [...back].find(([key]) => key.startsWith(`${parseName(path).base}.postern-`));
      assert.ok(now !== undefined && !after.has(now[0]), 'a name is not used twice');
      assert.equal(now[1].toString(), content);
      assert.equal(parseName(now[0]).info, parseName(path).info);
    }
  });

  it('keeps to the folders that are named', async (context) => {
    const root = maildir(context, {
      'cur/1.a:2,': 'a',
      '.Archive.2024/cur/2.b:2,': 'b',
      '.Entw&APw-rfe/cur/3.c:2,': 'c',
      'fs/Work/cur/4.d:2,': 'd',
    });
    for (const [name, base] of [
      ['inbox', '1.a'],
      ['Archive/2024', '2.b'],
      ['Entwürfe', '3.c'],
      ['fs/Work', '4.d'],
    ] as const) {
      const { converted } = await runConversion({ root, names: [name], conversion: sealing });
      assert.equal(converted.messages, 1, name);
      assert.ok([...files(root).keys()].some((path) => path.includes(`${base}.postern-`)));
    }
    await assert.rejects(runConversion({ root, names: ['Trash'], conversion: sealing }), {
      exitCode: 66,
      message: /no folder “Trash”. It has: INBOX, Archive.2024, Entwürfe, fs\/Work/,
    });
  });

  it('says so where there is no Maildir', async (context) => {
    const root = maildir(context, {});
    await assert.rejects(runConversion({ root: join(root, 'tmp'), conversion: sealing }), { exitCode: 66 });
    await assert.rejects(runConversion({ root: join(root, 'none'), conversion: sealing }), { code: 'ENOENT' });
  });

  it('follows no symbolic link', async (context) => {
    const elsewhere = maildir(context, { 'cur/9.z:2,': 'z' });
    const root = maildir(context, { 'cur/1.a:2,': 'a' });
    symlinkSync(elsewhere, join(root, '.Linked'));
    symlinkSync(join(elsewhere, 'cur/9.z:2,'), join(root, 'cur/2.b:2,'));
    mkdirSync(join(root, '.Half'));
    symlinkSync(join(elsewhere, 'cur'), join(root, '.Half/cur'));
    const { converted, links, failures } = await runConversion({ root, conversion: sealing });
    assert.equal(converted.messages, 1);
    assert.deepEqual(failures, []);
    assert.deepEqual([...links].sort(), ['.Half/cur', '.Linked']);
    assert.deepEqual(files(elsewhere), new Map([['cur/9.z:2,', Buffer.from('z')]]));
  });

  it('changes nothing in a dry run', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': 'a', 'tmp/postern-maildir.1.0': 'left' });
    rmSync(join(root, 'new'), { recursive: true });
    const before = files(root);
    const { converted } = await runConversion({ root, conversion: sealing, dryRun: true });
    assert.equal(converted.messages, 1);
    assert.deepEqual(files(root), before);
  });

  it('makes the folder “tmp” where it is missing', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': 'a' });
    rmSync(join(root, 'tmp'), { recursive: true });
    assert.equal((await runConversion({ root, conversion: sealing })).converted.messages, 1);
  });

  it('converts what is delivered or moved to another folder while it runs', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': 'a', '.Sent/cur/2.b:2,': 'b' });
    let delivered = false;
    const conversion: Conversion = {
      convert: (message) => {
        if (!delivered) put(root, 'new/3.c', 'c');
        delivered = true;
        return sealing.convert(message);
      },
    };
    const { converted } = await runConversion({ root, conversion });
    assert.equal(converted.messages, 3);
  });
});

describe('a message that fails', () => {
  const failing = (error: Error): Conversion => ({
    convert: async (message) => {
      const done = await sealing.convert(message);
      return done === 'skip' || message.size !== 4 ? done : { stream: () => breakOff(error) };
    },
  });

  async function* breakOff(error: Error): ByteStream & AsyncGenerator<Buffer, void> {
    yield* slices(Buffer.from('half of it'));
    throw error;
  }

  it('is left as it was and named, and the rest goes on', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': 'good', 'cur/2.b:2,': 'others', '.Sent/cur/3.c:2,S': 'fine!' });
    const result = await runConversion({ root, conversion: failing(new OpenPGPError('malformed', 'No message.')) });
    assert.equal(result.converted.messages, 2);
    assert.deepEqual(result.failures, [{ file: 'cur/1.a:2,', reason: 'No message.', exitCode: 65 }]);
    assert.equal(exitCodeOf(result), 65);
    assert.equal(files(root).get('cur/1.a:2,')?.toString(), 'good');
    assert.equal(files(root).size, 3, 'nothing is left in tmp');
  });

  it('for want of space gives 75, and after ten in a row the run ends', async (context) => {
    const messages = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`cur/${i}.a:2,`, 'good']));
    const root = maildir(context, messages);
    const full = Object.assign(new Error('ENOSPC: no space left on device, write /proc/self/fd/9/x'), {
      code: 'ENOSPC',
      errno: -28,
      syscall: 'write',
    });
    const result = await runConversion({ root, conversion: failing(full) });
    assert.equal(result.unfinished, 'full');
    assert.ok(result.failures.length >= 10 && result.failures.length < 20, String(result.failures.length));
    assert.equal(result.failures[0]?.reason, 'no space left on device (ENOSPC). Make room and try again.');
    assert.equal(exitCodeOf(result), 75);
    assert.deepEqual(files(root), new Map(Object.entries(messages).map(([path, text]) => [path, Buffer.from(text)])));
  });

  it('when it is verified is left as it was', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': 'good' });
    const verify = (): Promise<void> => Promise.reject(new OpenPGPError('mdc-mismatch', 'Damaged on the way.'));
    const result = await runConversion({ root, conversion: { ...sealing, verify } });
    assert.equal(result.failures.length, 1);
    assert.deepEqual([...files(root).keys()], ['cur/1.a:2,']);
  });

  it('when fewer octets come than were announced is left as it was', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': 'good' });
    const conversion: Conversion = {
      convert: () => Promise.resolve({ size: 5, stream: () => slices(Buffer.from('four')) }),
    };
    const result = await runConversion({ root, conversion });
    assert.match(result.failures[0]?.reason ?? '', /4 octets long where 5 were announced/);
    assert.deepEqual([...files(root).keys()], ['cur/1.a:2,']);
  });

  it('because it may not be read gives 75', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': 'secret', 'cur/2.b:2,': 'open' });
    // Root may read everything, so it is another user for this test.
    if (process.geteuid?.() === 0) for (const path of ['', 'cur', 'new', 'tmp', 'cur/2.b:2,']) give(root, path);
    chmodSync(join(root, 'cur/1.a:2,'), 0);
    const result = await asOther(() => runConversion({ root, conversion: sealing }));
    assert.deepEqual(
      result.failures.map(({ reason }) => reason),
      ['permission denied (EACCES). Check its permissions, and those of the folders above it.'],
    );
    assert.equal(result.converted.messages, 1);
    assert.equal(exitCodeOf(result), 75);
  });

  it('because Dovecot has compressed or encrypted it is left as it was', async (context) => {
    const messages = {
      'cur/1.a:2,': Buffer.from('1f8b0800', 'hex'),
      'cur/2.b:2,': Buffer.from('CRYPTED\x03\x07\x02', 'latin1'),
    };
    const root = maildir(context, messages);
    const result = await runConversion({ root, conversion: sealing });
    // Several messages are under way at once, so that the order is nobody's promise.
    const [first = '', second = ''] = result.failures.map(({ reason }) => reason).sort();
    assert.match(first, /compressed \(gzip\)/);
    assert.match(second, /mail-crypt/);
    assert.deepEqual(files(root), new Map(Object.entries(messages)));
  });

  it('because its owner cannot be kept is left as it was', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': 'readable' });
    // Only root can make a file of another owner.
    if (process.geteuid?.() !== 0) return;
    for (const path of ['', 'cur', 'new', 'tmp']) give(root, path);
    const result = await asOther(() => runConversion({ root, conversion: sealing }));
    assert.match(result.failures[0]?.reason ?? '', /belongs to another user/);
    assert.deepEqual([...files(root).keys()], ['cur/1.a:2,']);
  });

  it('keeps its owner when root converts it', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': 'readable' });
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) give(root, 'cur/1.a:2,');
    const { uid, gid } = statSync(join(root, 'cur/1.a:2,'));
    assert.equal((await runConversion({ root, conversion: sealing })).converted.messages, 1);
    const [path = ''] = files(root).keys();
    const now = statSync(join(root, path));
    assert.deepEqual([now.uid, now.gid], [uid, gid]);
  });
});

/** Another user than root. */
const OTHER = 65534;

function give(root: string, path: string): void {
  chownSync(join(root, path), OTHER, OTHER);
}

/** Does something as another user where we are root; any other user may just as little. */
async function asOther<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  process.setegid?.(OTHER);
  process.seteuid?.(OTHER);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

describe('a huge message', () => {
  it('streams: memory does not grow with it', async (context) => {
    const root = maildir(context, { 'cur/1.a:2,': '' });
    truncateSync(join(root, 'cur/1.a:2,'), 256 * 1024 * 1024);
    const before = process.memoryUsage().rss;
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 10);
    const conversion: Conversion = {
      convert: (message) => Promise.resolve({ size: message.size, stream: () => message.stream() }),
    };
    try {
      const result = await runConversion({ root, conversion });
      assert.equal(result.converted.messages, 1);
    } finally {
      clearInterval(watch);
    }
    assert.ok(peak - before < 60 * 1024 * 1024, `${peak - before} octets`);
  });
});
