import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ProviderSession, connectProvider } from '#imap/provider/connect';
import type { ProviderCredentials, ProviderMechanism } from '#imap/provider/login';
import { Secret } from '#lib/keys/secret';
import type { Endpoint } from '#lib/net/dial';
import { type LoginServer, PASSWORD, accessToken, startLoginServer } from './dovecot.js';

let server: LoginServer;
before(async () => {
  server = await startLoginServer({ mechanisms: 'plain login scram-sha-256 oauthbearer xoauth2' });
});
after(() => server.stop());

const alice: ProviderCredentials = { kind: 'password', user: 'alice', secret: new Secret(PASSWORD) };
const wrong: ProviderCredentials = { ...alice, secret: new Secret('wrong') };

const endpoint = (tls: Endpoint['tls'], from = server): Endpoint => ({
  host: 'localhost',
  port: tls === 'implicit' ? from.tlsPort : from.port,
  tls,
  ca: from.authority.ca,
});

/** What the server answers to NOOP. */
async function noop({ connection, framer }: ProviderSession): Promise<string> {
  connection.write(Buffer.from('n1 NOOP\r\n'));
  while (true) {
    const fragment = framer.next();
    if (fragment !== undefined) return fragment.bytes.toString();
    const chunk = await connection.read();
    assert.ok(chunk);
    framer.push(chunk);
  }
}

for (const tls of ['implicit', 'starttls'] as const) {
  for (const mechanism of ['SCRAM-SHA-256', 'PLAIN', 'LOGIN'] as const) {
    test(`Dovecot: ${mechanism} with ${tls} TLS, and a wrong password`, async () => {
      const options: { mechanisms: ProviderMechanism[] } = { mechanisms: [mechanism] };
      const session = await connectProvider(endpoint(tls), alice, options);
      assert.equal(session.mechanism, mechanism);
      assert.equal(session.provider.tls, 'TLSv1.3');
      assert.equal(session.nonSynchronizingLiterals, 'plus');
      assert.ok(session.capabilities.includes('IDLE'));
      assert.match(await noop(session), /^n1 OK/);
      session.connection.destroy();
      await assert.rejects(connectProvider(endpoint(tls), wrong, options), (error: Error) => {
        assert.match(error.message, /does not accept user name and secret\. It says "\[AUTHENTICATIONFAILED\] /);
        return true;
      });
    });
  }
}

test('Dovecot: the strongest mechanism is taken', async () => {
  const session = await connectProvider(endpoint('implicit'), alice);
  assert.equal(session.mechanism, 'SCRAM-SHA-256');
  session.connection.destroy();
});

for (const mechanism of ['OAUTHBEARER', 'XOAUTH2'] as const) {
  test(`Dovecot: ${mechanism}, an expired token, and its exchange`, async () => {
    const mechanisms = [mechanism];
    const token = (seconds?: number): Secret => new Secret(accessToken('alice', seconds));
    const session = await connectProvider(
      endpoint('implicit'),
      { kind: 'token', user: 'alice', secret: token() },
      { mechanisms },
    );
    assert.match(await noop(session), /^n1 OK/);
    session.connection.destroy();
    const old: ProviderCredentials = { kind: 'token', user: 'alice', secret: token(-30) };
    await assert.rejects(connectProvider(endpoint('starttls'), old, { mechanisms }), { kind: 'refused' });
    const refresh = (): Promise<Secret> => Promise.resolve(token());
    const renewed = await connectProvider(endpoint('starttls'), { ...old, refresh }, { mechanisms });
    assert.match(await noop(renewed), /^n1 OK/);
    renewed.connection.destroy();
  });
}

test('Dovecot: without a trusted certificate, or with another key than the pinned one, nothing is sent', async () => {
  const { ca, ...system } = endpoint('implicit');
  assert.ok(ca);
  await assert.rejects(connectProvider(system, alice), {
    kind: 'insecure',
    message: /certificate that is not trusted/,
  });
  await assert.rejects(connectProvider({ ...system, pin: '00'.repeat(32) }, alice), { kind: 'insecure' });
});

test('Dovecot: COMPRESS=DEFLATE, both ways', async () => {
  const session = await connectProvider(endpoint('implicit'), alice, { compress: true });
  for (let times = 0; times < 3; times++) assert.match(await noop(session), /^n1 OK/);
  // Dovecot refuses a second time: so it is on.
  session.connection.write(Buffer.from('c1 COMPRESS DEFLATE\r\n'));
  session.framer.push((await session.connection.read()) ?? Buffer.alloc(0));
  assert.match(session.framer.next()?.bytes.toString() ?? '', /^c1 NO/);
  await session.connection.end();
  session.connection.destroy();
});

test('Dovecot: a client certificate is asked for, and shown', async () => {
  const strict = await startLoginServer({ mechanisms: 'plain', clientCertificate: true });
  try {
    const clientCertificate = strict.authority.issue('alice', { usage: 'clientAuth' });
    const session = await connectProvider({ ...endpoint('implicit', strict), clientCertificate }, alice);
    assert.match(await noop(session), /^n1 OK/);
    session.connection.destroy();
    await assert.rejects(connectProvider(endpoint('implicit', strict), alice), { name: 'ProviderError' });
  } finally {
    await strict.stop();
  }
});
