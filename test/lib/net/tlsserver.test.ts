import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConnectionOptions, type TLSSocket, connect } from 'node:tls';
import { socketConnection } from '#lib/net/socket';
import { type SecuredClient, type TLSServerOptions, secureServer, serverContext } from '#lib/net/tlsserver';
import { type Identity, makeAuthority } from './certificates.js';
import { socketPair } from './sockets.js';

const authority = makeAuthority();
const server = authority.issue('localhost');
const other = authority.issue('other', { names: 'DNS:other.example' });
const alice = authority.issue('alice', { usage: 'clientAuth' });
const expired = authority.issue('late', { usage: 'clientAuth', days: -1 });
const stranger = makeAuthority().issue('mallory', { usage: 'clientAuth' });

const contextOf = ({ certificate, key }: Identity): ReturnType<typeof serverContext> =>
  serverContext({ cert: certificate, key, ca: authority.ca });
const context = contextOf(server);

/** One handshake between the server's side and a client of Node's; then one line each way. */
async function shake(
  options: Partial<TLSServerOptions>,
  client: ConnectionOptions,
): Promise<{ readonly secured: SecuredClient; readonly line: string | undefined }> {
  const pair = await socketPair();
  const theirs: TLSSocket = connect({ socket: pair.client, ca: authority.ca, servername: 'localhost', ...client });
  theirs.on('error', () => undefined);
  theirs.write('a001 NOOP\r\n');
  try {
    const secured = await secureServer(pair.accepted, { context, ...options });
    const connection = socketConnection(secured.socket);
    const line = (await connection.read())?.toString();
    connection.destroy();
    return { secured, line };
  } finally {
    theirs.destroy();
    pair.close();
  }
}

test('a client is secured, and its server name chooses the certificate', async () => {
  const asked: string[] = [];
  const select = (name: string): ReturnType<typeof serverContext> | undefined => {
    asked.push(name);
    return name === 'other.example' ? contextOf(other) : undefined;
  };
  const first = await shake({ select }, {});
  assert.equal(first.line, 'a001 NOOP\r\n');
  assert.equal(first.secured.serverName, 'localhost');
  assert.equal(first.secured.certificate, undefined);
  const second = await shake({ select }, { servername: 'OTHER.example' });
  assert.equal(second.secured.serverName, 'other.example');
  assert.equal(second.line, 'a001 NOOP\r\n');
  assert.deepEqual(asked, ['localhost', 'other.example']);
});

test('client certificates: asked for, required, expired, of another authority', async () => {
  const shown = ({ certificate, key }: Identity): ConnectionOptions => ({ cert: certificate, key });
  const trusted = async (
    policy: 'request' | 'require',
    identity?: Identity,
  ): Promise<readonly [boolean | undefined, string | undefined]> => {
    const { secured } = await shake({ clientCertificate: policy }, identity === undefined ? {} : shown(identity));
    return [secured.certificate?.trusted, secured.certificate?.problem];
  };
  assert.deepEqual(await trusted('request'), [undefined, undefined]);
  assert.deepEqual(await trusted('request', alice), [true, undefined]);
  assert.deepEqual(await trusted('request', expired), [false, 'CERT_HAS_EXPIRED']);
  assert.equal((await trusted('request', stranger))[0], false);
  assert.deepEqual(await trusted('require', alice), [true, undefined]);
  for (const identity of [expired, stranger]) {
    await assert.rejects(trusted('require', identity), { name: 'ConnectionError', code: 'certificate' });
  }
  // OpenSSL itself refuses who shows none.
  await assert.rejects(trusted('require'), { name: 'ConnectionError', code: 'tls' });
});

test('TLS 1.1 is refused', async () => {
  await assert.rejects(shake({}, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }), {
    name: 'ConnectionError',
    code: 'tls',
  });
});

test('what was read before is no part of the handshake, what is plain text fails', async () => {
  const pair = await socketPair();
  pair.client.write('a001 LOGIN alice secret\r\n');
  await assert.rejects(secureServer(pair.accepted, { context }), (error: Error) => {
    assert.match(error.message, /failed in TLS/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
  assert.ok(pair.accepted.destroyed);
  pair.close();
});

test('a handshake that does not come ends at the limit, or when it is cancelled, or with the client', async () => {
  const late = await socketPair();
  await assert.rejects(secureServer(late.accepted, { context, milliseconds: 50 }), { code: 'timeout' });
  assert.ok(late.accepted.destroyed);
  late.close();
  const cancelled = await socketPair();
  const controller = new AbortController();
  const waiting = secureServer(cancelled.accepted, { context, signal: controller.signal });
  controller.abort();
  await assert.rejects(waiting, { code: 'cancelled' });
  cancelled.close();
  const gone = await socketPair();
  const pending = secureServer(gone.accepted, { context });
  gone.client.end();
  await assert.rejects(pending, { code: 'tls', message: /closed during the handshake/ });
  gone.close();
});

test('the hello that came before the upgrade and waits in the connection is used', async () => {
  const pair = await socketPair();
  const plain = socketConnection(pair.accepted);
  pair.client.write('a001 STARTTLS\r\n');
  assert.equal((await plain.read())?.toString(), 'a001 STARTTLS\r\n');
  const { socket, unread } = plain.detach();
  assert.equal(unread.length, 0);
  const theirs = connect({ socket: pair.client, ca: authority.ca, servername: 'localhost' });
  theirs.on('error', () => undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { socket: secured } = await secureServer(socket, { context });
  const connection = socketConnection(secured);
  theirs.end('a002 NOOP\r\n');
  assert.equal((await connection.read())?.toString(), 'a002 NOOP\r\n');
  assert.equal(await connection.read(), undefined);
  await connection.end();
  pair.close();
});
