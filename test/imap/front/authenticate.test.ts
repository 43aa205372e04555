import assert from 'node:assert/strict';
import { it } from 'node:test';
import { front } from '#imap/front/front';
import { SILENT } from '#lib/log';
import { scripted } from '#test/lib/net/memory';

/** What the judge hears of a login, and what the client is told. */
async function logIn(...lines: readonly string[]): Promise<{ heard: readonly string[]; told: string }> {
  const connection = scripted(lines.map((line) => `${line}\r\n`));
  const heard: string[] = [];
  const { signal } = new AbortController();
  await front(
    { id: 'id', connection, secure: true, peer: { address: '192.0.2.1', port: 1 }, log: SILENT, signal },
    ({ kind, user, secret }) => {
      heard.push(kind, user, secret.reveal());
      return Promise.resolve({
        session: true,
        capabilities: ['IMAP4rev1'],
        alerts: [],
        discard: () => undefined,
      });
    },
    { loginTimeout: 10_000, errorBudget: 10 },
  );
  return { heard, told: connection.written().toString('latin1') };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const PLAIN = base64('\0tim@example.com\0tanstaaf');

it('AUTHENTICATE takes an initial response (RFC 4959), and a response to the challenge', async () => {
  const expected = ['password', 'tim@example.com', 'tanstaaf'];
  const initial = await logIn(`a AUTHENTICATE PLAIN ${PLAIN}`);
  assert.deepEqual(initial.heard, expected);
  assert.match(initial.told, /\r\na OK \[CAPABILITY IMAP4rev1[^\r]*\r\n$/);
  const asked = await logIn('a AUTHENTICATE PLAIN', PLAIN);
  assert.deepEqual(asked.heard, expected);
  assert.match(asked.told, /\r\n\+ \r\na OK /);
  assert.deepEqual((await logIn(`a AUTHENTICATE LOGIN ${base64('tim')}`, base64('s'))).heard, ['password', 'tim', 's']);
  const token = base64('user=tim\x01auth=Bearer t0k\x01\x01');
  assert.deepEqual((await logIn(`a AUTHENTICATE XOAUTH2 ${token}`)).heard, ['token', 'tim', 't0k']);
});

it('AUTHENTICATE refuses an initial response that is not base64 or is empty', async () => {
  for (const response of ['AHRpbQ', '====', '*', '=']) {
    const { heard, told } = await logIn(`a AUTHENTICATE PLAIN ${response}`);
    assert.deepEqual(heard, [], response);
    assert.match(told, /\r\na BAD [^\r]*\r\n$/, response);
  }
});
