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
  let next = readAhead(file, start, end);
  let at = start;
  try {
    while (next !== undefined) {
      const block = await next;
      at += block.length;
      next = readAhead(file, at, end);
      for (let i = 0; i < block.length; i += CHUNK_SIZE) yield block.subarray(i, i + CHUNK_SIZE);
    }
  } finally {
    // The reader left early: let the read that is under way end before the file may be closed.
    await next?.catch(() => undefined);
  }
}

function readAhead(file: PositionedReader, start: number, end: number): Promise<Buffer> | undefined {
  if (start >= end) return undefined;
  const block = readBlock(file, start, end);
  // A failure is met when the block's turn comes; without this it would count as unhandled until then.
  block.catch(() => undefined);
  return block;
}

async function readBlock(file: PositionedReader, start: number, end: number): Promise<Buffer> {
  const block = Buffer.allocUnsafeSlow(Math.min(READ_SIZE, end - start));
  const { bytesRead } = await file.read(block, 0, block.length, start);
  if (bytesRead === 0) throw new Error(`The file became shorter while it was read: ${end - start} octets are missing.`);
  return block.subarray(0, bytesRead);
}
