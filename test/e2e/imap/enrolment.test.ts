/** Enrolment through the program itself, with Dovecot as the provider, and what it leaves in the log. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, open } from './client.js';
import { startDovecot } from './dovecot.js';
import { type MailServer, PASSWORD } from './endpoint.js';
import { type Postern, startPostern } from './postern.js';

const USER = 'alice@example.com';
const WRONG = 'sanderling-and-dunlin-31';
const TOKEN = 'ya29.phalarope';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const PLAIN = base64(`\0${USER}\0${PASSWORD}`);
const BEARER = base64(`user=${USER}\x01auth=Bearer ${TOKEN}\x01\x01`);

describe('enrolment with Dovecot', { timeout: 90_000 }, () => {
  let dovecot: MailServer;
  let postern: Postern;
  const connections: Connection[] = [];
  before(async () => {
    dovecot = await startDovecot();
    const { host, port, ca } = dovecot.endpoint(USER, 'implicit');
    postern = await startPostern({
      configuration: `[provider.imap]
host = "${host}"
port = ${port}
ca = "${ca}"
[enrolment]
enabled = true
[log]
level = "debug"
addresses = "all"
`,
    });
  });
  after(async () => {
    for (const connection of connections) connection.close();
    await Promise.all([dovecot.stop(), postern.stop()]);
  });

  const greeted = async (): Promise<Connection> => {
    const connection = await open(postern.endpoint(USER, PASSWORD, 'implicit'));
    connections.push(connection);
    await connection.read();
    return connection;
  };
  /** The tagged response to a command. */
  const answer = async (connection: Connection, tag: string, command: string): Promise<string> =>
    (await connection.run(tag, command)).at(-1)?.toString('latin1') ?? '';

  it('makes one vault of two first logins at a time, and both are served', async () => {
    const both = await Promise.all([greeted(), greeted()]);
    const logins = [`LOGIN ${USER} ${PASSWORD}`, `AUTHENTICATE PLAIN ${PLAIN}`];
    const answers = await Promise.all(both.map((connection, at) => answer(connection, 'a', logins[at] ?? '')));
    for (const text of answers) assert.match(text, /^a OK \[CAPABILITY /);
    for (const connection of both) assert.match(await answer(connection, 'b', 'SELECT INBOX'), /^b OK /);
    assert.deepEqual(readdirSync(join(postern.home, 'vaults')), [`${USER}.vault`]);
    assert.equal(postern.log().match(/user enrolled/g)?.length, 1);
  });

  it('refuses a wrong password and a token in the same words, and lets in afterwards', async () => {
    const connection = await greeted();
    assert.match(await answer(connection, 'a', `LOGIN ${USER} ${WRONG}`), /^a NO \[AUTHENTICATIONFAILED\] The user/);
    await connection.write(Buffer.from(`b AUTHENTICATE XOAUTH2 ${BEARER}\r\n`));
    assert.match((await connection.read()).toString('latin1'), /^\+ /);
    await connection.write(Buffer.from('\r\n'));
    assert.match((await connection.read()).toString('latin1'), /^b NO \[AUTHENTICATIONFAILED\] The user/);
    assert.match(await answer(connection, 'c', `LOGIN "${USER}!" {${PASSWORD.length}+}\r\n${PASSWORD}`), /^c OK /);
    assert.match(await answer(connection, 'd', 'LOGOUT'), /^d OK /);
  });

  it('leaves none of the secrets in the log', async () => {
    for (let count = 0; count < 100 && !postern.log().includes('session ended'); count++) await sleep(50);
    const log = postern.log();
    assert.match(log, /login refused/);
    assert.match(log, /session ended/);
    for (const secret of [PASSWORD, WRONG, TOKEN, PLAIN, BEARER, base64(PASSWORD), base64(WRONG)]) {
      assert.ok(!log.includes(secret), secret);
    }
    assert.doesNotMatch(log, /internal error|session failed/);
  });
});
