/**
 * lib/bytes: where bytes come from and where they wait. Message content moves through Postern as a `ByteStream`, or, where
 * it has to be read twice, as a `Source` whose size is known.
 */

import { setImmediate } from 'node:timers/promises';

/** Bytes in order. Chunks may have any length; a chunk belongs to the receiver. Leaving the loop early releases the producer. */
export type ByteStream = AsyncIterable<Buffer>;

/** Bytes of a known size that can be read any number of times and from any offset. */
export interface Source {
  /** Octets. */
  readonly size: number;
  /** The octets `start` (default 0) up to but not including `end` (default `size`). */
  stream(start?: number, end?: number): ByteStream;
  /**
   * As `stream`, but a chunk is the receiver's only until the next one is asked for: then its memory is used again. Absent where
   * that would gain nothing; see `lentStream`.
   */
  lent?(start?: number, end?: number): ByteStream;
  /** Lets go of what stands behind it (a temporary file, say). */
  close(): Promise<void>;
}

/** How many octets one chunk of a memory or file source has at most: what fits the processor's cache beside its result. */
export const CHUNK_SIZE = 64 * 1024;

/** A source over bytes in memory. */
export function memorySource(bytes: Buffer): Source {
  return {
    size: bytes.length,
    stream: (start = 0, end = bytes.length) => slices(bytes.subarray(start, end)),
    close: () => Promise.resolve(),
  };
}

/** Octets after which a stream from memory lets others run: some milliseconds of work. */
const TURN_SIZE = 1024 * 1024;

/** The bytes as a stream of chunks of at most `CHUNK_SIZE`. */
export async function* slices(bytes: Buffer): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += CHUNK_SIZE) {
    // Where nothing else is waited for, the whole way through would be one turn of the event loop.
    if (at > 0 && at % TURN_SIZE === 0) await setImmediate();
    yield bytes.subarray(at, at + CHUNK_SIZE);
  }
}

/** The octets of a source for a receiver that is done with each chunk when it asks for the next one. */
export function lentStream(source: Source, start?: number, end?: number): ByteStream {
  return source.lent?.(start, end) ?? source.stream(start, end);
}

/** Reads a stream to its end for what happens on the way. */
export async function drain(stream: ByteStream): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]();
  for (let done: boolean | undefined = false; done !== true;) ({ done } = await iterator.next());
}

/** All octets of a stream in one buffer. For streams that are known to be small. */
export async function gather(stream: ByteStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

/** Reads a stream to its end and gives the number of its octets. */
export async function countOctets(stream: ByteStream): Promise<number> {
  let octets = 0;
  for await (const chunk of stream) octets += chunk.length;
  return octets;
}
