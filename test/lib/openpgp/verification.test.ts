import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ByteStream, gather, slices } from '#lib/bytes/source';
import { generateKey } from '#lib/openpgp/library';
import { type OpenedMessage, openMessage } from '#lib/openpgp/open';
import { openpgp } from '#test/openpgpjs';
import { Tag, literal, packet, seipd2Body, seipd2Parts, splitPackets, testSessionKey } from '#test/vectors/writer';

const sessionKey = testSessionKey('verification');
const { privateKey: key } = await generateKey({
  type: 'curve25519',
  userIDs: [{ email: 'alice@example.com' }],
  format: 'object',
});

function open(...content: readonly Buffer[]): Promise<OpenedMessage> {
  const body = seipd2Body(seipd2Parts(sessionKey, Buffer.concat(content), 2, 0));
  const message: ByteStream = slices(packet(Tag.seipd, body));
  return openMessage(message, { sessionKey, verifiers: () => [key.toPublic()] });
}

/** One-pass signature, literal data, signature. */
async function signed(text: string): Promise<Buffer[]> {
  const message = await openpgp.createMessage({ text });
  return splitPackets(Buffer.from((await openpgp.sign({ message, signingKeys: key, format: 'binary' })) as Uint8Array));
}

/** The one-pass signature of a signature of any type. */
function onePass(type: number, hash: number, algorithm: number, keyID: Uint8Array): Buffer {
  return packet(Tag.onePass, Buffer.concat([Buffer.of(3, type, hash, algorithm), keyID, Buffer.of(1)]));
}

describe('signatures', () => {
  it('about keys are none over a document, even where it has the very octets that they are over', async () => {
    const certification = key.users[0]?.selfCertifications[0] ?? assert.fail();
    const keyBody = Buffer.from(key.toPublic().keyPacket.write());
    const userID = Buffer.from(key.users[0]?.userID?.write() ?? assert.fail());
    const head = Buffer.from([0x99, 0, keyBody.length]);
    const length = Buffer.from([0xb4, 0, 0, 0, userID.length]);
    // RFC 9580 §5.2.4: what a certification is over.
    const document = Buffer.concat([head, keyBody, length, userID]);
    const { signatureType, hashAlgorithm, publicKeyAlgorithm, issuerKeyID } = certification;
    const announced = onePass(
      signatureType ?? 0,
      hashAlgorithm ?? 0,
      publicKeyAlgorithm ?? 0,
      Buffer.from(issuerKeyID.toHex(), 'hex'),
    );
    const message = await open(announced, literal(document), packet(Tag.signature, Buffer.from(certification.write())));
    await gather(message.payload);
    const [verdict] = await message.signatures();
    assert.equal(verdict?.status, 'invalid');
    assert.match(verdict.reason ?? '', /not over a document/);
  });

  it('over text hold for lines of any ends, wherever the chunks are cut', async () => {
    const text = Array.from({ length: 300 }, (_, i) => 'x'.repeat(i % 7) + (i % 3 === 0 ? '\r\n' : '\n')).join('');
    const [first, , last] = await signed(text);
    assert.ok(first && last);
    // Chunks of 64 octets.
    for (const ends of [text, text.replaceAll('\r\n', '\n'), text.replace(/\r?\n/g, '\r\n')]) {
      const message = await open(first, literal(Buffer.from(ends)), last);
      await gather(message.payload);
      assert.deepEqual(
        (await message.signatures()).map(({ status }) => status),
        ['valid'],
      );
    }
    const message = await open(first, literal(Buffer.from(text.replace('\n', '\n\n'))), last);
    await gather(message.payload);
    assert.equal((await message.signatures())[0]?.status, 'invalid');
  });

  it('over text that has nothing but line ends do not cost much more than others', async () => {
    const lines = literal(Buffer.alloc(1024 * 1024, '\n'));
    const announced = onePass(1, 10, 22, Buffer.alloc(8, 1));
    const signature = packet(Tag.signature, Buffer.of(4));
    const body = Buffer.concat([...Array<Buffer>(16).fill(announced), lines, ...Array<Buffer>(16).fill(signature)]);
    const sealed = packet(Tag.seipd, seipd2Body(seipd2Parts(sessionKey, body, 3, 10)));
    const before = process.cpuUsage();
    const message = await openMessage(slices(sealed), { sessionKey });
    await gather(message.payload);
    const { user } = process.cpuUsage(before);
    assert.ok(user < 1_500_000, `${user} microseconds`);
  });

  it('are judged once, however often they are asked for, and not before the payload has ended', async () => {
    const message = await open(...(await signed('hello\n')));
    await assert.rejects(message.signatures(), /to its end/);
    await gather(message.payload);
    const verdicts = await message.signatures();
    assert.equal(verdicts[0]?.status, 'valid');
    assert.equal(await message.signatures(), verdicts);
  });
});
