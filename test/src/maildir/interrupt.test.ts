import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { linkSync, mkdtempSync, readdirSync, renameSync, rmSync, truncateSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseName } from '#src/maildir/name';
import type { Conversion } from '#src/maildir/replace';
import { exitCodeOf, runConversion } from '#src/maildir/run';
import { files, maildir, opening, put, sealing, unsealed } from './toy.js';

const CHILD = join(dirname(fileURLToPath(import.meta.url)), 'child.js');

/** Starts a run and kills it after some milliseconds. Says whether it had ended by itself. */
async function runAndKill(root: string, direction: string, after: number): Promise<boolean> {
  const child = spawn(process.execPath, [CHILD, root, direction], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await pause(after);
  child.kill('SIGKILL');
  return (await ended) === 0;
}

describe('a run that is killed at any moment', () => {
  it('and started again until it is done leaves every message once', async (context) => {
    const root = maildir(context, {});
    const texts: string[] = [];
    for (let i = 0; i < 240; i++) {
      const text = `Subject: ${i}\n\n${'text\n'.repeat((i * 37) % 500)}`;
      texts.push(text);
      put(
        root,
        `${['', '.Sent/', 'fs/Work/'][i % 3] ?? ''}cur/${1640995200 + i}.M${i}.host,S=${text.length}:2,S`,
        text,
      );
    }
    for (const direction of ['seal', 'open']) {
      let kills = 0;
      while (!(await runAndKill(root, direction, Math.random() * 120))) if (++kills > 12) break;
      const { failures } = await runConversion({ root, conversion: direction === 'seal' ? sealing : opening });
      assert.deepEqual(failures, []);
      const after = [...files(root)];
      const contents = after.map(([, bytes]) => (direction === 'seal' ? unsealed(bytes) : bytes).toString());
      assert.equal(contents.length, texts.length);
      assert.ok(contents.sort().join() === [...texts].sort().join(), 'every message is there once');
      assert.ok(!readdirSync(root, { recursive: true }).some((name) => String(name).includes('.lock')));
      assert.ok(
        after.every(([path]) =>
          /^(|\.Sent\/|fs\/Work\/)cur\/\d+\.M\d+\.host\.postern-[0-9a-f]{16},S=\d+,W=\d+:2,S$/.test(path),
        ),
      );
    }
  });
});

/** The state after a kill between the arrival of the new form and the removal of the original. */
async function killedBetween(context: TestContext, conversion: Conversion = sealing): Promise<string> {
  const root = maildir(context, { 'cur/1.a.host:2,S': 'the message' });
  // A second link keeps the original with its inode, from which the new name follows.
  const aside = mkdtempSync(join(root, '..', 'postern-maildir-aside-'));
  linkSync(join(root, 'cur/1.a.host:2,S'), join(aside, 'original'));
  await runConversion({ root, conversion });
  renameSync(join(aside, 'original'), join(root, 'cur/1.a.host:2,S'));
  rmSync(aside, { recursive: true });
  assert.equal(readdirSync(join(root, 'cur')).length, 2);
  return root;
}

function successor(root: string): string {
  return readdirSync(join(root, 'cur')).find((name) => name.includes('.postern-')) ?? '';
}

describe('a message that a killed run has left in both forms', () => {
  it('loses its original in the next run', async (context) => {
    const root = await killedBetween(context);
    const done = await runConversion({ root, conversion: sealing });
    assert.equal(done.converted.messages, 1);
    const [[path, bytes] = ['', Buffer.alloc(0)], ...more] = files(root);
    assert.deepEqual(more, []);
    assert.match(path, /1\.a\.host\.postern-[0-9a-f]{16},S=\d+,W=\d+:2,S$/);
    assert.equal(unsealed(bytes).toString(), 'the message');
  });

  it('keeps the flags that a client has given to either', async (context) => {
    const root = await killedBetween(context);
    renameSync(join(root, 'cur/1.a.host:2,S'), join(root, 'cur/1.a.host:2,RS'));
    renameSync(join(root, 'cur', successor(root)), join(root, 'cur', `${successor(root)}T`));
    await runConversion({ root, conversion: sealing });
    assert.deepEqual(
      [...files(root).keys()].map((path) => parseName(path).info),
      [':2,RST'],
    );
  });

  it('loses the new form where that is damaged, and is converted again', async (context) => {
    const root = await killedBetween(context);
    truncateSync(join(root, 'cur', successor(root)), 40);
    await runConversion({ root, conversion: sealing });
    const [[, bytes] = ['', Buffer.alloc(0)], ...more] = files(root);
    assert.deepEqual(more, []);
    assert.equal(unsealed(bytes).toString(), 'the message');
  });

  it('loses the new form where the next run goes the other way', async (context) => {
    const root = await killedBetween(context);
    await runConversion({ root, conversion: opening });
    assert.deepEqual(files(root), new Map([['cur/1.a.host:2,S', Buffer.from('the message')]]));
  });

  it('is not mixed up with another of the same unique part', async (context) => {
    const root = await killedBetween(context);
    unlinkSync(join(root, 'cur/1.a.host:2,S'));
    put(root, 'cur/1.a.host:2,S', 'another message');
    await runConversion({ root, conversion: sealing });
    const contents = [...files(root).values()].map((bytes) => unsealed(bytes).toString());
    assert.deepEqual(contents.sort(), ['another message', 'the message']);
  });
});

describe('what a killed run has left in tmp', () => {
  it('goes with the next run, and nothing of others', async (context) => {
    const root = maildir(context, {
      'tmp/postern-maildir.123.0': 'plaintext',
      'tmp/1640995200.M1P1.host': 'a delivery',
    });
    await runConversion({ root, conversion: sealing });
    assert.deepEqual([...files(root).keys()], ['tmp/1640995200.M1P1.host']);
  });
});

describe('an interrupt', () => {
  it('ends the run between two messages or within one, with nothing left', async (context) => {
    const messages = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`cur/${100 + i}.a:2,`, `message ${i}`]));
    const root = maildir(context, messages);
    const abort = new AbortController();
    let count = 0;
    const conversion: Conversion = {
      convert: (message) => {
        if (++count === 10) abort.abort();
        return sealing.convert(message);
      },
    };
    const result = await runConversion({ root, conversion, signal: abort.signal });
    assert.equal(result.unfinished, 'interrupted');
    assert.equal(exitCodeOf(result), 75);
    assert.deepEqual(result.failures, []);
    assert.ok(result.converted.messages < 12);
    const after = files(root);
    assert.equal(after.size, 30);
    assert.ok([...after.keys()].every((path) => path.startsWith('cur/')));
    const rest = await runConversion({ root, conversion: sealing });
    assert.equal(rest.converted.messages + result.converted.messages, 30);
  });
});
