/** Hostile clients and hostile providers against the program itself: its memory, its log, and its other sessions. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateRawSync } from 'node:zlib';
import { Secret } from '#lib/keys/secret';
import { createVault } from '#lib/vault/vault';
import { type Postern, startPostern } from './postern.js';

const PASSWORD = 'redshank and ruff';
const MEBIBYTE = 1024 * 1024;
/** What a session may cost at most: buffers of sockets, in Node and in the system, and what waits to be collected. */
const ALLOWED = 64 * MEBIBYTE;

/** What the provider does once it has let a user in: the name of the user at the provider tells. */
type Conduct = (socket: Socket) => Promise<void> | void;

/** Sends octets until nobody takes them for a second, or so many are sent. Resolves to how many. */
async function flood(socket: Socket, chunk: Buffer, most: number): Promise<number> {
  let sent = 0;
  while (sent < most && !socket.destroyed) {
    sent += chunk.length;
    if (socket.write(chunk)) continue;
    const patience = AbortSignal.timeout(1_000);
    try {
      await once(socket, 'drain', { signal: patience });
    } catch {
      break;
    }
  }
  return sent;
}

const sentBy = new Map<string, number>();

const CONDUCTS: Readonly<Record<string, Conduct>> = {
  friendly: (socket) => {
    socket.on('data', (chunk: Buffer) => {
      for (const [, tag = ''] of chunk.toString('latin1').matchAll(/^(\S+) \S.*\r$/gm))
        socket.write(`${tag} OK done\r\n`);
    });
  },
  silent: () => undefined,
  literal: async (socket) => {
    socket.write('* 1 FETCH (BODY[] {9007199254740991}\r\n');
    sentBy.set('literal', await flood(socket, Buffer.alloc(65_536, 'x'), 1024 * MEBIBYTE));
  },
  line: async (socket) => {
    socket.write('* SEARCH');
    sentBy.set('line', await flood(socket, Buffer.alloc(65_536, ' 1'), 200 * MEBIBYTE));
  },
  exists: (socket) => {
    socket.write('* 4294967295 EXISTS\r\n* 1 FETCH (UID 1)\r\n* VANISHED 1:4294967295\r\n');
  },
  expunges: async (socket) => {
    const line = Buffer.from(`* 1 EXPUNGE ${'x'.repeat(60_000)}\r\n`);
    socket.write('* 100000 EXISTS\r\n');
    sentBy.set('expunges', await flood(socket, line, 200 * MEBIBYTE));
  },
};

describe('a hostile peer', { timeout: 120_000 }, () => {
  let postern: Postern;
  let provider: Server;
  const sockets = new Set<Socket>();

  before(async () => {
    provider = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('* OK [CAPABILITY IMAP4rev1] ready\r\n');
      const onData = (chunk: Buffer): void => {
        const [, tag = '', user] = /^(\S+) (?:LOGIN "(\w+)")?/.exec(chunk.toString('latin1')) ?? [];
        socket.write(`${tag} OK [CAPABILITY IMAP4rev1] done\r\n`);
        if (user === undefined) return;
        socket.off('data', onData);
        void CONDUCTS[user]?.(socket);
      };
      socket.on('data', onData);
    }).listen(0, '127.0.0.1');
    await once(provider, 'listening');
    postern = await startPostern({ configuration: '[limits]\nlogin_timeout = 10\n[log]\nlevel = "debug"\n' });
    const { port } = provider.address() as AddressInfo;
    for (const user of Object.keys(CONDUCTS)) {
      const auth = { kind: 'password', user, password: new Secret('x') } as const;
      const imap = { host: '127.0.0.1', port, tls: 'none' } as const;
      const profile = { name: 'default', imap, auth, compress: false, policies: {} };
      const made = { user: `${user}@example.com`, password: new Secret(PASSWORD), profile, keys: [] };
      (await createVault(postern.home, made)).vault.close();
    }
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    provider.close();
    await postern.stop();
  });

  const open = async (): Promise<Socket> => {
    const socket = connect(postern.endpoint('', '', 'none').port, '127.0.0.1');
    sockets.add(socket);
    socket.on('error', () => undefined);
    await line(socket);
    return socket;
  };
  const logIn = async (user: string): Promise<Socket> => {
    const socket = await open();
    socket.write(`a LOGIN ${user}@example.com "${PASSWORD}"\r\n`);
    assert.match(await line(socket), /^a OK /);
    return socket;
  };

  /**
   * Runs an attack of a user who is logged in, or of somebody who is not, beside a session that goes on as if nothing were. Memory
   * is measured from after the login, which takes 64 MiB for a moment (Argon2).
   */
  const during = async (user: string | undefined, attack: (socket: Socket) => Promise<void>): Promise<void> => {
    const other = await logIn('friendly');
    const socket = user === undefined ? await open() : await logIn(user);
    const before = memoryOf(postern.pid);
    let most = before;
    const end = new AbortController();
    const watch = (async (): Promise<void> => {
      while (!end.signal.aborted) {
        most = Math.max(most, memoryOf(postern.pid));
        other.write('n NOOP\r\n');
        assert.equal(await line(other), 'n OK done\r\n');
        await sleep(20);
      }
    })();
    try {
      await attack(socket);
    } finally {
      end.abort();
      await watch;
      other.destroy();
      socket.destroy();
    }
    assert.ok(most - before < ALLOWED, `${Math.round((most - before) / MEBIBYTE)} MiB more`);
  };

  it('that reads no answers before it logs in is not served any further, and does not stay', () =>
    during(undefined, async (socket) => {
      const started = Date.now();
      const sent = await flood(socket, Buffer.from('a CAPABILITY\r\n'.repeat(4_000)), 100 * MEBIBYTE);
      assert.ok(sent < 40 * MEBIBYTE, `${sent} octets were taken`);
      // The client's system still takes the end of the connection, whoever reads it or not.
      const closed = once(socket, 'close');
      await sleep(Math.max(0, 11_500 - (Date.now() - started)));
      socket.resume();
      await Promise.race([closed, sleep(10_000).then(() => Promise.reject(new Error('still open')))]);
    }));

  it('that never ends its line before it logs in', () =>
    during(undefined, async (socket) => {
      await flood(socket, Buffer.alloc(65_536, 'a'), 100 * MEBIBYTE);
    }));

  it('that reads nothing makes its provider wait', () =>
    during('literal', async (socket) => {
      socket.pause();
      await sleep(2_500);
      const sent = sentBy.get('literal');
      assert.ok(sent !== undefined && sent < 40 * MEBIBYTE, `${sent ?? 'endlessly many'} octets were taken`);
    }));

  it('that sends thousands of commands which the provider does not answer', () =>
    during('silent', async (socket) => {
      const sent = await flood(socket, Buffer.from('a NOOP\r\n'.repeat(8_000)), 100 * MEBIBYTE);
      assert.ok(sent < 40 * MEBIBYTE, `${sent} octets were taken`);
    }));

  it('that compresses much into little', () =>
    during('friendly', async (socket) => {
      socket.write('c COMPRESS DEFLATE\r\n');
      assert.match(await line(socket), /^c OK /);
      // 100 MiB of one line, and of commands that are refused with a literal.
      await flood(socket, deflateRawSync(Buffer.alloc(100 * MEBIBYTE, 'a'), { finishFlush: 2 }), 1);
      await sleep(2_000);
    }));

  it('that is a provider and never ends its line', () =>
    during('line', async (socket) => {
      socket.resume();
      while (sentBy.get('line') === undefined) await sleep(50);
      assert.equal(sentBy.get('line'), 200 * MEBIBYTE);
    }));

  it('that is a provider and has four thousand million messages', () =>
    during('exists', async (socket) => {
      assert.equal(await line(socket), '* BYE The mail provider sent a number that no mailbox has.\r\n');
    }));

  it('that is a provider and deletes messages where it must not', () =>
    during('expunges', async (socket) => {
      assert.equal(await line(socket), '* 100000 EXISTS\r\n');
      assert.equal(await line(socket), '* BYE The mail provider reports deleted messages where it must not.\r\n');
    }));

  it('leaves nothing in the log that looks like a fault, and none of the secrets', () => {
    const log = postern.log();
    assert.match(log, /logged in/);
    assert.doesNotMatch(log, /internal error|session failed/);
    assert.ok(!log.includes(PASSWORD));
  });
});

/** Octets of the memory of a process that are in use. */
function memoryOf(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kilobytes) * 1024;
}

/** The next line: what comes after it in the same chunk is put back. */
async function line(socket: Socket): Promise<string> {
  let text = Buffer.alloc(0);
  while (true) {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) text = Buffer.concat([text, chunk]);
    const at = text.indexOf('\n') + 1;
    if (at > 0) {
      if (at < text.length) socket.unshift(text.subarray(at));
      return text.toString('latin1', 0, at);
    }
    if (chunk === null) {
      if (socket.readableEnded || socket.destroyed) return text.toString('latin1');
      await news(socket);
    }
  }
}

/** Resolves when something has come, or the end. */
function news(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const events = ['readable', 'end', 'close'] as const;
    const finish = (): void => {
      clearTimeout(timer);
      for (const event of events) socket.off(event, finish);
      resolve();
    };
    const timer = setTimeout(() => {
      reject(new Error('Nothing came in 20 seconds.'));
    }, 20_000);
    for (const event of events) socket.on(event, finish);
  });
}
