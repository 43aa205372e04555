import type { FileHandle } from 'node:fs/promises';
import { CHUNK_SIZE, type Source } from './source.js';

/** Octets of one read: large enough that the hop to the thread pool does not count. */
const READ_SIZE = 8 * CHUNK_SIZE;

/** What reads at a place, as a FileHandle does. */
export interface PositionedReader {
  read(block: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

/**
 * A source over an open regular file. The next block is read while the last one is being worked on. The file must keep its
 * size while it is read: a shorter one ends in an error, not in a shorter message.
 */
export function fileSource(file: PositionedReader, size: number): Source {
  return {
    size,
    stream: (start = 0, end = size) => readFile(file, start, end),
    close: () => file.close(),
  };
}

async function* readFile(file: PositionedReader, start: number, end: number): AsyncGenerator<Buffer, void> {
  let next = start < end ? readBlock(file, start, end) : undefined;
  let at = start;
  try {
    while (next !== undefined) {
      const block = await next;
      at += block.length;
      next = at < end ? readBlock(file, at, end) : undefined;
      for (let i = 0; i < block.length; i += CHUNK_SIZE) yield block.subarray(i, i + CHUNK_SIZE);
    }
  } finally {
    // The reader left early: let the read that is under way end before the file may be closed.
    await next?.catch(() => undefined);
  }
}

async function readBlock(file: PositionedReader, start: number, end: number): Promise<Buffer> {
  const block = Buffer.allocUnsafeSlow(Math.min(READ_SIZE, end - start));
  const { bytesRead } = await file.read(block, 0, block.length, start);
  if (bytesRead === 0) throw new Error(`The file became shorter while it was read: ${end - start} octets are missing.`);
  return block.subarray(0, bytesRead);
}

/** The bytes of a stream through a file descriptor that cannot seek (a pipe, a terminal, a socket). */
export async function* descriptorStream(file: FileHandle): AsyncGenerator<Buffer, void> {
  for (;;) {
    const block = Buffer.allocUnsafeSlow(CHUNK_SIZE);
    const { bytesRead } = await file.read(block, 0, block.length, null);
    if (bytesRead === 0) return;
    yield block.subarray(0, bytesRead);
  }
}
