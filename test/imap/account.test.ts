import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { accountOf } from '#imap/account';
import { gather, memorySource } from '#lib/bytes/source';
import { SILENT } from '#lib/log';
import { recipientsOf } from '#lib/message/addressed';
import { openStored } from '#lib/message/open';
import { encryptedStream, readTop, recognise } from '#lib/message/recognise';
import type { SealedMessage } from '#lib/message/seal';
import { SummaryKey, openSummary } from '#lib/message/summary';
import { type PrivateKey, generateKey } from '#lib/openpgp/library';
import type { OpenVault } from '#lib/vault/openvault';
import type { Policies } from '#lib/vault/profile';
import { armor, lines, person, pgpMime } from '#test/lib/message/fixture';
import { PROFILE } from '#test/lib/vault/material';

const DAY = 86_400;
const ORIGIN_KEY = Buffer.alloc(32, 7);
const MESSAGE = lines('From: bob@example.com', 'To: alice@example.com', 'Subject: secret', '', 'hello');

const [newest, older] = [
  (await person('Alice <alice@example.com>')).key,
  (await person('Alice <alice@example.com>')).key,
];
const expired = (
  await generateKey({
    userIDs: [{ email: 'alice@example.com' }],
    date: new Date(Date.now() - 10 * DAY * 1000),
    keyExpirationTime: DAY,
    format: 'object',
  })
).privateKey;

const SUMMARY_KEY = new SummaryKey(randomBytes(32));

/** An account with these keys, whose vault counts how often they are read. */
function account(
  keys: readonly PrivateKey[],
  policies: Policies = {},
): ReturnType<typeof accountOf> & { readonly reads: () => number } {
  let reads = 0;
  const vault: Pick<OpenVault, 'keys' | 'originKey'> = {
    get keys() {
      reads++;
      return keys.map((key) => Buffer.from(key.write()));
    },
    originKey: ORIGIN_KEY,
  };
  return {
    ...accountOf(
      vault as OpenVault,
      { ...PROFILE, policies },
      {
        capabilities: [],
        log: SILENT,
        summaryKey: SUMMARY_KEY,
      },
    ),
    reads: () => reads,
  };
}

async function recipients(sealed: SealedMessage): Promise<readonly string[]> {
  const stored = memorySource(await gather(sealed.stream()));
  const encryption = await recognise(stored, await readTop(stored));
  assert.ok(encryption);
  return (await recipientsOf(encryptedStream(stored, encryption))).map(({ keyID }) => keyID);
}

async function keyIDs(key: PrivateKey): Promise<readonly string[]> {
  return [(await key.getEncryptionKey()).getKeyID().toHex().toUpperCase()];
}

describe('the account of a session', () => {
  it('encrypts to the newest key that can be used, and to no other', async () => {
    assert.deepEqual(
      await recipients(await account([newest, older]).seal(memorySource(MESSAGE))),
      await keyIDs(newest),
    );
    assert.deepEqual(
      await recipients(await account([expired, older]).seal(memorySource(MESSAGE))),
      await keyIDs(older),
    );
  });

  it('encrypts to nobody where no key can be used', async () => {
    for (const keys of [[], [expired]]) {
      await assert.rejects(account(keys).seal(memorySource(MESSAGE)), { name: 'OpenPGPError', code: 'unusable-key' });
    }
  });

  it('marks what it has encrypted as its own', async () => {
    const sealed = await account([newest]).seal(memorySource(MESSAGE));
    const stored = memorySource(await gather(sealed.stream()));
    const view = await openStored(stored, { keys: () => [newest], originKey: ORIGIN_KEY });
    assert.equal(view.kind === 'opened' && view.origin, 'own');
    assert.deepEqual(await gather(view.stream()), MESSAGE);
  });

  it('tells a listing what it needs, where it is given that', async () => {
    const record = Buffer.from('a record');
    for (const [given, told] of [
      [record, record],
      [undefined, undefined],
    ]) {
      const sealed = await account([newest]).seal(memorySource(MESSAGE), { record: given });
      const { header } = await readTop(memorySource(await gather(sealed.stream())));
      assert.deepEqual(openSummary(SUMMARY_KEY, header), told);
    }
  });

  it('keeps what is encrypted to any of its keys, unless that is to be encrypted too', async () => {
    const recipient = (await person('Alice <alice@example.com>')).recipient;
    const alice = account([newest, older]);
    const { chooseRecipient } = await import('#lib/openpgp/recipient');
    for (const [key, kept] of [
      [older, true],
      [newest, true],
      [expired, false],
    ] as const) {
      const to = key === expired ? recipient : await chooseRecipient(key.toPublic());
      const message = pgpMime(['From: bob@example.com'], await armor(MESSAGE, { recipients: [to] }));
      assert.equal((await alice.seal(memorySource(message))).kept, kept);
      assert.equal((await alice.seal(memorySource(message), { double: 'always' })).kept, false);
    }
  });

  it('follows the policies of its profile', async () => {
    const header = async (policies: Policies): Promise<string> => {
      const sealed = await account([newest], policies).seal(memorySource(MESSAGE));
      return (await gather(sealed.stream())).toString('latin1');
    };
    assert.match(await header({}), /^From: bob@example\.com\r\nTo: alice@example\.com\r\nSubject: \[\.\.\.\]/);
    assert.doesNotMatch(await header({ headers: 'strict' }), /bob|alice/);
    assert.match(await header({ headers: 'none' }), /^Subject: secret\r\n/m);
    // The checksum is of SEIPDv1 only (RFC 9580 §6.1).
    assert.match(await header({ compatible: true }), /^=[A-Za-z0-9+/]{4}\r\n-----END/m);
    assert.doesNotMatch(await header({ compatible: false }), /^=[A-Za-z0-9+/]{4}\r\n-----END/m);
  });

  it('knows exempt mailboxes by their keys', () => {
    const { exempt } = account([], { exempt: ['inbox', 'Spam', 'Entwürfe'] });
    assert.deepEqual([...exempt], ['INBOX', 'Spam', 'Entwürfe']);
  });

  it('reads its keys when they are needed, and once', async () => {
    const alice = account([newest]);
    assert.equal(alice.reads(), 0);
    await Promise.all([alice.seal(memorySource(MESSAGE)), alice.keys(), alice.seal(memorySource(MESSAGE))]);
    assert.equal(alice.reads(), 1);
  });
});
