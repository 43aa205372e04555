import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Mechanism, type SaslStep, mechanismNamed, saslExchange, strictBase64, tokenRefusal } from '#imap/sasl';

const encode = (text: string | Buffer): Buffer => Buffer.from(Buffer.from(text).toString('base64'));

function shown(step: SaslStep): readonly string[] {
  switch (step.kind) {
    case 'challenge':
      return ['+', step.text];
    case 'refused':
      return ['refused', step.reason];
    case 'credentials':
      return [step.credentials.kind, step.credentials.user, step.credentials.secret.reveal()];
  }
}

/** The result of one line, as the answer to the empty challenge, and where it is base64 as the initial response too. */
function one(mechanism: Mechanism, line: Buffer): readonly string[] {
  const exchange = saslExchange(mechanism);
  assert.deepEqual(shown(exchange.begin()), ['+', '']);
  const result = shown(exchange.respond(line));
  const initial = strictBase64(line.toString('latin1'));
  if (initial !== undefined) assert.deepEqual(shown(saslExchange(mechanism).begin(initial)), result);
  return result;
}

test('PLAIN: the examples of RFC 4616 §4', () => {
  assert.deepEqual(one('PLAIN', encode('\0tim\0tanstaaftanstaaf')), ['password', 'tim', 'tanstaaftanstaaf']);
  // This one acts for another user, which we do not support.
  assert.deepEqual(one('PLAIN', encode('Ursel\0Kurt\0xipj3plmq')), ['refused', 'identity']);
  assert.deepEqual(one('PLAIN', encode('tim\0tim\0secret')), ['password', 'tim', 'secret']);
});

test('PLAIN: what is not three fields, not UTF-8, empty or too long is refused', () => {
  const cases: readonly [string | Buffer, string][] = [
    ['', 'syntax'],
    ['\0tim', 'syntax'],
    ['\0tim\0pass\0more', 'syntax'],
    ['\0\0secret', 'identity'],
    ['\0tim\0', 'identity'],
    ['\0t\rim\0secret', 'syntax'],
    ['\0t\u0085im\0secret', 'syntax'],
    [Buffer.from('\0tim\0s\xe4cret', 'latin1'), 'syntax'],
    [`\0${'u'.repeat(513)}\0secret`, 'limit'],
    [`\0tim\0${'s'.repeat(1025)}`, 'limit'],
    [`\0tim\0${'s'.repeat(20_000)}`, 'limit'],
  ];
  for (const [message, reason] of cases) assert.deepEqual(one('PLAIN', encode(message)), ['refused', reason]);
  assert.deepEqual(shown(saslExchange('PLAIN').begin(Buffer.alloc(0))), ['refused', 'syntax']);
});

test('LOGIN asks twice, or once after an initial response', () => {
  const exchange = saslExchange('LOGIN');
  assert.deepEqual(shown(exchange.begin()), ['+', 'VXNlcm5hbWU6']);
  assert.deepEqual(shown(exchange.respond(encode('tim'))), ['+', 'UGFzc3dvcmQ6']);
  assert.deepEqual(shown(exchange.respond(encode('søt'))), ['password', 'tim', 'søt']);
  const short = saslExchange('LOGIN');
  assert.deepEqual(shown(short.begin(Buffer.from('tim'))), ['+', 'UGFzc3dvcmQ6']);
  assert.deepEqual(shown(short.respond(Buffer.from('*'))), ['refused', 'cancelled']);
  assert.deepEqual(shown(saslExchange('LOGIN').begin(Buffer.alloc(0))), ['refused', 'identity']);
  const nul = saslExchange('LOGIN');
  nul.begin(Buffer.from('tim'));
  assert.deepEqual(shown(nul.respond(encode('a\0b'))), ['refused', 'syntax']);
});

test('OAUTHBEARER: the example of RFC 7628 §4.1', () => {
  const line =
    'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB';
  assert.deepEqual(one('OAUTHBEARER', Buffer.from(line)), [
    'token',
    'user@example.com',
    'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==',
  ]);
});

test('OAUTHBEARER: header and fields are read strictly', () => {
  const cases: readonly [string, readonly string[]][] = [
    ['y,a=a=2Cb=3Dc,\x01auth=bearer t0k\x01\x01', ['token', 'a,b=c', 't0k']],
    ['n,a=a=2cb,\x01auth=Bearer t0k\x01\x01', ['refused', 'syntax']],
    ['n,,\x01auth=Bearer t0k\x01\x01', ['refused', 'identity']],
    ['p=tls-unique,a=u,\x01auth=Bearer t0k\x01\x01', ['refused', 'syntax']],
    ['n,a=u,auth=Bearer t0k\x01\x01', ['refused', 'syntax']],
    ['n,a=u,\x01auth=Bearer t0k\x01', ['refused', 'syntax']],
    ['n,a=u,\x01auth=Bearer t0k\x01\x01more', ['refused', 'syntax']],
    ['n,a=u,\x01auth=Bearer t0k\x01auth=Bearer t1k\x01\x01', ['refused', 'syntax']],
    ['n,a=u,\x01auth=Basic dTpw\x01\x01', ['refused', 'syntax']],
    ['n,a=u,\x01auth=Bearer t0\r\nk\x01\x01', ['refused', 'syntax']],
    ['n,a=u,\x01auth=\x01\x01', ['refused', 'syntax']],
    ['n,a=u,\x01\x01', ['refused', 'syntax']],
    [`n,a=u,\x01auth=Bearer ${'t'.repeat(11_001)}\x01\x01`, ['refused', 'limit']],
  ];
  for (const [message, outcome] of cases) assert.deepEqual(one('OAUTHBEARER', encode(message)), outcome, message);
});

test("XOAUTH2: the example of Google's protocol, and what is none", () => {
  const line =
    'dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==';
  assert.deepEqual(one('XOAUTH2', Buffer.from(line)), [
    'token',
    'someuser@example.com',
    'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg',
  ]);
  assert.deepEqual(one('XOAUTH2', encode('user=\x01auth=Bearer t\x01\x01')), ['refused', 'identity']);
  assert.deepEqual(one('XOAUTH2', encode('auth=Bearer t\x01\x01')), ['refused', 'syntax']);
  assert.deepEqual(one('XOAUTH2', encode('user=u\x01auth=Bearer t\x01')), ['refused', 'syntax']);
});

test('a refused token has a challenge in JSON', () => {
  const text = (mechanism: 'OAUTHBEARER' | 'XOAUTH2'): unknown =>
    JSON.parse(Buffer.from(tokenRefusal(mechanism), 'base64').toString());
  assert.deepEqual(text('OAUTHBEARER'), { status: 'invalid_token', schemes: 'bearer', scope: '' });
  assert.deepEqual(text('XOAUTH2'), { status: '401', schemes: 'bearer', scope: '' });
});

test('base64 is strict, and "*" cancels', () => {
  for (const line of [
    'AHRpbQBzZWNyZXQ',
    'AHRpbQ BzZWNyZXQ=',
    'AHRp\nbQBz',
    'AHRpbQBzZWNyZXR=',
    'A-_=',
    '====',
    'AB==',
  ]) {
    assert.equal(strictBase64(line), undefined, line);
    assert.deepEqual(one('PLAIN', Buffer.from(line)), ['refused', 'syntax']);
  }
  assert.deepEqual(one('XOAUTH2', Buffer.from('*')), ['refused', 'cancelled']);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      assert.deepEqual(strictBase64(Buffer.from(octets).toString('base64')), Buffer.from(octets));
    }),
  );
});

test('mechanisms are named in any case, and unknown ones are none', () => {
  assert.equal(mechanismNamed('oauthbearer'), 'OAUTHBEARER');
  assert.equal(mechanismNamed('CRAM-MD5'), undefined);
  assert.equal(mechanismNamed('constructor'), undefined);
});

test('no octets make it throw, and a refusal shows nothing of them', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Mechanism>('PLAIN', 'LOGIN', 'OAUTHBEARER', 'XOAUTH2'),
      fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 3 }),
      (mechanism, messages) => {
        const exchange = saslExchange(mechanism);
        let step = exchange.begin();
        for (const message of messages) {
          if (step.kind !== 'challenge') break;
          step = exchange.respond(encode(Buffer.from(message)));
        }
      },
    ),
  );
});
