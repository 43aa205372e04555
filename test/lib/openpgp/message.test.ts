import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ByteStream, gather, slices } from '#lib/bytes/source';
import { type PrivateKey, config, enums, generateKey, readPrivateKey } from '#lib/openpgp/library';
import { workerPool } from '#lib/openpgp/offload';
import { type OpenOptions, openMessage } from '#lib/openpgp/open';
import { type Recipient, chooseRecipient } from '#lib/openpgp/recipient';
import { createSealer } from '#lib/openpgp/seal';

interface TestKey {
  readonly name: string;
  readonly key: PrivateKey;
  readonly recipient: Recipient;
}

async function make(name: string, options: object): Promise<TestKey> {
  const { privateKey } = await generateKey({
    userIDs: [{ email: 'alice@example.com' }],
    format: 'object',
    ...(options as { type: 'ecc' }),
  });
  return { name, key: privateKey, recipient: await chooseRecipient(privateKey.toPublic()) };
}

const aeadConfig = { aeadProtect: true, preferredAEADAlgorithm: enums.aead.gcm };
const keys: readonly TestKey[] = [
  await make('Curve25519Legacy', { type: 'ecc', curve: 'curve25519Legacy' }),
  await make('X25519 v4', { type: 'curve25519', config: aeadConfig }),
  await make('X25519 v6', { type: 'curve25519', config: { ...aeadConfig, v6Keys: true } }),
  await make('X448 v6', { type: 'curve448', config: { ...aeadConfig, v6Keys: true } }),
  await make('P-256', { type: 'ecc', curve: 'nistP256' }),
  await make('P-521', { type: 'ecc', curve: 'nistP521' }),
  await make('brainpoolP384r1', { type: 'ecc', curve: 'brainpoolP384r1' }),
  await make('RSA-2048', { type: 'rsa', rsaBits: 2048 }),
];

const rsa = keys.at(-1) ?? assert.fail();

/** Chunks of uneven sizes. */
async function* uneven(bytes: Buffer, step = 1000): AsyncGenerator<Buffer, void> {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7 + 3) % step) {
    size = Math.max(1, size);
    yield await Promise.resolve(bytes.subarray(at, at + size));
  }
}

async function open(input: ByteStream, options: OpenOptions): Promise<Buffer> {
  const message = await openMessage(input, options);
  const payload = await gather(message.payload);
  if (message.size !== undefined) assert.equal(payload.length, message.size);
  return payload;
}

describe('sealed messages', () => {
  for (const { name, key, recipient } of keys) {
    for (const compatible of [true, false]) {
      it(`open again: ${name}, SEIPDv${compatible ? 1 : 2}, with a signature`, async () => {
        for (const size of [0, 1, 100, 70_000]) {
          const payload = randomBytes(size);
          for (const armor of [true, false]) {
            const sealer = await createSealer({ recipients: [recipient], signers: [key], compatible, armor }, size);
            const sealed = await gather(sealer.seal(slices(payload)));
            assert.equal(sealed.length, sealer.size, `${name} ${size}`);
            const message = await openMessage(uneven(sealed), { keys: [key], verifiers: () => [key.toPublic()] });
            assert.equal(message.seipdVersion, compatible ? 1 : 2);
            assert.equal(message.size, size);
            assert.deepEqual(await gather(message.payload), payload);
            const [verdict, ...more] = await message.signatures();
            assert.equal(verdict?.status, 'valid', `${name}: ${verdict?.reason ?? ''}`);
            assert.equal(verdict.fingerprint, key.getFingerprint().toUpperCase());
            assert.deepEqual(more, []);
            assert.deepEqual(await open(slices(sealed), { sessionKey: sealer.sessionKey }), payload);
          }
        }
      });
    }
  }

  it('open for each of several recipients, and each is named once', async () => {
    const recipients = keys.map(({ recipient }) => recipient);
    const payload = randomBytes(5000);
    for (const compatible of [true, false]) {
      const sealer = await createSealer({ recipients: [...recipients, ...recipients], compatible }, payload.length);
      const sealed = await gather(sealer.seal(slices(payload)));
      for (const { key } of keys) {
        const message = await openMessage(slices(sealed), { keys: [key] });
        assert.deepEqual(
          message.recipients,
          recipients.map(({ keyID }) => keyID),
        );
        assert.deepEqual(await gather(message.payload), payload);
      }
    }
  });

  it('use SEIPDv2 only where every certificate announces it, with the AEAD that all prefer', async () => {
    const version = async (recipients: readonly Recipient[], compatible?: boolean) =>
      (await createSealer({ recipients, compatible })).seipdVersion;
    const [legacy, v4, v6] = keys.map(({ recipient }) => recipient) as [Recipient, Recipient, Recipient];
    assert.equal(await version([legacy]), 1);
    assert.equal(await version([v4, v6]), 2);
    assert.equal(await version([v4, legacy]), 1);
    assert.equal(await version([v4], true), 1);
    assert.equal(await version([legacy], false), 2);
  });

  it('have several signatures, each judged', async () => {
    const [a, b, c] = keys as [TestKey, TestKey, TestKey];
    const payload = randomBytes(3000);
    for (const compatible of [true, false]) {
      const sealer = await createSealer(
        { recipients: [a.recipient], signers: [a.key, b.key, c.key], compatible },
        payload.length,
      );
      const sealed = await gather(sealer.seal(uneven(payload)));
      assert.equal(sealed.length, sealer.size);
      const verifiers = ({ keyID }: { keyID: string }) =>
        [b.key, c.key].filter((key) => key.getKeyID().toHex().toUpperCase() === keyID).map((key) => key.toPublic());
      const message = await openMessage(slices(sealed), { keys: [a.key], verifiers });
      await gather(message.payload);
      assert.deepEqual((await message.signatures()).map(({ status }) => status).sort(), [
        'unknown-key',
        'valid',
        'valid',
      ]);
    }
  });

  it('say so when the payload is not as long as announced', async () => {
    const [{ recipient }] = keys as [TestKey];
    for (const wrong of [9, 11]) {
      const sealer = await createSealer({ recipients: [recipient] }, wrong);
      await assert.rejects(gather(sealer.seal(slices(Buffer.alloc(10)))), { code: 'size-mismatch' });
    }
  });

  it('pass on a failure of what feeds them', async () => {
    const [{ recipient }] = keys as [TestKey];
    async function* failing(): AsyncGenerator<Buffer, void> {
      yield await Promise.resolve(Buffer.alloc(100));
      throw new Error('unplugged');
    }
    const sealer = await createSealer({ recipients: [recipient] }, 200);
    await assert.rejects(gather(sealer.seal(failing())), /unplugged/);
  });

  it('refuse to be without recipients', async () => {
    await assert.rejects(createSealer({ recipients: [] }), { code: 'unusable-key' });
  });

  it('are written with partial lengths where the size is not known, and open all the same', async () => {
    const [, { key, recipient }] = keys as [TestKey, TestKey];
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 300_000 }),
        fc.boolean(),
        fc.boolean(),
        async (size, compatible, armor) => {
          const payload = randomBytes(size);
          const sealer = await createSealer({ recipients: [recipient], signers: [key], compatible, armor });
          assert.equal(sealer.size, undefined);
          const sealed = await gather(sealer.seal(uneven(payload, 70_000)));
          assert.deepEqual(await open(uneven(sealed, 9000), { keys: [key] }), payload);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('open from lent chunks, whose memory is overwritten when the next one is asked for', async () => {
    async function* lending(bytes: Buffer): AsyncGenerator<Buffer, void> {
      const block = Buffer.alloc(3001);
      for (let at = 0; at < bytes.length; at += block.length) {
        const size = bytes.copy(block, 0, at, at + block.length);
        yield await Promise.resolve(block.subarray(0, size));
        block.fill(0x41);
      }
    }
    const payload = randomBytes(300_000);
    for (const armor of [true, false]) {
      for (const compatible of [true, false]) {
        const sealer = await createSealer({ recipients: [rsa.recipient], armor, compatible }, payload.length);
        const sealed = await gather(sealer.seal(slices(payload)));
        for (const bufferLimit of [1000, 1_000_000]) {
          assert.deepEqual(await open(lending(sealed), { keys: [rsa.key], lent: true, bufferLimit }), payload);
        }
      }
    }
  });

  it('open through a spool above the buffer limit, which leaves nothing behind', async () => {
    const [, { key, recipient }] = keys as [TestKey, TestKey];
    const directory = mkdtempSync(join(tmpdir(), 'open-test-'));
    const payload = randomBytes(2_500_000);
    for (const compatible of [true, false]) {
      const sealer = await createSealer({ recipients: [recipient], signers: [key], compatible }, payload.length);
      const sealed = await gather(sealer.seal(slices(payload)));
      const options = { keys: [key], spoolDirectory: directory, bufferLimit: 100_000, signaturesFirst: true };
      const message = await openMessage(slices(sealed), { ...options, verifiers: () => [key.toPublic()] });
      assert.equal(message.verified, true);
      assert.equal((await message.signatures())[0]?.status, 'valid');
      assert.deepEqual(await gather(message.payload), payload);
      const left = await openMessage(slices(sealed), options);
      for await (const chunk of left.payload) {
        assert.ok(chunk.length > 0);
        break;
      }
    }
    assert.deepEqual(readdirSync(directory), []);
    rmSync(directory, { recursive: true });
  });

  it('keep no file open once their payload is left, be it before its first octet', async () => {
    const [, { key, recipient }] = keys as [TestKey, TestKey];
    const payload = randomBytes(300_000);
    const sealer = await createSealer({ recipients: [recipient], compatible: true }, payload.length);
    const sealed = await gather(sealer.seal(slices(payload)));
    const openFiles = () => readdirSync('/proc/self/fd').length;
    const before = openFiles();
    const message = await openMessage(slices(sealed), { keys: [key], bufferLimit: 1000 });
    assert.equal(openFiles(), before + 1);
    await message.payload[Symbol.asyncIterator]().return?.();
    assert.equal(openFiles(), before);
  });

  it('open with RSA in worker threads', async () => {
    const { key, recipient } = rsa;
    const offload = workerPool(1);
    try {
      const sealer = await createSealer({ recipients: [recipient], signers: [key], offload }, 5);
      const sealed = await gather(sealer.seal(slices(Buffer.from('hello'))));
      assert.deepEqual(await open(slices(sealed), { keys: [key], offload }), Buffer.from('hello'));
    } finally {
      await offload.close();
    }
  });
});

describe('opening refuses', () => {
  it('a message for somebody else, and names the recipients', async () => {
    const [a, b] = keys as [TestKey, TestKey];
    const sealer = await createSealer({ recipients: [a.recipient] }, 5);
    const sealed = await gather(sealer.seal(slices(Buffer.from('hello'))));
    await assert.rejects(open(slices(sealed), { keys: [b.key] }), (error: Error & { code: string }) => {
      assert.equal(error.code, 'no-key');
      assert.match(error.message, new RegExp(a.recipient.keyID));
      return true;
    });
  });

  it('a locked key', async () => {
    const [{ recipient }] = keys as [TestKey];
    const { privateKey: locked } = await generateKey({
      userIDs: [{ email: 'alice@example.com' }],
      passphrase: 'secret',
      format: 'object',
      config: { s2kType: enums.s2k.iterated, s2kIterationCountByte: 0 },
    });
    const own = await chooseRecipient(locked.toPublic());
    const sealer = await createSealer({ recipients: [own, recipient] }, 5);
    const sealed = await gather(sealer.seal(slices(Buffer.from('hello'))));
    const stored = await readPrivateKey({ binaryKey: locked.write() });
    await assert.rejects(open(slices(sealed), { keys: [stored] }), { code: 'unusable-key' });
  });

  it('a broken RSA padding only as a message that was changed', async () => {
    const { key, recipient } = rsa;
    const sealer = await createSealer({ recipients: [recipient], armor: false, compatible: true }, 5);
    const sealed = await gather(sealer.seal(slices(Buffer.from('hello'))));
    const changed = Buffer.from(sealed);
    changed[100] = (changed[100] ?? 0) ^ 1;
    await assert.rejects(open(slices(changed), { keys: [key] }), { code: /^mdc-/ });
  });

  it('a damaged ECDH session key as such', async () => {
    const [legacy, v4] = keys as [TestKey, TestKey];
    for (const { key, recipient } of [legacy, v4]) {
      const sealer = await createSealer({ recipients: [recipient], armor: false }, 5);
      const changed = Buffer.from(await gather(sealer.seal(slices(Buffer.from('hello')))));
      changed[60] = (changed[60] ?? 0) ^ 1;
      await assert.rejects(open(slices(changed), { keys: [key] }), { code: 'session-key' });
    }
  });
});

assert.equal(config.maxArgon2MemoryExponent, 17);
