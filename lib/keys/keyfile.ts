import { slices } from '#lib/bytes/source';
import { OpenPGPError } from '#lib/openpgp/error';
import { type Key, readKey, unarmor } from '#lib/openpgp/library';
import { ByteReader, gatherBody, packetHeader, readPacket } from '#lib/openpgp/packet';
import { KeyringError } from './error.js';
import { LIMITS } from './limits.js';

/** One thing in a key file. A problem stands for a key that cannot be read; the others of the file can. */
export type KeyFileEntry =
  | { readonly kind: 'key'; readonly key: Key }
  /** A revocation certificate: a signature packet by itself. */
  | { readonly kind: 'revocation'; readonly signature: Buffer }
  | { readonly kind: 'problem'; readonly message: string };

/** Packet types, RFC 9580 §5. */
const SIGNATURE = 2;
const SECRET_KEY = 5;
const PUBLIC_KEY = 6;
const MARKER = 10;
const TRUST = 12;
/** What a transferable key consists of (RFC 9580 §10.1): signatures, primary keys, subkeys, user IDs and attributes, padding. */
const KEY_PACKETS: ReadonlySet<number> = new Set([SIGNATURE, SECRET_KEY, PUBLIC_KEY, 7, 13, 14, 17, 21]);

const BEGIN = /^-----BEGIN PGP (?:PUBLIC|PRIVATE) KEY BLOCK-----[ \t]*\r?$/gm;
const END = /^-----END PGP (?:PUBLIC|PRIVATE) KEY BLOCK-----/m;

/**
 * Reads what a file of certificates and keys holds: binary, or armored in one or several blocks with any text between them, each
 * with one or several keys. Throws KeyringError `data` where it is too large or no such file at all.
 */
export async function readKeyFile(bytes: Buffer): Promise<readonly KeyFileEntry[]> {
  if (bytes.length > LIMITS.fileSize) {
    throw new KeyringError('data', `The file has ${bytes.length} octets; the limit is ${LIMITS.fileSize}.`);
  }
  if (((bytes[0] ?? 0) & 0x80) !== 0) return readPackets(bytes);
  const entries: KeyFileEntry[] = [];
  const text = bytes.toString('latin1');
  const starts = [...text.matchAll(BEGIN)].map(({ index }) => index);
  for (const [i, start] of starts.entries()) {
    const block = text.slice(start, starts[i + 1]);
    const end = END.exec(block);
    if (end === null) entries.push({ kind: 'problem', message: 'An armored block has no end.' });
    else entries.push(...(await readBlock(block.slice(0, end.index + end[0].length))));
  }
  if (entries.length === 0) throw new KeyringError('data', 'There is no OpenPGP certificate or key in it.');
  return entries;
}

async function readBlock(block: string): Promise<readonly KeyFileEntry[]> {
  let data: unknown;
  try {
    // On a string the package gives bytes, not a stream, whatever the type says.
    data = (await unarmor(`${block}\n`)).data;
  } catch (error) {
    return [{ kind: 'problem', message: `An armored block is damaged${because(error)}.` }];
  }
  if (!(data instanceof Uint8Array)) throw new TypeError('The armored block did not become bytes.');
  return readPackets(Buffer.from(data));
}

/** The one key in a file; throws KeyringError `data` where there is none, or more. */
export async function readSingleKey(bytes: Buffer): Promise<Key> {
  const [entry, ...others] = await readKeyFile(bytes);
  if (entry?.kind === 'problem') throw new KeyringError('data', entry.message);
  if (entry?.kind !== 'key') throw new KeyringError('data', 'There is no certificate in it.');
  if (others.length > 0) throw new KeyringError('data', `It holds ${others.length + 1} certificates and not one.`);
  return entry.key;
}

/** Cuts a sequence of packets at its primary keys and reads each key by itself: a bad one does not spoil the others. */
async function readPackets(bytes: Buffer): Promise<readonly KeyFileEntry[]> {
  const groups: { readonly tag: number; readonly packets: Buffer[] }[] = [];
  let problem: string | undefined;
  let isWhole = false;
  try {
    const reader = new ByteReader(slices(bytes));
    for (;;) {
      const packet = await readPacket(reader);
      if (packet === undefined) break;
      const starts = packet.tag === PUBLIC_KEY || packet.tag === SECRET_KEY;
      isWhole = starts;
      const body = await gatherBody(packet, LIMITS.fileSize);
      if (packet.tag === MARKER || packet.tag === TRUST || packet.tag >= 40) continue;
      if (!KEY_PACKETS.has(packet.tag)) {
        throw new KeyringError('data', 'This is an OpenPGP message, not a certificate or key');
      }
      const group = groups.at(-1);
      const whole = Buffer.concat([packetHeader(packet.tag, body.length), body]);
      isWhole = false;
      if (group === undefined || starts) groups.push({ tag: packet.tag, packets: [whole] });
      else group.packets.push(whole);
      if (groups.length > LIMITS.fileKeys) {
        throw new KeyringError('data', `There are more than ${LIMITS.fileKeys} keys in it`);
      }
    }
  } catch (error) {
    if (!(error instanceof OpenPGPError || error instanceof KeyringError)) throw error;
    problem = error.message.replace(/\.$/, '');
    // The key that it happened in is not whole; the one before a damaged primary key is.
    if (!isWhole) groups.pop();
  }
  const entries: KeyFileEntry[] = [];
  for (const { tag, packets } of groups) {
    entries.push(tag === SIGNATURE ? { kind: 'revocation', signature: Buffer.concat(packets) } : await parse(packets));
  }
  if (problem !== undefined) entries.push({ kind: 'problem', message: `${problem}.` });
  return entries;
}

async function parse(packets: readonly Buffer[]): Promise<KeyFileEntry> {
  const bytes = Buffer.concat(packets);
  if (bytes.length > LIMITS.certificateSize) {
    const message = `A certificate has ${bytes.length} octets; the limit is ${LIMITS.certificateSize}.`;
    return { kind: 'problem', message };
  }
  try {
    return { kind: 'key', key: await readKey({ binaryKey: bytes }) };
  } catch (error) {
    return { kind: 'problem', message: `A certificate or key cannot be read${because(error)}.` };
  }
}

function because(error: unknown): string {
  const reason = error instanceof Error ? error.message.replace(/^Error \w+ing \w+: /, '').replace(/\.$/, '') : '';
  return reason === '' ? '' : ` (${reason})`;
}
