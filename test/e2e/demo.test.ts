import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Login, saveAndRead } from '#test/demo/client';
import { ATTACHMENT, GUEST_LIST, SUBJECT, message } from '#test/demo/message';

/** Milliseconds for the demo to show all that it shows, on a machine that is busy with other tests. */
const LIMIT = 60_000;

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
}

describe('the demo', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-demo-test-'));
    // The provider serves as another user where root starts it.
    chmodSync(folder, 0o755);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const start = (...args: readonly string[]): Running => {
    const env = { ...process.env, TMPDIR: folder };
    const child = spawn(process.execPath, ['dist/test/demo/main.js', ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    return { child, output: () => output };
  };

  const until = async (holds: () => boolean): Promise<boolean> => {
    const end = Date.now() + LIMIT;
    while (!holds() && Date.now() < end) await sleep(100);
    return holds();
  };

  const waiting = async (): Promise<Running> => {
    const demo = start();
    const waits = (): boolean => demo.output().includes('Ctrl-C ends the demo');
    assert.ok((await until(() => waits() || demo.child.exitCode !== null)) && waits(), demo.output());
    return demo;
  };

  /** Files below the folder, and processes that were started with its name. */
  const left = (): string[] => [
    ...readdirSync(folder),
    ...readdirSync('/proc').filter((name) => {
      try {
        return /^\d+$/.test(name) && readFileSync(join('/proc', name, 'cmdline'), 'latin1').includes(folder);
      } catch {
        // It has ended meanwhile.
        return false;
      }
    }),
  ];

  it('shows what the provider holds and what a mail program sees, ends with --once and leaves nothing', async () => {
    const { child, output } = start('--once');
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.equal(code, 0, output());
    for (const line of [
      /^ {2}Subject: \[\.\.\.\]$/m,
      /^ {2}-----BEGIN PGP MESSAGE-----$/m,
      new RegExp(`^  Subject: ${SUBJECT}$`, 'm'),
      new RegExp(`^  Attachment: ${ATTACHMENT}, ${GUEST_LIST.length} octets$`, 'm'),
      /^ {4}Port +\d+$/m,
    ])
      assert.match(output(), line);
    assert.deepEqual(
      output()
        .split('\n')
        .filter((line) => line.length > 80),
      [],
    );
    assert.ok(!output().includes('\u001b'));
    assert.deepEqual(left(), []);
  });

  it('serves a mail program until SIGINT, and nothing in clear lies in the folder of the provider', async () => {
    const { child, output } = await waiting();
    const told = (name: string): string => new RegExp(`^ {4}${name} +(\\S+)`, 'm').exec(output())?.[1] ?? '';
    const login: Login = {
      host: told('Server'),
      port: +told('Port'),
      user: told('User name'),
      password: told('Password'),
    };
    assert.equal((await saveAndRead(login, message(new Date()))).subject, SUBJECT);
    const provider = readdirSync(folder).map((name) => join(folder, name));
    const files = provider
      .flatMap((path) => readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name)))
      .filter((path) => statSync(path).isFile());
    const clear = files.filter((path) => {
      const text = readFileSync(path, 'latin1');
      return [SUBJECT, ATTACHMENT, GUEST_LIST.toString('base64')].some((secret) => text.includes(secret));
    });
    assert.equal(files.filter((path) => readFileSync(path).includes('-----BEGIN PGP MESSAGE-----')).length, 2);
    assert.deepEqual(clear, []);
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.deepEqual(left(), []);
  });

  it('leaves nothing when SIGTERM comes while it starts', async () => {
    const { child, output } = start();
    assert.ok(await until(() => output().includes('postern user add')), output());
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.doesNotMatch(output(), /postern serve/);
    assert.deepEqual(left(), []);
  });

  it('leaves nothing when it is killed', async () => {
    const { child } = await waiting();
    child.kill('SIGKILL');
    await until(() => left().length === 0);
    assert.deepEqual(left(), []);
  });

  it('explains itself, and what it does not know', async () => {
    for (const [args, code, text] of [
      [['--help'], 0, /^Usage: npm run demo/],
      [['--twice'], 64, /does not know --twice/],
    ] as const) {
      const { child, output } = start(...args);
      assert.deepEqual(await once(child, 'close'), [code, null]);
      assert.match(output(), text);
    }
  });
});
