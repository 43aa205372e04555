import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type ProviderOptions, type ProviderSession, connectProvider } from '#imap/provider/connect';
import type { ProviderError, ProviderErrorKind } from '#imap/provider/error';
import type { ProviderCredentials } from '#imap/provider/login';
import { Secret } from '#lib/keys/secret';
import type { Endpoint } from '#lib/net/dial';
import { serverContext } from '#lib/net/tlsserver';
import { makeAuthority } from '../../lib/net/certificates.js';
import { type Fake, type Peer, fakeProvider } from './fake.js';

const PASSWORD = 'correct "horse" battery';
const alice: ProviderCredentials = { kind: 'password', user: 'alice@example.com', secret: new Secret(PASSWORD) };
const token: ProviderCredentials = {
  kind: 'token',
  user: 'someuser@example.com',
  secret: new Secret('ya29.vF9dft4qmTc'),
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');

type Script = (peer: Peer) => Promise<void> | void;

async function against<T>(t: TestContext, script: Script, run: (fake: Fake) => Promise<T>): Promise<T> {
  const fake = await fakeProvider(script);
  t.after(() => {
    fake.close();
  });
  return run(fake);
}

interface Attempt {
  readonly credentials?: ProviderCredentials;
  readonly endpoint?: Partial<Endpoint>;
  readonly options?: ProviderOptions;
}

async function connects(
  t: TestContext,
  script: Script,
  attempt: Attempt = {},
): Promise<ProviderSession & { heard: readonly string[] }> {
  return against(t, script, async ({ endpoint, heard }) => {
    const session = await connectProvider({ ...endpoint, ...attempt.endpoint }, attempt.credentials ?? alice, {
      milliseconds: 3_000,
      ...attempt.options,
    });
    return { ...session, heard };
  });
}

/** The error, after a look that it holds no secret and that the connection has been closed. */
async function fails(
  t: TestContext,
  kind: ProviderErrorKind,
  script: Script,
  attempt: Attempt = {},
): Promise<ProviderError> {
  return against(t, script, async ({ endpoint, gone }) => {
    const credentials = attempt.credentials ?? alice;
    const waiting = connectProvider({ ...endpoint, ...attempt.endpoint }, credentials, {
      milliseconds: 3_000,
      ...attempt.options,
    });
    const error = await waiting.then(
      () => assert.fail('It connects.'),
      (reason: unknown) => reason as ProviderError,
    );
    assert.equal(error.name, 'ProviderError', error.stack);
    assert.equal(error.kind, kind, error.message);
    const shown = JSON.stringify([error.message, error.said]);
    for (const secret of ['horse', 'battery', base64(`\0${alice.user}\0${PASSWORD}`), 'ya29']) {
      assert.ok(!shown.includes(secret), shown);
    }
    assert.match(error.message, /\.$/);
    await gone;
    return error;
  });
}

const greet = (more: string): string => `* OK [CAPABILITY ${`IMAP4rev1 ${more}`.trim()}] ready\r\n`;
const loggedIn = (tag: string): string => `${tag} OK [CAPABILITY IMAP4rev1 idle LITERAL+] in\r\n`;

test('PLAIN in one line where SASL-IR is offered, in two where not', async (t) => {
  const message = base64(`\0alice@example.com\0${PASSWORD}`);
  const one = await connects(t, async ({ send, command }) => {
    send(greet('SASL-IR AUTH=PLAIN LOGINDISABLED'));
    await command((tag) => `* OK [ALERT] Quota\x07 is near\r\n${loggedIn(tag)}* 3 EXISTS\r\n`);
  });
  assert.deepEqual(one.heard, [`P1 AUTHENTICATE PLAIN ${message}`]);
  assert.equal(one.mechanism, 'PLAIN');
  assert.deepEqual(one.capabilities, ['IMAP4REV1', 'IDLE', 'LITERAL+']);
  assert.equal(one.nonSynchronizingLiterals, 'plus');
  assert.deepEqual(one.alerts, ['Quota  is near']);
  // What was read beyond the login is not lost.
  assert.equal(one.framer.next()?.bytes.toString(), '* 3 EXISTS\r\n');
  assert.equal(one.provider.tls, undefined);
  one.connection.destroy();

  const two = await connects(t, async ({ send, command, line }) => {
    send('* OK hello\r\n');
    await command((tag) => `* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n${tag} OK\r\n`);
    await command(() => '+ \r\n');
    await line();
    send('P2 OK in\r\n');
    await command((tag) => `* CAPABILITY IMAP4rev2\r\n${tag} OK\r\n`);
  });
  assert.deepEqual(two.heard, ['P1 CAPABILITY', 'P2 AUTHENTICATE PLAIN', message, 'P3 CAPABILITY']);
  assert.equal(two.nonSynchronizingLiterals, 'minus');
  two.connection.destroy();
});

test('LOGIN quotes what can be quoted, and sends the rest as literals', async (t) => {
  const quoted = await connects(t, async ({ send, command }) => {
    send(greet(''));
    await command(loggedIn);
  });
  assert.deepEqual(quoted.heard, ['P1 LOGIN "alice@example.com" "correct \\"horse\\" battery"']);
  quoted.connection.destroy();
  const credentials: ProviderCredentials = { kind: 'password', user: 'älice', secret: new Secret('gehëim') };
  const waited = await connects(
    t,
    async ({ send, line, octets }) => {
      send(greet(''));
      assert.equal(await line(), 'P1 LOGIN {6}');
      send('+ go\r\n');
      assert.equal(await octets(6), Buffer.from('älice').toString('latin1'));
      assert.equal(await line(), ' {7}');
      send('+ go\r\n');
      assert.equal(await octets(9), Buffer.from('gehëim\r\n').toString('latin1'));
      send(loggedIn('P1'));
    },
    { credentials },
  );
  waited.connection.destroy();
  const plus = await connects(
    t,
    async ({ send, line, octets }) => {
      send(greet('LITERAL+'));
      assert.equal(await line(), 'P1 LOGIN {6+}');
      assert.equal(await octets(20), Buffer.from('älice {7+}\r\ngehëim').toString('latin1'));
      await line();
      send(loggedIn('P1'));
    },
    { credentials },
  );
  plus.connection.destroy();
});

test('a secret that would end a line, and a provider without a way to log in', async (t) => {
  const script: Script = ({ send }) => {
    send(greet(''));
  };
  for (const secret of ['a\r\nP9 DELETE INBOX', 'a\0b', '']) {
    await fails(t, 'refused', script, { credentials: { kind: 'password', user: 'a', secret: new Secret(secret) } });
  }
  await fails(t, 'refused', script, { credentials: { ...alice, user: 'a\r\nb' } });
  const none = await fails(t, 'unavailable', ({ send }) => {
    send(greet('LOGINDISABLED AUTH=GSSAPI'));
  });
  assert.match(none.message, /offers no way to log in with a password \(it offers: LOGINDISABLED AUTH=GSSAPI\)/);
  await fails(t, 'unavailable', script, { credentials: token });
  await fails(t, 'unavailable', script, { options: { mechanisms: ['SCRAM-SHA-256'] } });
});

test('OAUTHBEARER and XOAUTH2: the token is sent, and its refusal is answered before it is reported', async (t) => {
  const bearer = base64('n,a=someuser@example.com,\x01auth=Bearer ya29.vF9dft4qmTc\x01\x01');
  const first = await connects(
    t,
    async ({ send, command }) => {
      send(greet('SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=PLAIN'));
      await command(loggedIn);
    },
    { credentials: token },
  );
  assert.deepEqual(first.heard, [`P1 AUTHENTICATE OAUTHBEARER ${bearer}`]);
  first.connection.destroy();
  for (const [mechanism, answer] of [
    ['OAUTHBEARER', 'AQ=='],
    ['XOAUTH2', ''],
  ] as const) {
    const error = await fails(
      t,
      'refused',
      async ({ send, command, line }) => {
        send(greet(`SASL-IR AUTH=${mechanism}`));
        await command(() => `+ ${base64('{"status":"401","schemes":"bearer"}')}\r\n`);
        assert.equal(await line(), answer);
        send('P1 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\r\n');
      },
      { credentials: token },
    );
    assert.deepEqual(error.said, {
      ...{ status: 'NO', code: 'AUTHENTICATIONFAILED', argument: undefined },
      text: 'Invalid credentials (Failure)',
    });
  }
});

test('a refused token is exchanged once', async (t) => {
  let asked = 0;
  const credentials: ProviderCredentials = {
    ...{ kind: 'token', user: 'u', secret: new Secret('old') },
    refresh: () => {
      asked += 1;
      return Promise.resolve(new Secret('new'));
    },
  };
  const script = (answer: string): Script => {
    return async ({ send, command }) => {
      send(greet('SASL-IR AUTH=XOAUTH2'));
      await command((tag) => `${tag} NO [AUTHENTICATIONFAILED] expired\r\n`);
      await command((tag) => `${tag} ${answer}\r\n`);
    };
  };
  const session = await connects(t, script('OK [CAPABILITY IMAP4rev1] in'), { credentials });
  assert.deepEqual(
    session.heard.map((line) => line.split(' ').at(-1)),
    [base64('user=u\x01auth=Bearer old\x01\x01'), base64('user=u\x01auth=Bearer new\x01\x01')],
  );
  session.connection.destroy();
  await fails(t, 'refused', script('NO no'), { credentials });
  assert.equal(asked, 2);
});

test('a refusal comes with the code and the text of the provider, cleaned, and without the secret', async (t) => {
  const refusal = (line: string): Script => {
    return async ({ send, command }) => {
      send(greet('SASL-IR AUTH=PLAIN'));
      await command((tag) => `${tag} ${line}\r\n`);
    };
  };
  const web = await fails(t, 'refused', refusal('NO [WEBALERT https://example.com/x] Web login required.'));
  assert.deepEqual(web.said, {
    ...{ status: 'NO', code: 'WEBALERT', argument: 'https://example.com/x', text: 'Web login required.' },
  });
  const busy = await fails(t, 'unavailable', refusal('NO [UNAVAILABLE] LDAP is down'));
  assert.equal(busy.said?.code, 'UNAVAILABLE');
  const long = await fails(t, 'refused', refusal(`NO ${'é\x1b[2J\u202e'.repeat(300)}`));
  assert.ok((long.said?.text ?? '').length <= 300);
  assert.doesNotMatch(long.message, /[\p{Cc}\p{Cf}]/u);
  const echo = await fails(
    t,
    'protocol',
    refusal(`BAD unknown: AUTHENTICATE PLAIN ${base64(`\0${alice.user}\0${PASSWORD}`)}`),
  );
  assert.equal(echo.said?.text, '');
  await fails(t, 'protocol', async ({ send, command }) => {
    send(greet(''));
    await command((tag, command) => `${tag} BAD what is ${command}?\r\n`);
  });
});

test('greetings that are none', async (t) => {
  const say = (text: string): Script => {
    return ({ send }) => {
      send(text);
    };
  };
  const bye = await fails(t, 'unavailable', say('* BYE [ALERT] Too many connections\r\n'));
  assert.equal(bye.said?.text, 'Too many connections');
  assert.match(bye.message, /It says "\[ALERT\] Too many connections"\./);
  await fails(t, 'insecure', say('* PREAUTH [CAPABILITY IMAP4rev1] welcome back\r\n'));
  await fails(t, 'insecure', say('* PREAUTH welcome back\r\n'), { endpoint: { tls: 'starttls' } });
  await fails(t, 'protocol', say('220 smtp.example.com ESMTP\r\n'));
  await fails(t, 'protocol', say('* NO not today\r\n'));
  await fails(t, 'protocol', say('a1 OK ready\r\n'));
  await fails(t, 'protocol', say('+ ready\r\n'));
  await fails(t, 'protocol', say(`* OK ${'x'.repeat(100_000)}\r\n`));
  await fails(t, 'protocol', say(`* OK ${'x'.repeat(20_000)}`));
  await fails(t, 'protocol', say('* ID ("name" {99999999999999999999}\r\n'));
  await fails(t, 'unreachable', ({ send, drop }) => {
    send('* OK');
    setTimeout(drop, 20);
  });
});

test('limits on what a provider sends before the login', async (t) => {
  const flood = (unit: string, count = 400): Script => {
    return async ({ send, command }) => {
      send('* OK\r\n');
      await command(() => unit.repeat(count));
    };
  };
  assert.match((await fails(t, 'protocol', flood('* OK still here\r\n'))).message, /too many responses/);
  assert.match((await fails(t, 'protocol', flood(`* X ${'y'.repeat(10_000)}\r\n`))).message, /too much|too many/);
  const literals = flood(`* X {40000}\r\n${'y'.repeat(40_000)} {40000}\r\n`, 1);
  assert.match((await fails(t, 'protocol', literals)).message, /too long a response/);
  assert.match((await fails(t, 'protocol', flood('* X {99999999}\r\n', 1))).message, /too long a response/);
  await fails(t, 'protocol', flood('+ go on\r\n'));
  await fails(t, 'protocol', flood('P7 OK who?\r\n'));
});

test('silence ends at the limit, and the caller can give up', async (t) => {
  const silent: Script = () => undefined;
  const late = await fails(t, 'unreachable', silent, { options: { milliseconds: 80 } });
  assert.match(late.message, /took longer than 0.08 seconds/);
  const mute: Script = ({ send }) => {
    send(greet(''));
  };
  await fails(t, 'unreachable', mute, { options: { milliseconds: 80 } });
  const drip: Script = async ({ send }) => {
    for (const letter of '* OK this takes a while\r\n'.repeat(4)) {
      send(letter);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await fails(t, 'unreachable', drip, { options: { milliseconds: 200 } });
  await fails(t, 'unreachable', mute, { options: { signal: AbortSignal.timeout(60) } });
  const controller = new AbortController();
  controller.abort();
  await assert.rejects(
    connectProvider({ host: '127.0.0.1', port: 9, tls: 'none' }, alice, { signal: controller.signal }),
    {
      kind: 'unreachable',
    },
  );
});

test('a connection that is lost in the middle of the login', async (t) => {
  await fails(t, 'unreachable', async ({ send, line, drop }) => {
    send(greet('AUTH=PLAIN'));
    await line();
    drop();
  });
  const bye = await fails(t, 'unavailable', async ({ send, command }) => {
    send(greet('AUTH=PLAIN'));
    await command(() => '* BYE [UNAVAILABLE] shutting down\r\n');
  });
  assert.equal(bye.said?.code, 'UNAVAILABLE');
});

test('Postern is recognised, by its capability and by its name', async (t) => {
  const capability = await fails(t, 'loop', ({ send }) => {
    send(greet('AUTH=PLAIN x-postern'));
  });
  assert.match(capability.message, /is Postern itself/);
  await fails(t, 'loop', async ({ send, command }) => {
    send(greet('AUTH=PLAIN ID'));
    await command((tag) => `* ID ("version" "2" "NAME" "postern")\r\n${tag} OK\r\n`);
  });
  const other = await connects(t, async ({ send, command }) => {
    send(greet('SASL-IR AUTH=PLAIN ID'));
    await command((tag) => `* ID ("name" {7}\r\nDovecot)\r\n${tag} OK\r\n`);
    await command(loggedIn);
  });
  assert.equal(other.heard[0], 'P1 ID ("name" "Postern")');
  other.connection.destroy();
});

/** The server's side of SCRAM-SHA-256, which can cheat. */
function scramServer(
  cheat: { iterations?: number; signature?: string; nonce?: string; noProof?: boolean } = {},
): Script {
  return async ({ send, command, line }) => {
    send(greet('AUTH=SCRAM-SHA-256 AUTH=PLAIN SASL-IR'));
    let first = '';
    await command((_tag, text) => {
      first = Buffer.from(text.split(' ').at(-1) ?? '', 'base64').toString();
      return '';
    });
    const bare = first.slice(3);
    const nonce = cheat.nonce ?? `${bare.split(',r=')[1] ?? ''}server`;
    const salt = randomBytes(16);
    const iterations = cheat.iterations ?? 4096;
    const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`;
    send(`+ ${base64(serverFirst)}\r\n`);
    const final = Buffer.from(await line(), 'base64').toString();
    const salted = pbkdf2Sync(PASSWORD, salt, iterations, 32, 'sha256');
    const mac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
    const [withoutProof = '', proof = ''] = final.split(',p=');
    const message = `${bare},${serverFirst},${withoutProof}`;
    const clientKey = mac(salted, 'Client Key');
    const signature = mac(createHash('sha256').update(clientKey).digest(), message);
    const expected = Buffer.from(clientKey.map((octet, at) => octet ^ (signature[at] ?? 0))).toString('base64');
    if (proof !== expected) send('P1 NO [AUTHENTICATIONFAILED] no\r\n');
    if (cheat.noProof !== true) {
      send(`+ ${base64(`v=${cheat.signature ?? mac(mac(salted, 'Server Key'), message).toString('base64')}`)}\r\n`);
      await line();
    }
    send(loggedIn('P1'));
  };
}

test('SCRAM-SHA-256 is preferred, and the server has to prove itself', async (t) => {
  const session = await connects(t, scramServer());
  assert.equal(session.mechanism, 'SCRAM-SHA-256');
  session.connection.destroy();
  const wrong = { ...alice, secret: new Secret('wrong') };
  await fails(t, 'refused', scramServer(), { credentials: wrong });
  await fails(t, 'insecure', scramServer({ signature: base64('x'.repeat(32)) }));
  await fails(t, 'insecure', scramServer({ iterations: 1000 }));
  await fails(t, 'insecure', scramServer({ iterations: 1_000_001 }));
  await fails(t, 'insecure', scramServer({ nonce: 'mine' }));
  assert.match((await fails(t, 'insecure', scramServer({ noProof: true }))).message, /does not prove/);
});

const authority = makeAuthority();
const identity = authority.issue('localhost');
const context = serverContext({ cert: identity.certificate, key: identity.key });
const startTLSEndpoint: Partial<Endpoint> = { tls: 'starttls', ca: authority.ca };

test('STARTTLS: nothing said before is believed, and the login comes after', async (t) => {
  const session = await connects(
    t,
    async ({ send, command, secure }) => {
      send(greet('STARTTLS LOGINDISABLED AUTH=XBEFORE'));
      await command();
      await secure(context);
      await command((tag) => `* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\n${tag} OK\r\n`);
      await command(loggedIn);
    },
    { endpoint: startTLSEndpoint },
  );
  assert.equal(session.provider.tls, 'TLSv1.3');
  assert.deepEqual(
    session.heard.map((line) => line.split(' ').slice(0, 3).join(' ')),
    [...['P1 STARTTLS', 'P2 CAPABILITY', 'P3 AUTHENTICATE PLAIN']],
  );
  session.connection.destroy();
});

test('STARTTLS: what is not offered, refused, or injected ends the connection', async (t) => {
  const endpoint = startTLSEndpoint;
  await fails(
    t,
    'insecure',
    ({ send }) => {
      send(greet('AUTH=PLAIN'));
    },
    { endpoint },
  );
  const refused = async ({ send, command }: Peer): Promise<void> => {
    send(greet('STARTTLS'));
    await command((tag) => `${tag} NO [ALERT] TLS is broken here\r\n`);
  };
  await fails(t, 'insecure', refused, { endpoint });
  const inSameFlight = async ({ send, command }: Peer): Promise<void> => {
    send(greet('STARTTLS'));
    await command((tag) => `${tag} OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n`);
  };
  assert.match((await fails(t, 'insecure', inSameFlight, { endpoint })).message, /came in clear/);
  const partOfLine = async ({ send, command }: Peer): Promise<void> => {
    send(greet('STARTTLS'));
    await command((tag) => `${tag} OK go\r\n*`);
  };
  await fails(t, 'insecure', partOfLine, { endpoint });
  const later = async ({ send, command, secure }: Peer): Promise<void> => {
    send(greet('STARTTLS'));
    await command();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await secure(context, '* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n');
  };
  await fails(t, 'unreachable', later, { endpoint });
  const dropped = async ({ send, command, drop }: Peer): Promise<void> => {
    send(greet('STARTTLS'));
    await command();
    setTimeout(drop, 10);
  };
  await fails(t, 'unreachable', dropped, { endpoint });
});

test('STARTTLS: a certificate that does not suffice gets no password', async (t) => {
  const other = authority.issue('other', { names: 'DNS:other.example' });
  const heard: string[] = [];
  const script: Script = async ({ send, command, secure, line }) => {
    send(greet('STARTTLS AUTH=PLAIN SASL-IR'));
    await command();
    await secure(serverContext({ cert: other.certificate, key: other.key }));
    heard.push(await line());
  };
  const error = await fails(t, 'insecure', script, { endpoint: startTLSEndpoint });
  assert.equal((error.cause as { code?: string }).code, 'name-mismatch');
  assert.deepEqual(heard, []);
});

test('clear text is for endpoints that say so', async (t) => {
  // A dial to another address of this machine is refused in lib/net; here: nobody is there.
  await against(
    t,
    () => undefined,
    async (fake) => {
      fake.close();
      await assert.rejects(connectProvider(fake.endpoint, alice), { kind: 'unreachable' });
    },
  );
});
