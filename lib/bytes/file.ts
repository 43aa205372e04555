import { keepFreedMemory } from './allocation.js';
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
    stream: (start = 0, end = size) => readFile(file, start, end, newBlock),
    lent: (start = 0, end = size) => readFile(file, start, end, alternatingBlocks()),
    close: () => file.close(),
  };
}

/** Gives memory of so many octets for a read. */
type Allocate = (size: number) => Buffer;

function newBlock(size: number): Buffer {
  return Buffer.allocUnsafeSlow(size);
}

/** Two blocks by turns: one is being read into while the other is being worked on. No later block is larger than the first. */
function alternatingBlocks(): Allocate {
  const blocks: Buffer[] = [];
  let reads = 0;
  return (size) => (blocks[reads++ % 2] ??= newBlock(size)).subarray(0, size);
}

async function* readFile(
  file: PositionedReader,
  start: number,
  end: number,
  allocate: Allocate,
): AsyncGenerator<Buffer, void> {
  if (end - start > READ_SIZE) keepFreedMemory();
  let next = readAhead(file, start, end, allocate);
  let at = start;
  try {
    while (next !== undefined) {
      const block = await next;
      at += block.length;
      next = readAhead(file, at, end, allocate);
      for (let i = 0; i < block.length; i += CHUNK_SIZE) yield block.subarray(i, i + CHUNK_SIZE);
    }
  } finally {
    // The reader left early: let the read that is under way end before the file may be closed.
    await next?.catch(() => undefined);
  }
}

function readAhead(
  file: PositionedReader,
  start: number,
  end: number,
  allocate: Allocate,
): Promise<Buffer> | undefined {
  if (start >= end) return undefined;
  const block = readBlock(file, start, end, allocate(Math.min(READ_SIZE, end - start)));
  // A failure is met when the block's turn comes; without this it would count as unhandled until then.
  block.catch(() => undefined);
  return block;
}

async function readBlock(file: PositionedReader, start: number, end: number, block: Buffer): Promise<Buffer> {
  const { bytesRead } = await file.read(block, 0, block.length, start);
  if (bytesRead === 0) throw new Error(`The file became shorter while it was read: ${end - start} octets are missing.`);
  return block.subarray(0, bytesRead);
}
