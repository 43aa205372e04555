/**
 * Standard input and output as bytes, by file descriptor. Node's own streams would add a layer that buffers, sets pipes to
 * non-blocking mode behind the backs of the processes that share them, and ends the program in its own way.
 */
import { fstat, read, readFileSync, write } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { fileSource } from '#lib/bytes/file';
import { type ByteStream, type Source, CHUNK_SIZE } from '#lib/bytes/source';
import { type SpoolOptions, spoolStream } from '#lib/bytes/spool';
import { isSystemError } from '#lib/bytes/systemerror';
import { Exit, Failure } from './exit.js';

const STDIN = 0;
const STDOUT = 1;

/** Milliseconds before a descriptor in non-blocking mode is tried again: the first, and the longest wait. */
const RETRY_FIRST = 1;
const RETRY_LONGEST = 20;

/**
 * All of standard input. A regular file is read where it lies; anything else goes through a sealed spool, so that its size is
 * known and nothing is done before its end has been seen.
 */
export async function readStandardInput(options?: SpoolOptions): Promise<Source> {
  const stats = await promisify(fstat)(STDIN).catch((error: unknown) => {
    throw new Failure(Exit.noInput, 'There is no standard input. Redirect a message to it.', { cause: error });
  });
  if (stats.isDirectory()) throw new Failure(Exit.noInput, 'Standard input is a directory, and not a message.');
  const position = stats.isFile() ? filePosition() : undefined;
  if (position === undefined) return spoolStream(readOn(), options);
  const reader = {
    read: async (block: Buffer, offset: number, length: number, at: number) => {
      const result = await patiently(() => promisify(read)(STDIN, block, offset, length, position + at));
      if (result.bytesRead > 0) return result;
      throw new Failure(Exit.ioError, 'The file at standard input became shorter while it was read.');
    },
    close: () => Promise.resolve(),
  };
  return fileSource(reader, Math.max(0, stats.size - position));
}

/** Writes a stream to standard output, the next chunk being made meanwhile. Rejects with EPIPE where nobody reads any more. */
export async function writeStandardOutput(stream: ByteStream): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  try {
    for await (const chunk of stream) {
      await writing;
      writing = writeAll(chunk);
      // A failure is met at the next await; without this it would count as unhandled until then.
      writing.catch(() => undefined);
    }
  } finally {
    await writing;
  }
}

/** Where the shell, or who used the file before us, has left it. Undefined where the system does not tell. */
function filePosition(): number | undefined {
  try {
    const [, digits] = /^pos:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${STDIN}`, 'latin1')) ?? [];
    return digits === undefined ? undefined : Number(digits);
  } catch {
    // No Linux. It goes through the spool then.
    return undefined;
  }
}

async function* readOn(): AsyncGenerator<Buffer, void> {
  for (;;) {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_SIZE);
    const { bytesRead } = await patiently(() => promisify(read)(STDIN, chunk, 0, chunk.length, null));
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
  }
}

async function writeAll(chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    const { bytesWritten } = await patiently(() => promisify(write)(STDOUT, chunk, at, chunk.length - at, null));
    at += bytesWritten;
  }
}

/** Does it again while the descriptor says that it is not ready: others may have set it to non-blocking mode. */
async function patiently<Result>(action: () => Promise<Result>): Promise<Result> {
  for (let wait = RETRY_FIRST; ; wait = Math.min(2 * wait, RETRY_LONGEST)) {
    try {
      return await action();
    } catch (error) {
      if (!isSystemError(error, 'EAGAIN')) throw error;
      await setTimeout(wait);
    }
  }
}
