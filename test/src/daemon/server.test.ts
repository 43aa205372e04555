import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, afterEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Secret } from '#lib/keys/secret';
import { startDaemon, type Daemon, type DaemonOptions } from '#src/daemon/server';
import { explain } from '#src/explain';
import { createLog } from '#src/log';
import { makeAuthority } from '#test/lib/net/certificates';
import { type Client, plainClient, tlsClient } from './client.js';
import { serveEcho } from './echo.js';

const authority = makeAuthority();
const { ca } = authority;
const identity = authority.issue('localhost');
const certificate = { certificate: identity.certificate, key: new Secret(identity.key) };

const daemons: Daemon[] = [];
const clients: Client[] = [];
let lines: string[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const daemon of daemons.splice(0)) daemon.destroy();
  lines = [];
});

type Options = Partial<DaemonOptions['limits']> & { readonly address?: string; readonly port?: number };

async function start(
  tls: 'implicit' | 'starttls' | 'none',
  options: Options = {},
): Promise<{ daemon: Daemon; port: number }> {
  const { address = '127.0.0.1', port: wanted = 0, ...limits } = options;
  const daemon = await startDaemon({
    listeners: [{ protocol: 'imap', address, port: wanted, tls }],
    ...(tls !== 'none' && { certificate }),
    limits: { connections: 100, connectionsPerAddress: 50, handshakeTimeout: 5_000, ...limits },
    serve: { imap: serveEcho },
    log: createLog({ level: 'debug', format: 'text', addresses: 'none' }, { write: (line) => lines.push(line) }),
  });
  daemons.push(daemon);
  const port = daemon.listening[0]?.port;
  assert.ok(port);
  return { daemon, port };
}

async function plain(port: number, host?: string): Promise<Client> {
  const client = await plainClient(port, host);
  clients.push(client);
  return client;
}

async function secure(port: number, more?: object): Promise<Client> {
  const client = await tlsClient(port, ca, more);
  clients.push(client);
  return client;
}

/** Waits until it is so. */
async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (condition()) return;
    await setTimeout(10);
  }
  assert.fail('it did not come to pass');
}

const logged = (text: RegExp): boolean => lines.some((line) => text.test(line));

describe('a listener', () => {
  it('hands a client over and closes when the session ends', async () => {
    const { daemon, port } = await start('none');
    const client = await plain(port);
    assert.equal(await client.line(), 'hello plain');
    assert.equal(await client.ask('who'), '{"secure":false,"peer":"127.0.0.1"}');
    assert.equal(daemon.sessions(), 1);
    assert.equal(await client.ask('starttls'), 'starttls', 'is not offered without TLS');
    assert.equal(await client.ask('quit'), 'bye');
    assert.equal(await client.line(), undefined);
    client.close();
    await until(() => daemon.sessions() === 0);
    assert.match(lines.join(''), /debug session opened session=[0-9a-f]{12} peer=\[address\] tls=none\n/);
    assert.match(lines.join(''), /debug session closed session=[0-9a-f]{12} peer=\[address\] seconds=0\n/);
  });

  it('takes what a client sends after its last line, and its end', async () => {
    const { daemon, port } = await start('none');
    const client = await plain(port);
    assert.equal(await client.line(), 'hello plain');
    client.socket.write('quit\n');
    assert.equal(await client.line(), 'bye');
    client.socket.end('more that nobody reads\n');
    assert.equal(await client.line(), undefined);
    await until(() => daemon.sessions() === 0);
  });

  it('does not wait for a client that does not close', async () => {
    const { daemon, port } = await start('none');
    const client = await plain(port);
    client.socket.allowHalfOpen = true;
    assert.equal(await client.line(), 'hello plain');
    assert.equal(await client.ask('quit'), 'bye');
    const began = Date.now();
    await until(() => daemon.sessions() === 0);
    assert.ok(Date.now() - began < 3_000);
  });

  it('listens on IPv6, and writes the addresses of IPv4 clients as such', async (t) => {
    let daemon;
    try {
      daemon = await start('none', { address: '::' });
    } catch {
      t.skip('this machine has no IPv6');
      return;
    }
    const four = await plain(daemon.port);
    await four.line();
    assert.equal(await four.ask('who'), '{"secure":false,"peer":"127.0.0.1"}');
    const six = await plain(daemon.port, '::1');
    await six.line();
    assert.equal(await six.ask('who'), '{"secure":false,"peer":"::1"}');
  });

  it('says who has the port where it cannot listen', async () => {
    const { port } = await start('none');
    const { message, exitCode } = explain(await start('none', { port }).catch((error: unknown) => error));
    assert.equal(
      message,
      `Postern cannot listen at 127.0.0.1 port ${port}: another program does already. Stop that, or configure another port.`,
    );
    assert.equal(exitCode, 69);
    const elsewhere = explain(await start('none', { address: '192.0.2.1' }).catch((error: unknown) => error));
    assert.match(
      elsewhere.message,
      /^Postern cannot listen at 192\.0\.2\.1 port 0: this machine has no such address\./,
    );
    assert.equal(elsewhere.exitCode, 78);
  });

  it('leaves no port open where another cannot be had', async () => {
    const { port } = await start('none');
    const free = await start('none');
    free.daemon.destroy();
    const listener = { protocol: 'imap', address: '127.0.0.1', tls: 'none' } as const;
    await assert.rejects(
      startDaemon({
        listeners: [
          { ...listener, port: free.port },
          { ...listener, port },
        ],
        limits: { connections: 1, connectionsPerAddress: 1, handshakeTimeout: 1 },
        serve: { imap: serveEcho },
        log: createLog({ level: 'info', format: 'text', addresses: 'none' }, { write: () => undefined }),
      }),
      { code: 'EADDRINUSE' },
    );
    await assert.rejects(plain(free.port), { code: 'ECONNREFUSED' });
  });
});

describe('TLS from the first octet', () => {
  it('is established before the session begins', async () => {
    const { port } = await start('implicit');
    const client = await secure(port);
    assert.equal(await client.line(), 'hello secure');
    assert.equal(await client.ask('who'), '{"secure":true,"peer":"127.0.0.1"}');
    assert.equal(await client.ask('starttls'), 'starttls', 'is not offered a second time');
  });

  it('takes TLS 1.2 with forward secrecy, and nothing weaker', async () => {
    const { port } = await start('implicit');
    const client = await secure(port, { maxVersion: 'TLSv1.2' });
    assert.equal(await client.line(), 'hello secure');
    for (const weaker of [
      { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' },
      { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA' },
      { ALPNProtocols: ['http/1.1'] },
    ]) {
      await assert.rejects(secure(port, weaker), JSON.stringify(weaker));
    }
    await until(() => logged(/info {2}TLS handshake failed .*reason=tls/));
    assert.equal(await (await secure(port, { ALPNProtocols: ['imap'] })).line(), 'hello secure');
  });

  it('has a time limit for the handshake', async () => {
    const { daemon, port } = await start('implicit', { handshakeTimeout: 100 });
    const client = await plain(port);
    assert.equal(await client.line(), undefined);
    await until(() => daemon.sessions() === 0);
    assert.ok(logged(/info {2}TLS handshake failed .*reason=timeout/));
    assert.ok(!logged(/session opened/));
  });

  it('survives what is no TLS, and clients that go away in the middle', async () => {
    const { daemon, port } = await start('implicit');
    const talker = await plain(port);
    talker.socket.write('A1 LOGIN alice correct-horse\r\n');
    assert.equal(await talker.line(), undefined);
    const runner = connect({ port, host: '127.0.0.1' });
    await once(runner, 'connect');
    runner.resetAndDestroy();
    await until(() => daemon.sessions() === 0);
    assert.equal(await (await secure(port)).line(), 'hello secure');
    assert.doesNotMatch(lines.join(''), /correct/);
  });
});

describe('STARTTLS', () => {
  it('secures a plain connection', async () => {
    const { port } = await start('starttls');
    const client = await plain(port);
    assert.equal(await client.line(), 'hello plain');
    assert.equal(await client.ask('starttls'), 'go ahead');
    const inside = await client.secure(ca);
    assert.equal(await inside.ask('who'), '{"secure":true,"peer":"127.0.0.1"}');
  });

  it('ends the connection where octets came before the handshake', async () => {
    const { daemon, port } = await start('starttls');
    const client = await plain(port);
    assert.equal(await client.line(), 'hello plain');
    // The session is slow to answer, and what comes meanwhile is there before its answer is.
    client.socket.write('slowly');
    assert.equal(await client.line(), 'slowly');
    client.socket.write('injected\n');
    assert.equal(await client.line(), 'go ahead');
    assert.equal(await client.line(), undefined);
    await until(() => daemon.sessions() === 0);
    assert.match(lines.join(''), /debug connection lost .*reason=injected\n/);
  });

  it('has a time limit for the handshake', async () => {
    const { daemon, port } = await start('starttls', { handshakeTimeout: 100 });
    const client = await plain(port);
    await client.line();
    assert.equal(await client.ask('starttls'), 'go ahead');
    assert.equal(await client.line(), undefined);
    await until(() => daemon.sessions() === 0);
    assert.ok(logged(/reason=timeout/));
  });
});

describe('limits', () => {
  it('keep further clients of one address out, and let them in when one has left', async () => {
    const { daemon, port } = await start('none', { connectionsPerAddress: 2 });
    const [first] = [await plain(port), await plain(port)];
    await first.line();
    await until(() => daemon.sessions() === 2);
    for (let extra = 0; extra < 5; extra += 1) assert.equal(await (await plain(port)).line(), undefined);
    assert.equal(lines.filter((line) => line.includes('connection refused')).length, 1, 'a flood is one line');
    assert.ok(logged(/warn {2}connection refused limit=connections_per_address peer=\[address\]/));
    first.close();
    await until(() => daemon.sessions() === 1);
    assert.equal(await (await plain(port)).line(), 'hello plain');
  });

  it('keep further clients out altogether', async () => {
    const { daemon, port } = await start('none', { connections: 1 });
    await plain(port);
    await until(() => daemon.sessions() === 1);
    assert.equal(await (await plain(port)).line(), undefined);
    assert.ok(logged(/limit=connections /));
  });

  it('count clients that have not finished their handshake', async () => {
    const { daemon, port } = await start('implicit', { connections: 1 });
    await plain(port);
    await until(() => daemon.sessions() === 1);
    assert.equal(await (await plain(port)).line(), undefined);
  });
});

describe('a session that fails', () => {
  it('is closed and logged without what it had in hand, and the others go on', async () => {
    const { daemon, port } = await start('none');
    const [other, failing] = [await plain(port), await plain(port)];
    await other.line();
    await failing.line();
    failing.socket.write('throw\n');
    assert.equal(await failing.line(), undefined);
    await until(() => daemon.sessions() === 1);
    assert.match(
      lines.join(''),
      /error session failed session=[0-9a-f]{12} peer=\[address\] error=TypeError at="[^"]*serveEcho/,
    );
    assert.doesNotMatch(lines.join(''), /correct horse/);
    assert.equal(await other.ask('still here'), 'still here');
  });

  it('may lose its client at any moment', async () => {
    const { daemon, port } = await start('none');
    const client = await plain(port);
    await client.line();
    client.socket.resetAndDestroy();
    await until(() => daemon.sessions() === 0);
    assert.match(lines.join(''), /debug connection lost .*reason=reset detail=ECONNRESET/);
    assert.ok(!logged(/error/));
  });
});

describe('stopping', () => {
  it('lets sessions say good-bye, and accepts nobody any more', async () => {
    const { daemon, port } = await start('none');
    const client = await plain(port);
    await client.line();
    const stopped = daemon.stop('Back soon.', 5_000);
    assert.equal(await client.line(), 'bye Back soon.');
    await assert.rejects(plain(port), { code: 'ECONNREFUSED' });
    client.close();
    await stopped;
    assert.equal(daemon.sessions(), 0);
  });

  it('waits no longer than it is told', async () => {
    const { daemon, port } = await start('none');
    const client = await plain(port);
    await client.line();
    client.socket.write('hang\n');
    await setTimeout(50);
    const began = Date.now();
    await daemon.stop('Back soon.', 200);
    const took = Date.now() - began;
    assert.ok(took >= 190 && took < 2_000, `${took} ms`);
    assert.ok(logged(/warn {2}sessions did not end in time sessions=1/));
    assert.equal(await client.line(), 'bye Back soon.');
    assert.equal(await client.line(), undefined);
  });

  it('is over at once where everything is destroyed meanwhile', async () => {
    const { daemon, port } = await start('none');
    const client = await plain(port);
    await client.line();
    client.socket.write('hang\n');
    await setTimeout(50);
    const stopped = daemon.stop('Back soon.', 60_000);
    daemon.destroy();
    await stopped;
  });

  it('ends handshakes', async () => {
    const { daemon, port } = await start('implicit');
    const client = await plain(port);
    await until(() => daemon.sessions() === 1);
    await daemon.stop('Back soon.', 5_000);
    assert.equal(await client.line(), undefined);
  });
});

after(() => {
  assert.deepEqual(daemons, []);
});
