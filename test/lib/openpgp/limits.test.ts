import assert from 'node:assert/strict';
import { deflateRawSync } from 'node:zlib';
import { describe, it } from 'node:test';
import { gather, slices } from '#lib/bytes/source';
import { generateKey } from '#lib/openpgp/library';
import { LIMITS } from '#lib/openpgp/limits';
import { type OpenOptions, openMessage } from '#lib/openpgp/open';
import { ByteReader, PartialLengthWriter, readPacket } from '#lib/openpgp/packet';
import { chooseRecipient } from '#lib/openpgp/recipient';
import { createSealer } from '#lib/openpgp/seal';
import {
  Tag,
  compressed,
  literal,
  packet,
  partialPacket,
  seipd2Body,
  seipd2Parts,
  splitPackets,
  testSessionKey,
} from '#test/vectors/writer';

const sessionKey = testSessionKey('limits');
const HELLO = literal(Buffer.from('hello'));

async function open(plaintext: Buffer, options: OpenOptions = {}): Promise<string> {
  const message = packet(Tag.seipd, seipd2Body(seipd2Parts(sessionKey, plaintext, 3, 10)));
  return (await gather((await openMessage(slices(message), { sessionKey, ...options })).payload)).toString();
}

describe('limits', () => {
  it('hold for packets that are passed over: outside, inside, compressed, before the message and after it', async () => {
    const some = Buffer.alloc(2 * (LIMITS.packets - 10), packet(Tag.padding, Buffer.alloc(0)));
    const many = Buffer.alloc(2 * (LIMITS.packets + 1), packet(Tag.padding, Buffer.alloc(0)));
    assert.equal(await open(Buffer.concat([some, HELLO])), 'hello');
    assert.equal(await open(compressed(1, Buffer.concat([HELLO, some]))), 'hello');
    for (const plaintext of [Buffer.concat([many, HELLO]), Buffer.concat([HELLO, many])]) {
      await assert.rejects(open(plaintext), { code: 'limit' });
      await assert.rejects(open(compressed(1, plaintext)), { code: 'limit' });
    }
    const passwords = Buffer.alloc(2 * (LIMITS.packets + 1), packet(3, Buffer.alloc(0)));
    await assert.rejects(openMessage(slices(passwords), { sessionKey }), { code: 'limit' });
  });

  it('hold for what compression in compression gives, measured by what the sender sent', async () => {
    const limits = { decompressionFree: 1_000_000 };
    assert.equal(await open(compressed(1, compressed(2, HELLO)), { limits }), 'hello');
    const bomb = compressed(1, compressed(1, literal(Buffer.alloc(5_000_000))));
    // The inner one alone expands less than the ratio allows once it has been expanded itself.
    const ratio = { ...limits, decompressionRatio: 1100 };
    await assert.rejects(open(bomb, { limits: ratio }), { code: 'decompression-limit' });
  });

  it('leave no room for anything after the end of compressed data', async () => {
    for (const tail of [Buffer.of(0), Buffer.alloc(300_000, packet(Tag.padding, Buffer.alloc(0)))]) {
      const body = Buffer.concat([Buffer.of(1), deflateRawSync(HELLO), tail]);
      await assert.rejects(open(packet(Tag.compressed, body)), { code: 'trailing-data' });
    }
  });

  it('hold for session keys that name our key and are not for it', async () => {
    const { privateKey } = await generateKey({
      type: 'curve25519',
      userIDs: [{ email: 'alice@example.com' }],
      format: 'object',
    });
    const recipients = [await chooseRecipient(privateKey.toPublic())];
    const sealer = await createSealer({ recipients, armor: false, compatible: true }, 5);
    const [first, ...rest] = splitPackets(await gather(sealer.seal(slices(Buffer.from('hello')))));
    assert.ok(first);
    const wrong = Buffer.from(first);
    wrong[first.length - 1] = (first.at(-1) ?? 0) ^ 1;
    const withWrong = (count: number) =>
      openMessage(slices(Buffer.concat([...Array<Buffer>(count).fill(wrong), first, ...rest])), { keys: [privateKey] });
    assert.equal((await gather((await withWrong(LIMITS.keyAttempts - 1)).payload)).toString(), 'hello');
    await assert.rejects(withWrong(LIMITS.keyAttempts), { code: 'limit' });
  });
});

describe('partial lengths', () => {
  it('of one octet come out joined', async () => {
    const body = Buffer.alloc(50_000, 'abc');
    for (const exponents of [
      [9, 0],
      [9, 0, 3, 12, 0, 0, 11, 1],
    ]) {
      const packetRead = await readPacket(new ByteReader(slices(partialPacket(Tag.literal, body, exponents))));
      const chunks: Buffer[] = [];
      for await (const chunk of packetRead?.body ?? []) chunks.push(chunk);
      assert.deepEqual(Buffer.concat(chunks), body);
      assert.ok(chunks.length < 60, `${chunks.length} chunks`);
    }
  });

  it('are written from single octets without copying all for each', () => {
    const octet = Buffer.of(7);
    const writer = new PartialLengthWriter(Tag.literal);
    const before = process.cpuUsage();
    let size = 0;
    for (let i = 0; i < 200_000; i++) size += writer.push(octet).length;
    size += writer.end().length;
    const { user } = process.cpuUsage(before);
    // The type, three parts with an octet of length each, and the rest with two.
    assert.equal(size, 200_000 + 1 + 3 + 2);
    assert.ok(user < 500_000, `${user} microseconds`);
  });
});
