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

const BLOCK =
  /^-----BEGIN PGP (?:PUBLIC|PRIVATE) KEY BLOCK-----[ \t]*\r?$[^]*?^-----END PGP (?:PUBLIC|PRIVATE) KEY BLOCK-----/gm;

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
  for (const [block] of bytes.toString('latin1').matchAll(BLOCK)) {
    try {
      // On a string the package gives bytes, not a stream, whatever the type says.
      const { data } = (await unarmor(block)) as { readonly data: unknown };
      if (!(data instanceof Uint8Array)) throw new Error('No bytes');
      entries.push(...(await readPackets(Buffer.from(data))));
    } catch (error) {
      entries.push({ kind: 'problem', message: `An armored block is damaged${because(error)}.` });
    }
  }
  if (entries.length === 0) throw new KeyringError('data', 'There is no OpenPGP certificate or key in it.');
  return entries;
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
  try {
    const reader = new ByteReader(slices(bytes));
    for (;;) {
      const packet = await readPacket(reader);
      if (packet === undefined) break;
      const body = await gatherBody(packet, LIMITS.fileSize);
      if (packet.tag === MARKER || packet.tag === TRUST || packet.tag >= 40) continue;
      if (!KEY_PACKETS.has(packet.tag)) {
        throw new KeyringError('data', 'This is an OpenPGP message, not a certificate or key');
      }
      const group = groups.at(-1);
      const whole = Buffer.concat([packetHeader(packet.tag, body.length), body]);
      const starts = packet.tag === PUBLIC_KEY || packet.tag === SECRET_KEY;
      if (group === undefined || starts) groups.push({ tag: packet.tag, packets: [whole] });
      else group.packets.push(whole);
      if (groups.length > LIMITS.fileKeys) {
        throw new KeyringError('data', `There are more than ${LIMITS.fileKeys} keys in it`);
      }
    }
  } catch (error) {
    if (!(error instanceof OpenPGPError || error instanceof KeyringError)) throw error;
    problem = error.message.replace(/\.$/, '');
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
