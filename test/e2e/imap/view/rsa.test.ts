import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { it } from 'node:test';
import { generateKey } from '#lib/openpgp/library';
import { asVaultKey } from '#lib/vault/privatekey';
import { expectOK } from '../client.js';
import { append, select, startTwins } from './mailbox.js';

it('opens messages to an RSA key in threads of their own', async () => {
  const { privateKey } = await generateKey({
    type: 'rsa',
    rsaBits: 2048,
    userIDs: [{ email: 'stored@example.com' }],
    format: 'object',
  });
  const twins = await startTwins({ keys: [asVaultKey(privateKey)] });
  try {
    const message = Buffer.from('From: bob@example.com\r\nSubject: Hello\r\n\r\ntext\r\n');
    await append(twins.stored, [await twins.seal(message)]);
    const threads = (): number => readdirSync(`/proc/${twins.pid}/task`).length;
    const connection = await select(twins.shown);
    const before = threads();
    const [response] = await expectOK(connection, 'f', 'FETCH 1 BODY.PEEK[]');
    assert.ok(response?.includes(message));
    assert.ok(threads() > before);
    connection.close();
  } finally {
    await twins.stop();
  }
});
