import { createCipheriv, randomBytes } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSource } from './file.js';
import { type ByteStream, type Source, lentStream, memorySource } from './source.js';

/** Octets collected before one write to the spool's file. */
const WRITE_SIZE = 1024 * 1024;

/** Pieces that are held before they are joined: many tiny ones would take more memory than what is in them. */
const MANY_PIECES = 1024;

/** What may be kept in memory by default, as `buffer_limit` in ARCHITECTURE.md: 1 MiB. */
export const BUFFER_LIMIT = 1024 * 1024;

export interface SpoolOptions {
  /** Octets held in memory before a file is made. Default `BUFFER_LIMIT`. */
  readonly limit?: number;
  /** Folder for the file. Default: the system's folder for temporary files. */
  readonly directory?: string;
  /**
   * True (the default) encrypts what goes to the disk under a key that exists in this process only. False is for bytes that are
   * ciphertext already.
   */
  readonly seal?: boolean;
}

/**
 * A place for bytes that must be seen whole before anything is done with them: in memory up to a limit, above it in a private
 * temporary file that has no name any more by the time the first byte is written, so that no crash leaves it behind.
 */
export class Spool {
  readonly #limit: number;
  readonly #directory: string | undefined;
  readonly #key: Buffer | undefined;
  readonly #cipher;
  #held: Buffer[] = [];
  #heldSize = 0;
  #size = 0;
  #file: FileHandle | undefined;
  #written = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: SpoolOptions = {}) {
    this.#limit = options.limit ?? BUFFER_LIMIT;
    this.#directory = options.directory;
    this.#key = (options.seal ?? true) ? randomBytes(32) : undefined;
    this.#cipher = this.#key && createCipheriv('aes-256-ctr', this.#key, counterBlock(0));
  }

  /** Octets so far. */
  get size(): number {
    return this.#size;
  }

  /** Takes a chunk, which the caller must not change afterwards. Rejects when the disk does. */
  async write(chunk: Buffer): Promise<void> {
    this.#held.push(chunk);
    this.#heldSize += chunk.length;
    this.#size += chunk.length;
    if (this.#held.length > MANY_PIECES) this.#held = [Buffer.concat(this.#held)];
    if (this.#size > this.#limit && this.#heldSize >= WRITE_SIZE) await this.#flush();
  }

  /** The bytes written, as a source. The spool takes no more after it. */
  async finish(): Promise<Source> {
    if (this.#file === undefined && this.#size <= this.#limit) return memorySource(Buffer.concat(this.#held));
    await this.#flush();
    await this.#writing;
    const file = this.#file;
    if (file === undefined) throw new Error('The spool has been discarded.');
    const stored = fileSource(file, this.#size);
    const key = this.#key;
    if (key === undefined) return stored;
    return {
      size: stored.size,
      stream: (start = 0, end = stored.size) => unseal(lentStream(stored, start, end), key, start),
      close: () => {
        key.fill(0);
        return stored.close();
      },
    };
  }

  /** Gives everything up. */
  async discard(): Promise<void> {
    this.#held = [];
    await this.#writing.catch(() => undefined);
    await this.#file?.close();
    this.#file = undefined;
    this.#key?.fill(0);
  }

  /** Hands the held chunks to the disk; one write is under way at a time, while the next chunks come in. */
  async #flush(): Promise<void> {
    await this.#writing;
    const file = (this.#file ??= await openUnnamed(this.#directory ?? tmpdir()));
    const chunks = this.#held;
    const size = this.#heldSize;
    const at = this.#written;
    this.#held = [];
    this.#heldSize = 0;
    this.#written += size;
    const cipher = this.#cipher;
    this.#writing = writeAll(file, cipher ? chunks.map((chunk) => cipher.update(chunk)) : chunks, size, at);
    // The failure is met at the next await of #writing; without this it would count as unhandled until then.
    this.#writing.catch(() => undefined);
  }
}

/** Reads a stream to its end into a spool. */
export async function spoolStream(stream: ByteStream, options?: SpoolOptions): Promise<Source> {
  const spool = new Spool(options);
  try {
    for await (const chunk of stream) await spool.write(chunk);
    return await spool.finish();
  } catch (error) {
    await spool.discard();
    throw error;
  }
}

async function writeAll(file: FileHandle, chunks: readonly Buffer[], size: number, at: number): Promise<void> {
  let done = 0;
  let left: readonly Buffer[] = chunks;
  while (done < size) {
    const { bytesWritten } = await file.writev(left, at + done);
    done += bytesWritten;
    if (done < size) left = [Buffer.concat(chunks).subarray(done)];
  }
}

async function openUnnamed(directory: string): Promise<FileHandle> {
  const folder = await mkdtemp(join(directory, 'postern-'));
  try {
    return await open(join(folder, 'spool'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function* unseal(stream: ByteStream, key: Buffer, start: number): AsyncGenerator<Buffer, void> {
  const decipher = createCipheriv('aes-256-ctr', key, counterBlock(Math.floor(start / 16)));
  decipher.update(Buffer.alloc(start % 16));
  for await (const chunk of stream) yield decipher.update(chunk);
}

/** The initial counter block of AES-CTR for the given block number, as a 128-bit big-endian number. */
function counterBlock(block: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.writeBigUInt64BE(BigInt(block), 8);
  return counter;
}
