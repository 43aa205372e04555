/** The outside of an encrypted message (RFC 9580 §10.3): session keys, then one encrypted data packet, then nothing. */
import type { ByteStream } from '#lib/bytes/source';
import { AEAD_HEADER_SIZE, type AeadParameters, readAeadHeader } from './aead.js';
import { Tag } from './algorithm.js';
import { ArmorDecoder } from './armor.js';
import { expectEnd, nextPacket } from './content.js';
import { OpenPGPError } from './error.js';
import type { Limits } from './limits.js';
import { ByteReader, type Packet, gatherBody } from './packet.js';
import { type EncryptedSessionKey, parseSessionKeyPacket } from './sessionkey.js';

/** The message up to the encrypted data. */
export interface Outer {
  readonly reader: ByteReader;
  readonly sessionKeys: readonly EncryptedSessionKey[];
  readonly packet: Packet;
  /** The body's reader, after the version octet and, for SEIPDv2, the parameters. */
  readonly body: ByteReader;
  /** Undefined for SEIPDv1. */
  readonly parameters: AeadParameters | undefined;
}

/** Reads the session keys and the head of the encrypted data packet. `lent` as in OpenOptions. Throws OpenPGPError. */
export async function readOuter(input: ByteStream, limits: Limits, lent = false): Promise<Outer> {
  const reader = new ByteReader(binary(input, lent));
  try {
    const sessionKeys: EncryptedSessionKey[] = [];
    for (;;) {
      const packet = await nextPacket(reader);
      if (packet === undefined) {
        if (sessionKeys.length > 0) throw new OpenPGPError('truncated', 'The message ends before the encrypted data.');
        throw new OpenPGPError('malformed', 'This is no encrypted message.');
      }
      switch (packet.tag) {
        case Tag.publicKeyEncryptedSessionKey: {
          if (sessionKeys.length >= limits.sessionKeys) {
            throw new OpenPGPError('limit', `The message has more than ${limits.sessionKeys} recipients.`);
          }
          const parsed = parseSessionKeyPacket(await gatherBody(packet, limits.packetSize));
          if (parsed) sessionKeys.push(parsed);
          break;
        }
        case Tag.symmetricKeyEncryptedSessionKey:
          // For a password, which nobody has here.
          await gatherBody(packet, limits.packetSize);
          break;
        case Tag.encryptedData: {
          const body = new ByteReader(packet.body);
          return { reader, sessionKeys, packet, body, parameters: await readHead(body) };
        }
        case Tag.symmetricallyEncryptedData:
          throw new OpenPGPError(
            'no-integrity',
            'The message is encrypted without integrity protection and is not opened.',
          );
        case Tag.oldAeadEncryptedData:
          throw new OpenPGPError(
            'unsupported',
            'The message uses a draft form of encryption that RFC 9580 does not have.',
          );
        default:
          throw new OpenPGPError('malformed', `This is no encrypted message: it has a packet of type ${packet.tag}.`);
      }
    }
  } catch (error) {
    await reader.close();
    throw error;
  }
}

async function readHead(body: ByteReader): Promise<AeadParameters | undefined> {
  const version = await body.octet();
  if (version === 1) return undefined;
  if (version !== 2) throw new OpenPGPError('unsupported', `Encrypted data of version ${version} is not known.`);
  return readAeadHeader(Buffer.concat([Buffer.of(version), await body.exactly(AEAD_HEADER_SIZE - 1)]));
}

/** Removes armor where there is any: the first octet of a packet has its high bit set, no character of armor has. */
async function* binary(input: ByteStream, lent: boolean): AsyncGenerator<Buffer, void> {
  let decoder: ArmorDecoder | undefined;
  let begun = false;
  for await (const chunk of input) {
    if (!begun && chunk.length > 0) {
      begun = true;
      decoder = (chunk[0] ?? 0) < 0x80 ? new ArmorDecoder() : undefined;
    }
    // What the decoder gives lies in memory of its own.
    const octets = decoder !== undefined ? decoder.push(chunk) : lent ? Buffer.from(chunk) : chunk;
    if (octets.length > 0) yield octets;
  }
  // An empty input lacks its armor.
  if (!begun) decoder = new ArmorDecoder();
  decoder?.end();
}

/** The encrypted data to its end, and the proof that nothing follows it. */
export async function* bodyOf({ reader, body }: Outer): AsyncGenerator<Buffer, void> {
  try {
    for (let chunk = await body.some(Infinity); chunk !== undefined; chunk = await body.some(Infinity)) yield chunk;
    await expectEnd(reader, 'after the encrypted data');
  } finally {
    await reader.close();
  }
}
