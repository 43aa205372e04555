/** Messages with signatures of every kind and condition, by openpgp.js and then cut and joined by hand. */
import { openpgp } from '#test/openpgpjs';
import { type ExpectedSignature, type KeyName, loadKey, loadSubkey } from './catalogue.js';
import { type Made, good } from './makepeers.js';
import { payloadOf } from './payload.js';
import {
  Tag,
  packet,
  splitPackets,
  pkeskX25519,
  seipd1Body,
  seipd2Body,
  seipd2Parts,
  testSessionKey,
} from './writer.js';

const OWN: KeyName = 'openpgpjs-x25519-v4';
const FROM = 'OpenPGP.js 6.3.2 and test/vectors/signed.ts';
const KEY = testSessionKey('signed');
const MAIL = payloadOf('mail', 4000);

/** One packet each. */
async function signedPackets(
  signers: readonly KeyName[],
  { text = false, data = MAIL }: { readonly text?: boolean; readonly data?: Buffer } = {},
): Promise<{ onePass: Buffer[]; literal: Buffer; signatures: Buffer[] }> {
  const date = new Date('2026-02-01T00:00:00Z');
  const message = text
    ? await openpgp.createMessage({ text: data.toString('latin1'), date })
    : await openpgp.createMessage({ binary: data, date });
  const signingKeys = await Promise.all(signers.map(loadKey));
  const signed = (await openpgp.sign({ message, signingKeys, date, format: 'binary' })) as Uint8Array;
  const written = splitPackets(Buffer.from(signed));
  const all = (tag: number): Buffer[] => written.filter((each) => each.readUInt8() === (0xc0 | tag));
  const [literal = Buffer.alloc(0)] = all(Tag.literal);
  return { onePass: all(Tag.onePass), literal, signatures: all(Tag.signature) };
}

export async function makeSigned(): Promise<Made[]> {
  const own = await loadSubkey(OWN);
  const made: Made[] = [];
  const add = (
    name: string,
    content: readonly Buffer[],
    signatures: readonly ExpectedSignature[],
    certificates?: readonly KeyName[],
  ): void => {
    const plaintext = Buffer.concat(content);
    for (const seipd of [1, 2] as const) {
      const body = seipd === 1 ? seipd1Body(KEY, plaintext) : seipd2Body(seipd2Parts(KEY, plaintext, 2, 6));
      const message = Buffer.concat([pkeskX25519(seipd === 1 ? 3 : 6, own, KEY), packet(Tag.seipd, body)]);
      const { vector } = good(`seipd${seipd}-signed-${name}`, FROM, [OWN], message, { size: MAIL.length, seipd });
      const outcome = { ...vector.outcome, signatures };
      made.push({ vector: { ...vector, outcome, ...(certificates && { certificates }) }, message });
    }
  };
  const valid = (key: KeyName): ExpectedSignature => ({ status: 'valid', key });
  const invalid = (key: KeyName): ExpectedSignature => ({ status: 'invalid', key });
  const unknown = (key: KeyName): ExpectedSignature => ({ status: 'unknown-key', key });

  const keys: readonly KeyName[] = [
    OWN,
    'openpgpjs-x25519-v6',
    'openpgpjs-x448-v6',
    'gpg-curve25519',
    'gpg-p521',
    'gpg-rsa3072',
  ];
  for (const key of keys) {
    const one = await signedPackets([key]);
    add(key, [...one.onePass, one.literal, ...one.signatures], [valid(key)]);
  }
  const one = await signedPackets([OWN]);
  const two = await signedPackets(['gpg-p256', 'openpgpjs-x25519-v6']);
  const text = await signedPackets([OWN], { text: true });
  const other = await signedPackets([OWN], { data: payloadOf('mail', 4001) });
  const [ops = Buffer.alloc(0)] = one.onePass;
  const [signature = Buffer.alloc(0)] = one.signatures;
  const damaged = Buffer.from(signature);
  damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);

  add('two', [...two.onePass, two.literal, ...two.signatures], [valid('gpg-p256'), valid('openpgpjs-x25519-v6')]);
  add('text', [...text.onePass, text.literal, ...text.signatures], [valid(OWN)]);
  // Before one-pass signatures the signature came first; the grammar still has it.
  add('old-order', [signature, one.literal], [valid(OWN)]);
  add('unknown', [ops, one.literal, signature], [unknown(OWN)], []);
  add(
    'one-of-two-unknown',
    [...two.onePass, two.literal, ...two.signatures],
    [unknown('gpg-p256'), valid('openpgpjs-x25519-v6')],
    ['openpgpjs-x25519-v6'],
  );
  add('wrong-data', [ops, one.literal, ...other.signatures], [invalid(OWN)]);
  add('damaged', [ops, one.literal, damaged], [invalid(OWN)]);
  return made;
}
