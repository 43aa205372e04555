import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '#lib/keys/secret';

const folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
after(() => {
  rmSync(folder, { recursive: true });
});

/** A program that prints the passphrase which its options lead to, or the failure. */
const PROGRAM = `
import { Command } from 'commander';
import { addPassphraseOptions, passphrasesFrom } from ${JSON.stringify(join(process.cwd(), 'dist/src/passphrase.js'))};
import { explain } from ${JSON.stringify(join(process.cwd(), 'dist/src/explain.js'))};
const command = addPassphraseOptions(new Command()).option('--new').action(async (options) => {
  const source = passphrasesFrom(options);
  const secret = await (options.new ? source.askNew('alice') : source.ask('alice'));
  const again = await source.ask('alice');
  console.log(JSON.stringify([secret.reveal(), again.reveal()]));
});
try {
  await command.parseAsync(process.argv.slice(1), { from: 'user' });
} catch (error) {
  const { message, exitCode } = explain(error);
  process.stderr.write(message);
  process.exitCode = exitCode;
}
`;

const script = join(process.cwd(), 'dist', 'passphrase-test.mjs');

function run(args: readonly string[], extra?: { input?: string; fd3?: number }): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM, '--', ...args], {
    encoding: 'utf8',
    timeout: 20_000,
    // Without a controlling terminal of its own the program must not find the developer's.
    input: extra?.input ?? '',
    stdio: ['pipe', 'pipe', 'pipe', ...(extra?.fd3 === undefined ? [] : [extra.fd3])],
  });
}

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('passphrases from outside', () => {
  it('takes the first line of a file, without its end, as often as it is asked for', () => {
    for (const [content, expected] of [
      ['correct horse\nsecond line\n', 'correct horse'],
      ['with return\r\n', 'with return'],
      ['no end', 'no end'],
      [' spaces stay \n', ' spaces stay '],
      ['ünï\n', 'ünï'],
    ] as const) {
      const { stdout, status } = run(['--passphrase-file', file('passphrase', content)]);
      assert.equal(status, 0);
      assert.deepEqual(JSON.parse(stdout), [expected, expected]);
    }
  });

  it('takes it from a file descriptor', () => {
    const fd = openSync(file('passphrase', 'from a descriptor\nrest'), 'r');
    const { stdout } = run(['--passphrase-fd', '3'], { fd3: fd });
    closeSync(fd);
    assert.deepEqual(JSON.parse(stdout), ['from a descriptor', 'from a descriptor']);
  });

  it('takes it from standard input', () => {
    const { stdout } = run(['--passphrase-fd', '0'], { input: 'from a pipe\nand a message\n' });
    assert.deepEqual(JSON.parse(stdout), ['from a pipe', 'from a pipe']);
  });

  it('neither hangs on a descriptor that is not open nor reads one of its own', () => {
    for (const fd of ['3', '5', '9', '13', '99', '999999999']) {
      const { stderr, status, signal } = run(['--passphrase-fd', fd]);
      assert.equal(signal, null, `descriptor ${fd}`);
      assert.equal(status, 66, `descriptor ${fd}: ${stderr}`);
      assert.match(stderr, new RegExp(`file descriptor ${fd}\\b`));
    }
  });

  it('says what is wrong with what it is given', () => {
    for (const [args, status, message] of [
      [['--passphrase-file', join(folder, 'absent')], 66, /absent cannot be read \(ENOENT\)/],
      [['--passphrase-file', folder], 66, /cannot be read/],
      [['--passphrase-file', file('long', 'x'.repeat(5000))], 65, /too long/],
      [['--passphrase-file', file('latin1', Buffer.from([0xe4, 0x0a]))], 65, /not UTF-8/],
      [['--new', '--passphrase-file', file('empty', '\n')], 77, /empty/],
      [['--passphrase-file', folder, '--passphrase-fd', '0'], 64, /give one of them/],
    ] as const) {
      const { stderr, status: exit } = run(args);
      assert.match(stderr, message);
      assert.equal(exit, status, stderr);
    }
    assert.match(run(['--passphrase-fd', '-1']).stderr, /number of an open file descriptor/);
  });

  it('names the options where there is no terminal', () => {
    const { stderr, status } = spawnSync('setsid', ['-w', process.execPath, '--input-type=module', '-e', PROGRAM], {
      encoding: 'utf8',
      input: '',
    });
    assert.match(stderr, /no terminal to ask on\. Give --passphrase-fd or --passphrase-file/);
    assert.equal(status, 77);
  });

  it('asks on the terminal, twice for a new one, while standard input and output are elsewhere', async () => {
    writeFileSync(script, PROGRAM.replace('process.argv.slice(1)', 'process.argv.slice(2)'));
    const out = join(folder, 'answer');
    // script(1) gives the program a terminal of its own.
    const terminal = spawn('script', ['-qec', `${process.execPath} ${script} --new < /dev/null > ${out}`, '/dev/null']);
    const questions = [/New passphrase for alice/, /The same passphrase again/, /Passphrase for alice/];
    let shown = '';
    terminal.stdout.on('data', (data: Buffer) => {
      shown += data.toString();
      if (questions[0]?.test(shown) === true) {
        questions.shift();
        terminal.stdin.write('secret words\r');
      }
    });
    await once(terminal, 'close', { signal: AbortSignal.timeout(20_000) });
    assert.deepEqual(questions, []);
    assert.doesNotMatch(shown, /secret words/);
    assert.deepEqual(JSON.parse(readFileSync(out, 'utf8')), ['secret words', 'secret words']);
  });
});

describe('Secret', () => {
  it('shows nothing of itself', () => {
    const secret = new Secret('hunter2');
    for (const shown of [
      String(secret),
      inspect(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { showHidden: true }),
    ]) {
      assert.doesNotMatch(shown, /hunter2/);
    }
    assert.equal(secret.reveal(), 'hunter2');
  });

  it('can be erased', () => {
    const secret = new Secret('hunter2');
    secret.erase();
    assert.doesNotMatch(secret.reveal(), /hunter/);
  });
});
