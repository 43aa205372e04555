/**
 * What is inside the encryption (RFC 9580 §10.3): literal data, perhaps compressed, perhaps with signatures. Read from a stream
 * of decrypted packets.
 */
import { type ByteStream, drain } from '#lib/bytes/source';
import { Tag } from './algorithm.js';
import { Meter, decompress } from './compression.js';
import { OpenPGPError, type OpenPGPErrorCode } from './error.js';
import type { Limits } from './limits.js';
import type { Offload } from './offload.js';
import { ByteReader, type Packet, gatherBody, readPacket } from './packet.js';
import { SignatureCheck, type SignatureVerdict, type Verifiers } from './verification.js';

export interface ContentOptions {
  readonly limits: Limits;
  readonly offload: Offload;
  readonly verifiers: Verifiers;
  /** False: the signatures were judged already, so that the payload need not be hashed again. */
  readonly hash: boolean;
}

/** Literal data at hand. */
export interface Content {
  /** Octets of the payload where the framing tells them. */
  readonly size: number | undefined;
  /** True where signatures were announced before the payload. */
  readonly signed: boolean;
  /** The payload. Only when it has ended has everything that follows it been checked. */
  readonly payload: AsyncGenerator<Buffer, void>;
  /** Judges the signatures. To be called after the payload has ended. */
  readonly judge: () => Promise<readonly SignatureVerdict[]>;
  /** Lets go of what is not read. */
  readonly close: () => Promise<void>;
}

/** Reads up to the literal data. Throws OpenPGPError `malformed`, `truncated`, `unsupported`, `limit`, `no-integrity`. */
export function readContent(plaintext: ByteStream, options: ContentOptions): Promise<Content> {
  return readMessage(plaintext, options, []);
}

/** `meters` are those of the compressions around, the outermost first. */
async function readMessage(plaintext: ByteStream, options: ContentOptions, meters: readonly Meter[]): Promise<Content> {
  const reader = new ByteReader(plaintext);
  try {
    return await readSignedMessage(reader, options, meters);
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** A signature at work; `body` is known at once where the signature stands before the literal data. */
interface Pending {
  readonly check: SignatureCheck | undefined;
  body: Buffer | undefined;
}

async function readSignedMessage(
  reader: ByteReader,
  options: ContentOptions,
  meters: readonly Meter[],
): Promise<Content> {
  const { limits } = options;
  const onePass: Pending[] = [];
  const prefixed: Pending[] = [];
  for (;;) {
    const packet = await nextPacket(reader);
    if (packet === undefined) throw new OpenPGPError('malformed', 'The encrypted data holds no message.');
    switch (packet.tag) {
      case Tag.onePassSignature:
        onePass.push({
          check: SignatureCheck.fromOnePass(await gatherBody(packet, limits.packetSize)),
          body: undefined,
        });
        break;
      case Tag.signature: {
        const body = await gatherBody(packet, limits.packetSize);
        prefixed.push({ check: SignatureCheck.fromSignature(body), body });
        break;
      }
      case Tag.compressedData:
        // A signature over compressed data signs what the inner message holds; nobody writes that, and we do not read it.
        if (onePass.length + prefixed.length > 0) {
          throw new OpenPGPError('unsupported', 'Signatures around compressed data are not supported.');
        }
        if (meters.length >= limits.compressionDepth) {
          throw new OpenPGPError('decompression-limit', 'The message is compressed more often than the limit allows.');
        }
        return await readCompressed(reader, packet, options, meters);
      case Tag.literalData:
        return await literal(reader, packet, onePass, prefixed, options);
      case Tag.encryptedData:
      case Tag.symmetricallyEncryptedData:
      case Tag.oldAeadEncryptedData:
      case Tag.publicKeyEncryptedSessionKey:
      case Tag.symmetricKeyEncryptedSessionKey:
        throw new OpenPGPError('malformed', 'The message holds another encrypted message, which is not opened.');
      default:
        throw new OpenPGPError('malformed', `A packet of type ${packet.tag} stands where the message should be.`);
    }
    if (onePass.length + prefixed.length > limits.signatures) {
      throw new OpenPGPError('limit', `The message has more than ${limits.signatures} signatures.`);
    }
  }
}

/**
 * The next packet that counts: markers, padding and unknown packets that are not critical are passed over (RFC 9580 §4.3, §5.8,
 * §5.14). Throws OpenPGPError `unsupported` for an unknown critical one.
 */
export async function nextPacket(reader: ByteReader): Promise<Packet | undefined> {
  for (;;) {
    const packet = await readPacket(reader);
    if (packet === undefined) return undefined;
    if (packet.tag !== Tag.marker && packet.tag !== Tag.padding && packet.tag < 40) {
      if (KNOWN.has(packet.tag)) return packet;
      throw new OpenPGPError('unsupported', `The message has a packet of the unknown type ${packet.tag}.`);
    }
    await drain(packet.body);
  }
}

/** Proves that nothing follows a message but what is passed over. Throws OpenPGPError `trailing-data`; `where` says where. */
export async function expectEnd(reader: ByteReader, where: string): Promise<void> {
  // Here what feeds the reader may fail (armor without an end, say), and that is told as it is.
  if (await reader.atEnd()) return;
  let more: boolean;
  try {
    more = (await nextPacket(reader)) !== undefined;
  } catch (error) {
    // What follows need not be a packet.
    if (!(error instanceof OpenPGPError) || !NO_PACKET.has(error.code)) throw error;
    more = true;
  }
  if (more) throw new OpenPGPError('trailing-data', `Something follows the message, ${where}.`);
}

const NO_PACKET: ReadonlySet<OpenPGPErrorCode> = new Set(['malformed', 'truncated', 'unsupported']);

/** Types that RFC 9580 §5 defines: where they are wrong, that is told as such. */
const KNOWN: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 17, 18, 20]);

async function readCompressed(
  reader: ByteReader,
  packet: Packet,
  options: ContentOptions,
  meters: readonly Meter[],
): Promise<Content> {
  const meter = new Meter(options.limits, meters[0]);
  const inner = await readMessage(decompress(packet.body, options, meter), options, [...meters, meter]);
  return {
    ...inner,
    payload: followedByNothing(inner.payload, reader),
    close: async () => {
      await inner.close();
      await reader.close();
    },
  };
}

async function* followedByNothing(payload: ByteStream, reader: ByteReader): AsyncGenerator<Buffer, void> {
  yield* payload;
  await expectEnd(reader, INSIDE);
}

const INSIDE = 'inside the encryption';

async function literal(
  outer: ByteReader,
  packet: Packet,
  onePass: readonly Pending[],
  prefixed: readonly Pending[],
  options: ContentOptions,
): Promise<Content> {
  const inner = new ByteReader(packet.body);
  const format = await inner.octet();
  if (!LITERAL_FORMATS.has(format)) throw new OpenPGPError('malformed', 'The literal data has an unknown format.');
  const nameSize = await inner.octet();
  await inner.exactly(nameSize + 4);
  const all = [...prefixed, ...onePass];

  let ended = false;
  let verdicts: Promise<readonly SignatureVerdict[]> | undefined;

  async function* payload(): AsyncGenerator<Buffer, void> {
    for (let chunk = await inner.some(Infinity); chunk !== undefined; chunk = await inner.some(Infinity)) {
      if (options.hash) for (const { check } of all) check?.update(chunk);
      yield chunk;
    }
    // The signatures come in the opposite order of their announcements (RFC 9580 §10.3).
    for (const pending of [...onePass].reverse()) {
      const signature = await nextPacket(outer);
      if (signature?.tag !== Tag.signature) {
        throw new OpenPGPError('malformed', 'A signature that was announced does not follow the message.');
      }
      pending.body = await gatherBody(signature, options.limits.packetSize);
    }
    await expectEnd(outer, INSIDE);
    ended = true;
  }

  async function judge(): Promise<readonly SignatureVerdict[]> {
    const found: SignatureVerdict[] = [];
    for (const { check, body } of all) {
      if (check !== undefined && body !== undefined) found.push(await check.judge(body, options.verifiers));
      else found.push({ status: 'invalid', keyID: '', reason: 'the signature packet cannot be read' });
    }
    return found;
  }

  return {
    size: packet.length === undefined ? undefined : packet.length - 6 - nameSize,
    signed: all.length > 0,
    payload: payload(),
    judge: () => {
      // Before the end a signature would be judged by a part of what it covers.
      if (!ended)
        return Promise.reject(new Error('Signatures can be judged when the payload has been read to its end.'));
      return (verdicts ??= judge());
    },
    close: () => outer.close(),
  };
}

/** b, t, u, and the old l, 1, m (RFC 9580 §5.9). */
const LITERAL_FORMATS: ReadonlySet<number> = new Set(Buffer.from('btul1m'));
