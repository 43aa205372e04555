/** Opens a vector with lib/openpgp and holds what happens against what the index says. */
import assert from 'node:assert/strict';
import type { ByteStream } from '#lib/bytes/source';
import { OpenPGPError } from '#lib/openpgp/error';
import type { PublicKey } from '#lib/openpgp/library';
import { type OpenOptions, openMessage } from '#lib/openpgp/open';
import type { SignatureVerdict } from '#lib/openpgp/verification';
import { KEY_NAMES, type Vector, loadKey } from './catalogue.js';
import { payloadOf, sha256 } from './payload.js';

/** What came of opening a message. */
export interface Opening {
  /** All that was handed out. */
  readonly payload: Buffer;
  readonly error?: Error;
  readonly seipd?: 1 | 2;
  readonly size?: number | undefined;
  readonly signatures?: readonly SignatureVerdict[];
}

/** Opens a message and takes everything that it gives out, also when it ends in an error. */
export async function openAll(input: ByteStream, options: OpenOptions): Promise<Opening> {
  const chunks: Buffer[] = [];
  try {
    const opened = await openMessage(input, options);
    for await (const chunk of opened.payload) chunks.push(Buffer.from(chunk));
    const signatures = await opened.signatures();
    return { payload: Buffer.concat(chunks), seipd: opened.seipdVersion, size: opened.size, signatures };
  } catch (error) {
    return { payload: Buffer.concat(chunks), error: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** The keys and certificates that the vector is opened with. */
export async function optionsFor(vector: Vector): Promise<OpenOptions> {
  const { certificates = KEY_NAMES, sessionKey } = vector;
  const known = await Promise.all(certificates.map(loadKey));
  return {
    keys: await Promise.all(vector.keys.map(loadKey)),
    ...(sessionKey && {
      sessionKey: { algorithm: sessionKey.algorithm, key: Buffer.from(sessionKey.key, 'hex') },
    }),
    verifiers: ({ keyID }): PublicKey[] => {
      const wanted = keyID.toLowerCase();
      return known.flatMap((key) => (key.getKeyIDs().some((id) => id.toHex() === wanted) ? [key.toPublic()] : []));
    },
  };
}

/** Throws an AssertionError unless `opening` is what the vector's index entry says. */
export async function checkOpening(vector: Vector, opening: Opening): Promise<void> {
  const { outcome } = vector;
  const { payload, error } = opening;
  if ('error' in outcome) {
    assert.ok(error !== undefined, 'It was opened, and should not have been.');
    if (!(error instanceof OpenPGPError)) throw error;
    assert.equal(error.code, outcome.error, error.message);
    const { kind } = vector.payload;
    const { size } = outcome.released;
    assert.ok(payload.length <= size, `${payload.length} octets came out, and at most ${size} may.`);
    assert.equal(sha256(payload), sha256(payloadOf(kind, payload.length)), 'What came out is not the plaintext.');
    return;
  }
  if (error !== undefined) throw error;
  assert.equal(payload.length, outcome.size);
  assert.equal(sha256(payload), outcome.sha256);
  assert.equal(opening.seipd, outcome.seipd);
  assert.ok(opening.size === undefined || opening.size === outcome.size, 'The size announced is wrong.');
  const expected = await Promise.all(
    outcome.signatures.map(async ({ status, key }) => ({ status, signer: await signerOf(key) })),
  );
  const found = (opening.signatures ?? []).map(({ status, keyID }) => ({ status, signer: keyID.toLowerCase() }));
  const order = (a: { signer: string }, b: { signer: string }): number => (a.signer < b.signer ? -1 : 1);
  assert.deepEqual(found.toSorted(order), expected.toSorted(order));
}

/** Key ID of the subkey (or key) that signs. */
async function signerOf(name: (typeof KEY_NAMES)[number]): Promise<string> {
  return (await (await loadKey(name)).getSigningKey()).getKeyID().toHex();
}
