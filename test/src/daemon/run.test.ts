import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { explain } from '#src/explain';
import { type Client, plainClient } from './client.js';

const MAIN = join(process.cwd(), 'dist', 'src', 'main.js');
const folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
const file = join(folder, 'postern.toml');
after(() => {
  rmSync(folder, { recursive: true });
});

/** `postern serve` with the protocol of the tests in the place of IMAP. */
const PROGRAM = `
import { loadConfiguration } from '#src/config/load';
import { runDaemon } from '#src/daemon/run';
import { explain } from '#src/explain';
import { serveEcho } from '#test/src/daemon/echo';
const { configuration } = await loadConfiguration(${JSON.stringify(file)});
try {
  await runDaemon(configuration, { imap: serveEcho });
} catch (error) {
  const { message, exitCode } = explain(error);
  process.stderr.write(message);
  process.exitCode = exitCode;
}
`;

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  readonly log: () => string;
  /** Resolves to exit code and signal. */
  readonly exit: Promise<readonly unknown[]>;
}

const running: ChildProcess[] = [];
const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function start(more = ''): Promise<Running> {
  const port = await freePort();
  writeFileSync(file, `[[listen]]\ntls = "none"\nport = ${port}\n${more}`);
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.push(child);
  let log = '';
  const ready = new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('listening')) resolve();
    });
  });
  const exit = once(child, 'close');
  await Promise.race([ready, exit]);
  return { child, port, log: () => log, exit };
}

async function client(port: number): Promise<Client> {
  const made = await plainClient(port);
  clients.push(made);
  assert.equal(await made.line(), 'hello plain');
  return made;
}

describe('the daemon', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`ends in order with ${signal}: sessions are told, the exit code is 0`, async () => {
      const { child, port, log, exit } = await start();
      const session = await client(port);
      child.kill(signal);
      assert.equal(await session.line(), 'bye The server is shutting down.');
      session.close();
      assert.deepEqual(await exit, [0, null]);
      const lines = log().trimEnd().split('\n');
      assert.match(
        lines[0] ?? '',
        new RegExp(`Z info {2}listening protocol=imap address=127\\.0\\.0\\.1 port=${port} tls=none$`),
      );
      assert.match(lines[1] ?? '', new RegExp(`Z info {2}stopping signal=${signal} sessions=1$`));
      assert.match(lines[2] ?? '', /Z info {2}stopped$/);
      assert.equal(lines.length, 3, 'all is quiet when all is well');
    });
  }

  it('ends at once with a second signal', async () => {
    const { child, port, log, exit } = await start();
    const session = await client(port);
    session.socket.write('hang\n');
    child.kill('SIGTERM');
    assert.equal(await session.line(), 'bye The server is shutting down.');
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [0, null]);
    assert.match(log(), /warn {2}ending at once signal=SIGTERM sessions=1/);
  });

  it('does not wait longer than stop_timeout', async () => {
    const { child, port, log, exit } = await start('[limits]\nstop_timeout = 0\n');
    const session = await client(port);
    session.socket.write('hang\n');
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [0, null]);
    assert.match(log(), /sessions did not end in time sessions=1/);
  });

  it('goes on where a session leaves a rejected promise behind', async () => {
    const { port, log } = await start();
    const session = await client(port);
    assert.equal(await session.ask('reject'), 'reject');
    assert.equal(await session.ask('still here'), 'still here');
    assert.match(log(), /error internal error, please report it error=TypeError at="[^"]*serveEcho/);
    assert.doesNotMatch(log(), /correct horse/);
  });

  it('ends with 70 where an exception comes up to the event loop', async () => {
    const { port, log, exit } = await start('[log]\nformat = "json"\n');
    const session = await client(port);
    session.socket.write('crash\n');
    assert.deepEqual(await exit, [70, null]);
    const [, line = ''] = log().trimEnd().split('\n');
    const { event, error, at } = JSON.parse(line) as Record<string, string>;
    assert.deepEqual([event, error], ['internal error, please report it; ending', 'TypeError']);
    assert.match(at ?? '', /throwHorse/);
    assert.doesNotMatch(log(), /correct horse/);
  });

  it('puts none of its memory into core dumps', { skip: process.platform !== 'linux' }, async () => {
    const { child } = await start();
    assert.match(readFileSync(`/proc/${String(child.pid)}/coredump_filter`, 'latin1'), /^0+\n$/);
  });

  it('says what is in its way, and ends with a code of sysexits.h', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { log, exit } = await start(`[[listen]]\ntls = "none"\nport = ${port}\n`);
    assert.deepEqual(await exit, [69, null]);
    assert.match(
      log(),
      new RegExp(`^Postern cannot listen at 127\\.0\\.0\\.1 port ${port}: another program does already\\.`),
    );
    other.close();
    const forbidden = Object.assign(new Error('listen EACCES'), {
      errno: -13,
      code: 'EACCES',
      syscall: 'listen',
      address: '::1',
      port: 143,
    });
    const { message, exitCode } = explain(forbidden);
    assert.match(
      message,
      /^Postern cannot listen at ::1 port 143: ports below 1024 need a permission\. Give .*CAP_NET_BIND_SERVICE/,
    );
    assert.equal(exitCode, 77);
  });
});

describe('postern serve and postern config', () => {
  const postern = (
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
  ): { status: number | null; out: string; error: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, '--home', folder, ...args], {
      encoding: 'utf8',
      timeout: 20_000,
      env: { ...process.env, POSTERN_CONFIG: '', ...environment },
    });
    return { status, out: stdout, error: stderr };
  };

  it('tell all that is wrong with a configuration', () => {
    writeFileSync(file, '[[listen]]\nport = 0\ntls = "non"\n');
    const expected = [
      `${file}:2: listen.port is 0; expected a port from 1 to 65535.`,
      `${file}:3: listen.tls is "non"; expected "implicit", "starttls" or "none".`,
    ];
    const serve = postern(['serve', '--config', file]);
    assert.deepEqual([serve.status, serve.error], [78, expected.map((line) => `postern: ${line}\n`).join('')]);
    const check = postern(['config', 'check', file]);
    assert.deepEqual([check.status, check.out], [78, expected.map((line) => `${line}\n`).join('')]);
    assert.equal(check.error, `postern: In ${file} 2 things are wrong.\n`);
    const { problems } = JSON.parse(postern(['config', 'check', '--json', file]).out) as {
      problems: readonly unknown[];
    };
    assert.deepEqual(problems[0], {
      line: 2,
      option: 'listen.port',
      message: 'listen.port is 0; expected a port from 1 to 65535.',
    });
  });

  it('find the configuration: by name, in the environment, in the state folder', () => {
    const named = join(folder, 'named.toml');
    writeFileSync(file, '[[listen]]\ntls = "none"\n');
    writeFileSync(named, '[[listen]]\ntls = "none"\n');
    assert.deepEqual(postern(['config', 'check']), { status: 0, out: `${file} is in order\n`, error: '' });
    assert.equal(postern(['config', 'check'], { POSTERN_CONFIG: named }).out, `${named} is in order\n`);
    assert.equal(postern(['config', 'check', file], { POSTERN_CONFIG: named }).out, `${file} is in order\n`);
    rmSync(file);
    const { status, error } = postern(['serve']);
    assert.equal(status, 78);
    assert.match(
      error,
      /^postern: There is no configuration: neither .*postern\.toml nor \/etc\/postern\/postern\.toml\. Write one/,
    );
    assert.match(error, /\n {4}tls = "none"\n/);
  });

  it('have manuals without a fault', () => {
    const pages = ['postern', 'postern-serve', 'postern-config'].map((name) => join('docs', 'man', `${name}.1`));
    const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', ...pages], { encoding: 'utf8' });
    assert.equal(lint.stdout + lint.stderr, '');
  });

  it('print the sample', () => {
    assert.equal(postern(['config', 'sample']).out, readFileSync('etc/postern.toml', 'utf8'));
  });
});
