import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { front } from '#imap/front/front';
import { SILENT } from '#lib/log';
import { connectionPair } from '#test/lib/net/memory';

describe('the time before login', () => {
  it('makes no more answers than are read', async () => {
    const [connection, client] = connectionPair();
    const stop = new AbortController();
    const session = front(
      { id: 'x', connection, secure: true, peer: { address: '192.0.2.1', port: 1 }, log: SILENT, signal: stop.signal },
      () => Promise.reject(new Error('Nobody logs in.')),
      { loginTimeout: 60_000, errorBudget: 20 },
    );
    const commands = Buffer.from('a CAPABILITY\r\n'.repeat(4_000));
    for (let count = 0; count < 10; count++) {
      client.write(commands);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { waiting } = client;
    assert.ok(waiting < 20_000, `${waiting} octets wait`);
    stop.abort(new Error('The end.'));
    assert.equal(await session, undefined);
    client.destroy();
  });

  it('overwrites a password, whatever its judge does', async () => {
    const [connection, client] = connectionPair();
    let password = (): string => 'not asked';
    const session = front(
      {
        id: 'x',
        connection,
        secure: true,
        peer: { address: '192.0.2.1', port: 1 },
        log: SILENT,
        signal: new AbortController().signal,
      },
      ({ secret }) => {
        password = () => secret.reveal();
        return Promise.reject(new Error('The judge has failed.'));
      },
      { loginTimeout: 60_000, errorBudget: 20 },
    );
    client.write(Buffer.from('a LOGIN alice s3cret\r\n'));
    await assert.rejects(session, /The judge has failed/);
    assert.equal(password(), '\0'.repeat(6));
    client.destroy();
  });
});
