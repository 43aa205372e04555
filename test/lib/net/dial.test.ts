import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, test } from 'node:test';
import { createServer as createTLSServer, type TlsOptions } from 'node:tls';
import type { ConnectionError } from '#lib/net/connection';
import { type Endpoint, dial, isLoopback, startTLS } from '#lib/net/dial';
import { socketConnection } from '#lib/net/socket';
import { pinOctets } from '#lib/net/tlsclient';
import { secureServer, serverContext } from '#lib/net/tlsserver';
import { Secret } from '#lib/keys/secret';
import { type Identity, makeAuthority } from './certificates.js';

const authority = makeAuthority();
const good = authority.issue('localhost');
const selfSigned = authority.selfSigned('whatever');
const servers: Server[] = [];
const accepted: Socket[] = [];
after(() => {
  for (const server of servers) server.close();
  for (const socket of accepted) socket.destroy();
});

async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
  servers.push(server);
  server.on('connection', (socket) => accepted.push(socket));
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A TLS server that says `hello`, with the name of the client's certificate where it wants one. */
async function tlsServer(identity: Identity, options: TlsOptions = {}): Promise<number> {
  const server = createTLSServer({ cert: identity.certificate, key: identity.key, ...options }, (socket) => {
    const { subject } = socket.getPeerCertificate() as Partial<ReturnType<typeof socket.getPeerCertificate>>;
    socket.on('error', () => undefined);
    socket.end(`hello ${String(subject?.CN ?? 'nobody')}`);
  });
  return listening(server);
}

const implicit = (port: number, more: Partial<Endpoint> = {}): Endpoint => ({
  ...{ host: 'localhost', port, tls: 'implicit', ca: authority.ca },
  ...more,
});

async function hello(endpoint: Endpoint): Promise<string | undefined> {
  const { connection } = await dial(endpoint);
  const text = (await connection.read())?.toString();
  connection.destroy();
  return text;
}

test('implicit TLS: authority, name and dates are checked', async () => {
  const port = await tlsServer(good);
  const dialled = await dial(implicit(port));
  assert.equal((await dialled.connection.read())?.toString(), 'hello nobody');
  assert.equal(dialled.peer, `localhost:${port}`);
  assert.equal(dialled.address, `127.0.0.1:${port}`);
  assert.equal(dialled.tls?.protocol, 'TLSv1.3');
  assert.equal(dialled.tls.exportKey('EXPORTER-Channel-Binding', 32).length, 32);
  dialled.connection.destroy();
  assert.equal(await hello(implicit(port, { host: '127.0.0.1' })), 'hello nobody');

  // The system does not know our authority.
  const { ca, ...system } = implicit(port);
  assert.ok(ca);
  await assert.rejects(hello(system), { code: 'certificate' });
  await assert.rejects(hello(implicit(port, { serverName: 'imap.example.com' })), {
    name: 'ConnectionError',
    code: 'name-mismatch',
    message:
      `The connection to localhost:${port} was given a certificate for another name (ERR_TLS_CERT_ALTNAME_INVALID). ` +
      'Use the host name that the certificate is for, or set the server name.',
  });
  await assert.rejects(hello(implicit(await tlsServer(selfSigned))), { code: 'certificate' });
  await assert.rejects(hello(implicit(await tlsServer(authority.issue('localhost', { days: -1 })))), {
    code: 'expired',
  });
  const elsewhere = await tlsServer(authority.issue('localhost', { names: 'DNS:imap.example.com' }));
  await assert.rejects(hello(implicit(elsewhere)), { code: 'name-mismatch' });
  assert.equal(await hello(implicit(elsewhere, { serverName: 'imap.example.com' })), 'hello nobody');
});

test('a pin is read in every way that it is written, whatever its octets', () => {
  for (const octets of [Buffer.alloc(32, 0xff), Buffer.alloc(32, 0xfb), Buffer.alloc(32), randomBytes(32)]) {
    const [hexadecimal, base64] = [octets.toString('hex'), octets.toString('base64')];
    const colons = hexadecimal.replace(/..(?=.)/g, '$&:').toUpperCase();
    for (const form of [hexadecimal, colons, base64, base64.slice(0, -1)]) {
      for (const prefix of ['', 'sha256/', 'sha256//', 'SHA-256:']) {
        assert.deepEqual(pinOctets(prefix + form), octets, prefix + form);
      }
    }
  }
  for (const form of ['', 'sha256/', 'ff'.repeat(31), 'A'.repeat(42), 'A'.repeat(45)])
    assert.equal(pinOctets(form), undefined);
});

test('a pinned key decides alone, in base64 and in hexadecimal', async () => {
  const port = await tlsServer(selfSigned);
  const hexadecimal = authority.pinOf(selfSigned);
  const base64 = Buffer.from(hexadecimal, 'hex').toString('base64');
  const other = authority.pinOf(good);
  assert.equal(await hello(implicit(port, { pin: hexadecimal, host: '127.0.0.1' })), 'hello nobody');
  assert.equal(await hello(implicit(port, { pin: `sha256/${base64}` })), 'hello nobody');
  await assert.rejects(hello(implicit(port, { pin: other })), (error: ConnectionError) => {
    assert.equal(error.code, 'pin');
    assert.ok(error.message.includes(base64));
    return true;
  });
  // Also where the certificate is perfect.
  await assert.rejects(hello(implicit(await tlsServer(good), { pin: hexadecimal })), { code: 'pin' });
  await assert.rejects(hello(implicit(port, { pin: 'secret' })), { code: 'pin', message: /no SHA-256 digest/ });
  assert.equal(pinOctets(hexadecimal.toUpperCase().replace(/(..)(?!$)/g, '$1:'))?.toString('hex'), hexadecimal);
  assert.equal(pinOctets(`${base64}=`), undefined);
});

test('a client certificate is shown; a key that does not fit is an error that shows nothing of it', async () => {
  const port = await tlsServer(good, { requestCert: true, rejectUnauthorized: true, ca: authority.ca });
  const alice = authority.issue('alice', { usage: 'clientAuth' });
  assert.equal(await hello(implicit(port, { clientCertificate: alice })), 'hello alice');
  const secret = { certificate: alice.certificate, key: new Secret(alice.key) };
  assert.equal(await hello(implicit(port, { clientCertificate: secret })), 'hello alice');
  const wrong = { certificate: alice.certificate, key: good.key };
  await assert.rejects(dial(implicit(port, { clientCertificate: wrong })), { code: 'tls', message: /cannot be used/ });
  // The server refuses who shows none; with TLS 1.3 the client hears of it when it reads.
  await assert.rejects(hello(implicit(port)), { code: 'tls' });
});

test('TLS 1.1, and what is no TLS, is refused', async () => {
  const old = await tlsServer(good, {
    ...{ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
  });
  await assert.rejects(hello(implicit(old)), { code: 'tls' });
  const plain = await listening(
    createServer((socket) => socket.end('* OK IMAP4rev1 ready\r\n').on('error', () => null)),
  );
  await assert.rejects(hello(implicit(plain)), { code: 'tls' });
});

test('clear text is for loopback addresses only', async (t) => {
  const open = createServer((socket) => socket.on('error', () => undefined).end('* OK'));
  const port = await listening(open, '0.0.0.0');
  assert.equal(await hello({ host: 'localhost', port, tls: 'none' }), '* OK');
  assert.equal((await dial({ host: '127.0.0.1', port, tls: 'none' })).tls, undefined);
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = addresses.find(({ internal, family }) => !internal && family === 'IPv4');
  if (outside === undefined) {
    t.diagnostic('This machine has no address but loopback.');
    return;
  }
  await assert.rejects(dial({ host: outside.address, port, tls: 'none' }), { code: 'insecure' });
});

test('which addresses are loopback', () => {
  for (const address of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) assert.ok(isLoopback(address), address);
  for (const address of ['', '128.0.0.1', '10.0.0.1', '::2', '::ffff:10.0.0.1', '127.0.0.1.example.com', 'localhost']) {
    assert.ok(!isLoopback(address), address);
  }
});

/** A server that agrees to STARTTLS, sends more in clear with it or does not, and says `hello` under TLS. */
async function startTLSServer(injected = '', before = ''): Promise<number> {
  const context = serverContext({ cert: good.certificate, key: good.key });
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    void (async (): Promise<void> => {
      const plain = socketConnection(socket);
      await plain.read();
      const detached = plain.detach();
      detached.socket.write(`go ahead${before}`);
      if (injected !== '') setTimeout(() => detached.socket.write(injected), 20);
      const { socket: secured } = await secureServer(detached.socket, { context });
      secured.end('hello');
    })().catch(() => undefined);
  });
  return listening(server);
}

test('STARTTLS: the connection goes on under TLS, and nothing may come in clear after the agreement', async () => {
  const run = async (port: number, wait: number): Promise<string | undefined> => {
    const dialled = await dial({ host: 'localhost', port, tls: 'starttls', ca: authority.ca });
    assert.equal(dialled.tls, undefined);
    dialled.connection.write(Buffer.from('STARTTLS'));
    assert.match(String(await dialled.connection.read()), /^go ahead/);
    await new Promise((resolve) => setTimeout(resolve, wait));
    const secured = await startTLS(dialled);
    assert.equal(secured.tls?.protocol, 'TLSv1.3');
    const text = (await secured.connection.read())?.toString();
    secured.connection.destroy();
    return text;
  };
  assert.equal(await run(await startTLSServer(), 0), 'hello');
  await assert.rejects(run(await startTLSServer('* CAPABILITY'), 60), {
    code: 'injected',
    message: /^The connection to localhost:\d+ brought octets before the TLS handshake\. /,
  });
});

test('refused, unknown, silent and cancelled', async () => {
  const closed = createServer();
  const port = await listening(closed);
  closed.close();
  await once(closed, 'close');
  await assert.rejects(dial({ host: 'localhost', port, tls: 'implicit' }), {
    code: 'refused',
    message: `The connection to localhost:${port} was refused (ECONNREFUSED). Check host and port, and whether the server is running.`,
  });
  await assert.rejects(dial({ host: 'no-such-host.invalid', port, tls: 'implicit' }), { code: 'dns' });
  for (const [host, wrong] of [
    ['', 143],
    ['localhost', 0],
    ['localhost', 70_000],
  ] as const) {
    await assert.rejects(dial({ host, port: wrong, tls: 'implicit' }), { code: 'unreachable' });
  }
  const silent = await listening(createServer((socket) => socket.on('error', () => undefined)));
  await assert.rejects(dial(implicit(silent), { timeout: 60 }), { code: 'timeout' });
  await assert.rejects(dial(implicit(silent), { signal: AbortSignal.timeout(60) }), { code: 'cancelled' });
  await assert.rejects(dial(implicit(silent), { signal: AbortSignal.abort() }), { code: 'cancelled' });
});
