import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saslprep } from '#imap/provider/saslprep';
import { ScramClient } from '#imap/provider/scram';

// RFC 7677 §3.
const NONCE = 'rOprNGfwEbeRWgbNEkqO';
const FULL = `${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`;
const SALT = 'W22ZaJ0SNY7soEsUEjb6gQ==';
const client = (user = 'user'): ScramClient => new ScramClient({ user, password: 'pencil', nonce: NONCE });

test('the example of RFC 7677 §3', async () => {
  const exchange = client();
  assert.equal(exchange.first, `n,,n=user,r=${NONCE}`);
  assert.equal(
    await exchange.final(`r=${FULL},s=${SALT},i=4096`),
    `c=biws,r=${FULL},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`,
  );
  assert.throws(() => exchange.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5='), /does not prove/);
  assert.throws(() => exchange.verify('v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), /does not prove/);
  assert.throws(() => exchange.verify('v='), /does not prove/);
  assert.throws(() => exchange.verify(''), /does not prove/);
  assert.equal(exchange.verify('e=invalid-proof'), 'refused');
  assert.equal(exchange.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), 'verified');
});

test('nothing is verified before the first message of the server', () => {
  assert.throws(() => client().verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), /does not prove/);
});

test('what a server may not ask', async () => {
  const cases: readonly [string, RegExp][] = [
    [`r=${NONCE},s=${SALT},i=4096`, /nonce/],
    [`r=x${FULL},s=${SALT},i=4096`, /nonce/],
    [`r=other,s=${SALT},i=4096`, /nonce/],
    [`r=${FULL},s=${SALT},i=4095`, /asks for 4095 iterations/],
    [`r=${FULL},s=${SALT},i=1`, /asks for 1 iterations/],
    [`r=${FULL},s=${SALT},i=1000001`, /asks for 1000001/],
    [`r=${FULL},s=${SALT},i=99999999999`, /malformed/],
    [`r=${FULL},s=${SALT},i=-1`, /malformed/],
    [`r=${FULL},s=,i=4096`, /malformed/],
    [`r=${FULL},s=a,i=4096`, /malformed/],
    [`m=ext,r=${FULL},s=${SALT},i=4096`, /malformed/],
    [`r=${FULL}${'x'.repeat(2000)},s=${SALT},i=4096`, /malformed/],
    [`r=${FULL},s=${'A'.repeat(2000)},i=4096`, /malformed/],
    ['', /malformed/],
  ];
  for (const [message, problem] of cases) await assert.rejects(client().final(message), problem, message);
});

test('names are escaped, and what is bound is said', async () => {
  assert.equal(client('a=b,c').first, `n,,n=a=3Db=2Cc,r=${NONCE}`);
  const binding = { type: 'tls-exporter', data: Buffer.from([1, 2, 3]) };
  const bound = new ScramClient({ user: 'user', password: 'pencil', nonce: NONCE, binding });
  assert.equal(bound.first, `p=tls-exporter,,n=user,r=${NONCE}`);
  const c = Buffer.concat([Buffer.from('p=tls-exporter,,'), binding.data]).toString('base64');
  assert.ok((await bound.final(`r=${FULL},s=${SALT},i=4096`)).startsWith(`c=${c},r=`));
});

test('SASLprep: the examples of RFC 4013 §3, and what it maps and prohibits', () => {
  assert.equal(saslprep('I\u00adX'), 'IX');
  assert.equal(saslprep('user'), 'user');
  assert.equal(saslprep('USER'), 'USER');
  assert.equal(saslprep('\u00aa'), 'a');
  assert.equal(saslprep('\u2168'), 'IX');
  assert.equal(saslprep('\u0007'), undefined);
  assert.equal(saslprep('a\u00a0b\u3000c'), 'a b c');
  for (const text of ['\u200e', '\ue000', '\ufdd0', '\ud800', '\u{e0041}', '\u2028', '\ufffd']) {
    assert.equal(saslprep(`a${text}`), undefined);
  }
  assert.throws(() => client('a\u0007'), /RFC 4013/);
});
