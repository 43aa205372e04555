import type { FileHandle } from 'node:fs/promises';
import { isSystemError } from '#lib/bytes/systemerror';

/** Octets that are read from a file at least: its frames are looked through one after the other, and each read waits for the disk. */
const WINDOW = 1024 * 1024;
/** Octets that are searched at once. */
const SEARCH = 64 * 1024;

/** Reads small pieces of a file up to a size, each from the disk once where they are neighbours. */
export class WindowReader {
  readonly #file: FileHandle;
  readonly #size: number;
  #start = 0;
  #window: Buffer = Buffer.alloc(0);

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /** Fewer octets where the file ends before. */
  async at(position: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.#size - position));
    if (position < this.#start || position + wanted > this.#start + this.#window.length) {
      this.#window = await readAt(this.#file, position, Math.min(Math.max(wanted, WINDOW), this.#size - position));
      this.#start = position;
    }
    return this.#window.subarray(position - this.#start, position - this.#start + wanted);
  }

  /** Where these octets are found next; undefined where they are not found up to the end. */
  async find(octets: Buffer, from: number): Promise<number | undefined> {
    for (let at = from; at + octets.length <= this.#size; at += SEARCH - octets.length + 1) {
      const found = (await readAt(this.#file, at, Math.min(SEARCH, this.#size - at))).indexOf(octets);
      if (found >= 0) return at + found;
    }
    return undefined;
  }
}

/** The octets at a place, fewer where the file ends before. */
export async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const block = Buffer.allocUnsafeSlow(Math.max(0, length));
  let have = 0;
  while (have < block.length) {
    const { bytesRead } = await file.read(block, have, block.length - have, position + have);
    if (bytesRead === 0) break;
    have += bytesRead;
  }
  return block.subarray(0, have);
}

/** Writes at the end of the file, in one piece. Rejects with the system's error, and with ENOSPC where it takes a part only. */
export async function writeWhole(file: FileHandle, octets: Buffer): Promise<void> {
  const { bytesWritten } = await file.write(octets);
  if (bytesWritten < octets.length) throw noSpace();
}

/** As the system's own error where nothing more fits: it says so only once nothing at all fits. */
export function noSpace(): Error {
  return Object.assign(new Error('The disk has taken a part only.'), { code: 'ENOSPC', errno: -28 });
}

/** For `catch`: a file that does not exist is nothing; other errors go on. */
export function unlessMissing(error: unknown): undefined {
  if (isSystemError(error, 'ENOENT')) return undefined;
  throw error;
}
