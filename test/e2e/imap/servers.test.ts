import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Connection, expectOK, login } from './client.js';
import { startCyrus } from './cyrus.js';
import { startDovecot } from './dovecot.js';
import type { MailServer, Security } from './endpoint.js';

/** What each server must offer after the login, so that dialogues about it test something. */
const OFFERED: Readonly<Record<MailServer['name'], readonly string[]>> = {
  Dovecot: [
    ...['IMAP4rev1', 'ENABLE', 'IDLE', 'NAMESPACE', 'ID', 'UIDPLUS', 'MOVE', 'UNSELECT', 'CHILDREN', 'LIST-EXTENDED'],
    ...['LIST-STATUS', 'SPECIAL-USE', 'CONDSTORE', 'QRESYNC', 'ESEARCH', 'SEARCHRES', 'SORT', 'THREAD=REFERENCES'],
    ...['WITHIN', 'LITERAL+', 'MULTIAPPEND', 'BINARY', 'PREVIEW=FUZZY', 'SNIPPET=FUZZY', 'STATUS=SIZE', 'QUOTA'],
    ...['METADATA', 'ACL', 'SAVEDATE', 'COMPRESS=DEFLATE', 'NOTIFY', 'CATENATE'],
  ],
  Cyrus: [
    ...['IMAP4rev1', 'ENABLE', 'IDLE', 'NAMESPACE', 'ID', 'UIDPLUS', 'MOVE', 'UNSELECT', 'CHILDREN', 'LIST-EXTENDED'],
    ...['LIST-STATUS', 'SPECIAL-USE', 'CONDSTORE', 'QRESYNC', 'ESEARCH', 'SORT', 'THREAD=REFERENCES'],
    ...['WITHIN', 'LITERAL+', 'MULTIAPPEND', 'BINARY', 'STATUS=SIZE', 'QUOTA', 'METADATA', 'ACL', 'OBJECTID'],
    ...['COMPRESS=DEFLATE', 'CATENATE', 'APPENDLIMIT=4294967295', 'PREVIEW', 'SAVEDATE'],
  ],
};

for (const [name, start] of [
  ['Dovecot', startDovecot],
  ['Cyrus', startCyrus],
] as const) {
  describe(`${name} for tests`, () => {
    let server: MailServer;
    before(async () => {
      server = await start();
    });
    after(async () => {
      await server.stop();
    });

    const withLogin = async (tls: Security, run: (connection: Connection) => Promise<void>): Promise<void> => {
      const connection = await login(server.endpoint(`${name.toLowerCase()}-${tls}`, tls));
      try {
        await run(connection);
      } finally {
        connection.close();
      }
    };

    it('offers the extensions that the dialogues are about', async () => {
      await withLogin('none', async (connection) => {
        const [capability] = await expectOK(connection, 'a', 'CAPABILITY');
        const offered = new Set(capability?.toString().trim().split(' '));
        const missing = OFFERED[name].filter((extension) => !offered.has(extension));
        assert.deepEqual(missing, [], capability?.toString());
      });
    });

    for (const tls of ['none', 'starttls', 'implicit'] as const) {
      it(`stores a message for a new user, TLS: ${tls}`, async () => {
        await withLogin(tls, async (connection) => {
          await expectOK(connection, 'a', 'APPEND INBOX {17+}\r\nSubject: a\r\n\r\nb\r\n');
          await expectOK(connection, 'b', 'SELECT INBOX');
          const [fetched] = await expectOK(connection, 'c', 'FETCH 1 BODY[]');
          assert.match(fetched?.toString() ?? '', /^\* 1 FETCH \(.*BODY\[\] \{17\}\r\nSubject: a\r\n\r\nb\r\n/);
        });
      });
    }

    it('compresses', async () => {
      await withLogin('none', async (connection) => {
        await expectOK(connection, 'a', 'COMPRESS DEFLATE');
        connection.startCompression();
        await expectOK(connection, 'b', 'NOOP');
        await expectOK(connection, 'c', 'LIST "" *');
      });
    });
  });
}
