/**
 * Reading a range of a large SEIPDv2 message, given its session key, without reading the rest: each chunk is authenticated by
 * itself with its index, packets of definite length and armor lines of one length are arithmetic.
 */
import { type ByteStream, type Source, gather } from '#lib/bytes/source';
import { AEAD_HEADER_SIZE, AeadChunks, aeadPlaintextSize, chunkSize, readAeadHeader } from './aead.js';
import { TAG_SIZE, Tag } from './algorithm.js';
import { armoredOctets } from './armorlines.js';
import { OpenPGPError } from './error.js';
import { LIMITS } from './limits.js';
import { ByteReader, gatherBody, readPacket } from './packet.js';
import type { SessionKey } from './sessionkey.js';

/** The payload of a message, to be read in ranges. */
export interface SeekableMessage {
  /** Octets of the payload. */
  readonly size: number;
  /** The payload's octets from `start` up to but not including `end`. Throws OpenPGPError `tag-mismatch`. */
  read(start: number, end: number): ByteStream;
}

/**
 * Makes a message seekable. Undefined where it is not of that kind: SEIPDv1, partial lengths, compression, armor lines of uneven
 * length. Such a message can only be opened from its start. Checks the final tag, and with it that nothing was cut off. Throws
 * OpenPGPError for what is wrong in a seekable message.
 */
export async function openSeekable(stored: Source, { key }: SessionKey): Promise<SeekableMessage | undefined> {
  const [first = 0] = await gather(stored.stream(0, Math.min(1, stored.size)));
  const packets = first >= 0x80 ? stored : await armoredOctets(stored);
  if (packets === undefined) return undefined;
  const body = await findBody(packets);
  if (body === undefined) return undefined;
  const parameters = readAeadHeader(body.header);
  const start = body.start + AEAD_HEADER_SIZE;
  const inner = new ChunkedPlaintext(packets, start, body.end, new AeadChunks(parameters, key), chunkSize(parameters));
  await inner.checkEnd();
  const literal = await findLiteral(inner);
  if (literal === undefined) return undefined;
  return {
    size: literal.size,
    read: (from, to) => {
      const end = Math.min(to, literal.size);
      return inner.read(literal.start + Math.min(from, end), literal.start + end);
    },
  };
}

/** Where the encrypted data packet's body lies in the binary message. */
async function findBody(
  packets: Source,
): Promise<{ readonly start: number; readonly end: number; readonly header: Buffer } | undefined> {
  let at = 0;
  const reader = new ByteReader(counting(packets.stream(), (read) => (at = read)));
  try {
    for (let count = 0; count < LIMITS.sessionKeys; count++) {
      const packet = await readPacket(reader);
      if (packet?.length === undefined) return undefined;
      if (packet.tag === Tag.encryptedData) {
        const start = at - reader.buffered;
        // Nothing may follow the packet: a second one would be somebody's trick.
        if (start + packet.length !== packets.size) return undefined;
        if ((await reader.octet()) !== 2) return undefined;
        const header = Buffer.concat([Buffer.of(2), await reader.exactly(AEAD_HEADER_SIZE - 1)]);
        return { start, end: start + packet.length, header };
      }
      if (packet.tag !== Tag.publicKeyEncryptedSessionKey && packet.tag !== Tag.symmetricKeyEncryptedSessionKey)
        return undefined;
      await gatherBody(packet, LIMITS.packetSize);
    }
    return undefined;
  } finally {
    await reader.close();
  }
}

async function* counting(stream: ByteStream, tell: (octets: number) => void): AsyncGenerator<Buffer, void> {
  let octets = 0;
  for await (const chunk of stream) {
    octets += chunk.length;
    tell(octets);
    yield chunk;
  }
}

/** The decrypted packets, read by chunks. */
class ChunkedPlaintext {
  readonly size: number;
  readonly #packets: Source;
  readonly #start: number;
  readonly #end: number;
  readonly #chunks: AeadChunks;
  readonly #chunkSize: number;
  /** The chunk that was opened last: who reads a message in small steps asks for each several times. */
  #last: { readonly index: number; readonly plaintext: Buffer } | undefined;

  constructor(packets: Source, start: number, end: number, chunks: AeadChunks, size: number) {
    this.#packets = packets;
    this.#start = start;
    this.#end = end;
    this.#chunks = chunks;
    this.#chunkSize = size;
    this.size = aeadPlaintextSize(end - start, size);
  }

  /** The final tag, over the number of octets in all. */
  async checkEnd(): Promise<void> {
    const tag = await gather(this.#packets.stream(this.#end - TAG_SIZE, this.#end));
    this.#chunks.openEnd(Math.ceil(this.size / this.#chunkSize), this.size, tag);
  }

  async *read(start: number, end: number): AsyncGenerator<Buffer, void> {
    if (start >= end) return;
    const sealedSize = this.#chunkSize + TAG_SIZE;
    let firstChunk = Math.floor(start / this.#chunkSize);
    const lastChunk = Math.ceil(Math.min(end, this.size) / this.#chunkSize);
    const cut = (index: number, plaintext: Buffer): Buffer => {
      const at = index * this.#chunkSize;
      return plaintext.subarray(Math.max(0, start - at), Math.max(0, end - at));
    };
    if (this.#last?.index === firstChunk) {
      // A copy: the receiver may change what it gets.
      const part = Buffer.from(cut(firstChunk, this.#last.plaintext));
      if (part.length > 0) yield part;
      firstChunk += 1;
    }
    if (firstChunk >= lastChunk) return;
    const from = this.#start + firstChunk * sealedSize;
    const to = Math.min(this.#start + lastChunk * sealedSize, this.#end - TAG_SIZE);
    const reader = new ByteReader(this.#packets.stream(from, to));
    try {
      for (let index = firstChunk; index < lastChunk; index++) {
        const at = index * this.#chunkSize;
        const sealed = await reader.exactly(Math.min(sealedSize, this.size - at + TAG_SIZE));
        const plaintext = this.#chunks.open(index, [sealed]);
        const isLast = index === lastChunk - 1;
        if (isLast) this.#last = { index, plaintext };
        const part = cut(index, plaintext);
        if (part.length > 0) yield isLast ? Buffer.from(part) : part;
      }
    } finally {
      await reader.close();
    }
  }
}

/** Where the literal data's octets lie among the decrypted packets. */
async function findLiteral(
  inner: ChunkedPlaintext,
): Promise<{ readonly start: number; readonly size: number } | undefined> {
  const head = inner.read(0, inner.size);
  let at = 0;
  const reader = new ByteReader(counting(head, (read) => (at = read)));
  try {
    for (let count = 0; count <= LIMITS.signatures; count++) {
      const packet = await readPacket(reader);
      if (packet?.length === undefined) return undefined;
      if (packet.tag === Tag.literalData) {
        const start = at - reader.buffered;
        const nameSize = (await reader.exactly(2)).readUInt8(1);
        const size = packet.length - 6 - nameSize;
        if (size < 0 || start + packet.length > inner.size)
          throw new OpenPGPError('truncated', 'The literal data ends too early.');
        // What follows unannounced is judged where the message is read from its start.
        if (count === 0 && start + packet.length !== inner.size) return undefined;
        return { start: start + 6 + nameSize, size };
      }
      if (packet.tag !== Tag.onePassSignature) return undefined;
      await gatherBody(packet, LIMITS.packetSize);
    }
    return undefined;
  } finally {
    await reader.close();
  }
}
