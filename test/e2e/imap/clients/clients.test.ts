import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { expectOK, login } from '../client.js';
import { startDovecot } from '../dovecot.js';
import { type Endpoint, type MailServer, PASSWORD, type Security } from '../endpoint.js';
import { type Preparing, fill, mail } from '../fixture.js';
import { type Postern, startPostern } from '../postern.js';
import { type Client, MANY, without } from './client.js';
import { curl } from './curl.js';
import { fetchmail } from './fetchmail.js';
import { getmail } from './getmail.js';
import { imapflow } from './imapflow.js';
import { imaplib } from './imaplib.js';
import { MBSYNC_FIELD, mbsync } from './mbsync.js';
import { mutt } from './mutt.js';
import { offlineimap } from './offlineimap.js';
import type { Form } from './stores.js';
import { type StoredAs, twoWay } from './twoway.js';

const CLIENTS: readonly Client[] = [curl, fetchmail, getmail, imapflow, imaplib, mbsync, mutt, offlineimap];

/** Everything that can be tried; else what fits into the time of the ordinary tests. */
const ALL = process.env['E2E'] === 'all';

describe('mail programs', () => {
  let server: MailServer;
  let postern: Postern;
  before(async () => {
    [server, postern] = await Promise.all([startDovecot(), startPostern()]);
  });
  after(async () => {
    await Promise.all([server.stop(), postern.stop()]);
  });

  const direct = (user: string, tls: Security): Promise<Endpoint> => Promise.resolve(server.endpoint(user, tls));
  const throughPostern = async (user: string, tls: Security): Promise<Endpoint> => {
    const { endpoint } = await postern.interpose(server.endpoint(user));
    return postern.endpoint(endpoint.user, PASSWORD, tls);
  };

  const asTheyAre: StoredAs = {
    prepare: (message) => Promise.resolve(message),
    open: (message) => Promise.resolve(message),
  };
  /** Encrypted at the provider, for the user of an endpoint of Postern's. */
  const encrypted = ({ user }: Endpoint): StoredAs => ({
    prepare: (message) => postern.seal(user, message),
    open: (message) => postern.open(message),
  });

  const flagsOfFirst = async (endpoint: Endpoint): Promise<string> => {
    const connection = await login(endpoint);
    try {
      await expectOK(connection, 'a', 'EXAMINE INBOX');
      return String((await expectOK(connection, 'b', 'FETCH 1 FLAGS'))[0]);
    } finally {
      connection.close();
    }
  };

  /** Line ends are the program's, and the order is where file names are. */
  const texts = (messages: readonly Buffer[]): string[] =>
    messages.map((message) => message.toString('latin1').replaceAll('\r\n', '\n').trimEnd()).sort();

  const fields = (messages: readonly Buffer[]): string[] =>
    texts(messages)
      .map((text) => (text.match(/^(?:Message-ID|Subject|X-Number): .*$/gm) ?? []).slice(0, 3).join())
      .sort();

  /** A program has its folder as its home, and the INBOX of a user of its own. */
  const fetches = async (client: Client, user: string, endpoint: Endpoint, prepare?: Preparing): Promise<void> => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-client-'));
    try {
      await fill(server.endpoint(user), 'mail', prepare);
      const { messages } = await client.run(endpoint, folder);
      const compared = client.rewrites === true ? fields : texts;
      assert.deepEqual(compared(messages), compared(mail()));
      if (client.flags === true) assert.match(await flagsOfFirst(server.endpoint(user)), /\\Flagged/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  for (const [index, client] of CLIENTS.entries()) {
    const { securities } = client;
    for (const tls of ALL ? securities : securities.filter((_, number) => number === index % securities.length)) {
      it(`${client.name} fetches every message, TLS: ${tls}`, async () => {
        const user = `${client.name}-${tls}`;
        await fetches(client, user, await direct(user, tls));
      });
    }
    const secure = securities.filter((tls) => tls !== 'none');
    for (const tls of ALL ? secure : secure.filter((_, number) => number === index % secure.length)) {
      it(`${client.name} fetches every message through Postern, TLS: ${tls}`, async () => {
        const user = `${client.name}-${tls}-postern`;
        await fetches(client, user, await throughPostern(user, tls));
      });

      it(`${client.name} fetches every message decrypted, TLS: ${tls}`, async () => {
        const user = `${client.name}-${tls}-encrypted`;
        const endpoint = await throughPostern(user, tls);
        await fetches(client, user, endpoint, encrypted(endpoint).prepare);
      });
    }
  }

  /** mbsync keeps messages as they are, but for the field by which it knows them again. */
  const exactly: Form = (message) =>
    Buffer.from(without(message, MBSYNC_FIELD).toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
  /** What offlineimap writes anew has other empty lines, and its own field. */
  const loosely: Form = (message) =>
    Buffer.from(
      exactly(without(message, /^X-OfflineIMAP: .*\r?\n/gm))
        .toString('latin1')
        .replace(/\n+/g, '\n'),
      'latin1',
    );

  const synchronises = async (
    client: Client,
    form: Form,
    user: string,
    through: Endpoint,
    storedAs: StoredAs,
  ): Promise<void> => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-client-'));
    // The other one takes its time for each.
    const many = client === mbsync ? MANY : 10;
    try {
      const { provider, copy } = await twoWay(client, server.endpoint(user), through, folder, form, storedAs, many);
      assert.deepEqual(copy, provider);
      const names = (mailbox: string): string[] => (copy[mailbox] ?? []).map((text) => text.slice(0, -13).trim());
      // 4 is expunged, 5 and 8 are moved, 7 is removed from the copy; 1, 3 and 6 have other flags; 100 is new.
      assert.equal(names('Many').length, many);
      assert.deepEqual(names('Archive'), ['Number 5', 'Number 8 \\Seen']);
      assert.deepEqual(
        names('INBOX').filter((name) => /^(Number|Added)/.test(name)),
        [
          'Added to the copy',
          'Number 1 \\Answered \\Flagged',
          'Number 100',
          'Number 2 \\Seen',
          'Number 3',
          'Number 6 \\Flagged \\Seen',
        ],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  for (const [client, form] of [
    [mbsync, exactly],
    [offlineimap, loosely],
  ] as const) {
    for (const [way, through, storedAs] of [
      ['', direct, () => asTheyAre],
      [', through Postern', throughPostern, (endpoint) => ({ ...encrypted(endpoint), prepare: asTheyAre.prepare })],
      [', encrypted at the provider', throughPostern, encrypted],
    ] satisfies readonly (readonly [string, typeof direct, (endpoint: Endpoint) => StoredAs])[]) {
      it(`${client.name} makes both sides the same after both have changed${way}`, async () => {
        const user = `${client.name}-both${way.replaceAll(/[, ]+/g, '-').toLowerCase()}`;
        const endpoint = await through(user, 'implicit');
        await synchronises(client, form, user, endpoint, storedAs(endpoint));
      });
    }
  }
});
