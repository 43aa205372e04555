/** Keys and messages that the tests of lib/message share. */
import { gather, memorySource, slices } from '#lib/bytes/source';
import { type OpenStoredOptions, type View, openStored } from '#lib/message/open';
import { type PrivateKey, generateKey } from '#lib/openpgp/library';
import { type Recipient, chooseRecipient } from '#lib/openpgp/recipient';
import { type SealOptions, createSealer } from '#lib/openpgp/seal';

export interface Person {
  readonly address: string;
  readonly key: PrivateKey;
  readonly recipient: Recipient;
}

export function person(...userIDs: readonly string[]): Promise<Person> {
  return makePerson(userIDs, false);
}

/** With a key of version 6 (RFC 9580), whose certificate announces SEIPDv2. */
export function modernPerson(...userIDs: readonly string[]): Promise<Person> {
  return makePerson(userIDs, true);
}

async function makePerson(userIDs: readonly string[], v6: boolean): Promise<Person> {
  const { privateKey } = await generateKey({
    config: v6 ? { v6Keys: true, aeadProtect: true } : {},
    type: v6 ? 'curve25519' : 'ecc',
    userIDs: userIDs.map((text) => {
      const [, name = '', email = text] = /^(.*) <(.*)>$/.exec(text) ?? [];
      return { name, email };
    }),
    format: 'object',
  });
  const [address = ''] = userIDs;
  return { address, key: privateKey, recipient: await chooseRecipient(privateKey.toPublic()) };
}

/** Lines joined by CRLF; the last one ends, too. */
export function lines(...text: readonly string[]): Buffer {
  return Buffer.from(text.map((line) => `${line}\r\n`).join(''));
}

/** The chunks of a buffer, cut at these places. */
export function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const edges = [0, ...[...places].sort((a, b) => a - b).map((place) => Math.min(place, bytes.length)), bytes.length];
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
}

export async function* streamOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

/** An armored OpenPGP message. */
export async function armor(payload: Buffer, options: SealOptions): Promise<string> {
  const sealer = await createSealer(options, payload.length);
  return (await gather(sealer.seal(slices(payload)))).toString('latin1');
}

/** PGP/MIME around armor, with the outer fields given. */
export function pgpMime(fields: readonly string[], armored: string): Buffer {
  return Buffer.concat([
    lines(
      ...fields,
      'MIME-Version: 1.0',
      'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"',
      '',
      '--b',
      'Content-Type: application/pgp-encrypted',
      '',
      'Version: 1',
      '',
      '--b',
      'Content-Type: application/octet-stream',
      '',
    ),
    Buffer.from(armored),
    lines('', '--b--'),
  ]);
}

/** The view as text, and what was found out. */
export async function viewText(
  stored: Buffer,
  options: OpenStoredOptions,
): Promise<{ readonly view: View; readonly text: string }> {
  const view = await openStored(memorySource(stored), options);
  const shown = await gather(view.stream());
  if (view.size !== undefined && view.size !== shown.length) {
    throw new Error(`The view has ${shown.length} octets, and ${view.size} were announced.`);
  }
  return { view, text: shown.toString('latin1') };
}

export const RUNS = Number(process.env['FUZZ_RUNS'] ?? 60);
