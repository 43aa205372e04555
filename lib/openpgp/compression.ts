/** Compressed data packets (RFC 9580 §5.6), read only, under limits on the output and on its ratio to the input. */
import { Readable } from 'node:stream';
import { createInflate, createInflateRaw } from 'node:zlib';
import { type ByteStream, slices } from '#lib/bytes/source';
import { OpenPGPError } from './error.js';
import type { Limits } from './limits.js';
import type { Offload } from './offload.js';
import { ByteReader } from './packet.js';

const UNCOMPRESSED = 0;
const ZIP = 1;
const ZLIB = 2;
const BZIP2 = 3;

export interface DecompressionOptions {
  readonly limits: Limits;
  readonly offload: Offload;
}

/**
 * The expanded content of a compressed packet's body. `meter` is this packet's own. Throws OpenPGPError `decompression-limit`,
 * `malformed`, `truncated`, `trailing-data`.
 */
export async function* decompress(
  body: ByteStream,
  options: DecompressionOptions,
  meter: Meter,
): AsyncGenerator<Buffer, void> {
  const reader = new ByteReader(body);
  try {
    const algorithm = await reader.octet();
    const input = meter.input(rest(reader));
    switch (algorithm) {
      case UNCOMPRESSED:
        yield* input;
        return;
      case ZIP:
      case ZLIB:
        yield* meter.output(inflate(input, algorithm, meter));
        return;
      case BZIP2:
        yield* meter.output(bunzip2(input, options));
        return;
      default:
        throw new OpenPGPError('unsupported', `Compression algorithm ${algorithm} is not known.`);
    }
  } finally {
    await reader.close();
  }
}

async function* rest(reader: ByteReader): AsyncGenerator<Buffer, void> {
  for (let chunk = await reader.some(Infinity); chunk !== undefined; chunk = await reader.some(Infinity)) yield chunk;
}

/** Counts what goes in and what comes out. */
export class Meter {
  readonly #limits: Limits;
  /** The meter of the outermost compression: what that took in is what the sender paid. */
  readonly #outermost: Meter;
  #in = 0;
  #out = 0;

  /** `outer` is the meter of the compression that this one lies in. */
  constructor(limits: Limits, outer?: Meter) {
    this.#limits = limits;
    this.#outermost = outer === undefined ? this : outer.#outermost;
  }

  /** Octets that went in. */
  get taken(): number {
    return this.#in;
  }

  async *input(stream: ByteStream): AsyncGenerator<Buffer, void> {
    for await (const chunk of stream) {
      this.#in += chunk.length;
      yield chunk;
    }
  }

  async *output(stream: ByteStream): AsyncGenerator<Buffer, void> {
    const { decompressedSize, decompressionFree, decompressionRatio } = this.#limits;
    for await (const chunk of stream) {
      this.#out += chunk.length;
      const bomb = this.#out > decompressionFree && this.#out > this.#outermost.#in * decompressionRatio;
      if (bomb || this.#out > decompressedSize) {
        throw new OpenPGPError('decompression-limit', `The message expands to more than the limits allow.`);
      }
      yield chunk;
    }
  }
}

async function* inflate(
  input: ByteStream,
  algorithm: typeof ZIP | typeof ZLIB,
  meter: Meter,
): AsyncGenerator<Buffer, void> {
  const source = Readable.from(input, { objectMode: true, highWaterMark: 1 });
  const inflater = algorithm === ZIP ? createInflateRaw({ chunkSize: 65536 }) : createInflate({ chunkSize: 65536 });
  let failure: Error | undefined;
  source.once('error', (error) => {
    failure = error;
    inflater.destroy(error);
  });
  source.pipe(inflater);
  try {
    for await (const chunk of inflater) yield chunk as Buffer;
  } catch (error) {
    if (failure !== undefined) throw failure;
    const code = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR' ? 'truncated' : 'malformed';
    throw new OpenPGPError(code, 'The compressed data is damaged.', { cause: error });
  } finally {
    source.destroy();
    inflater.destroy();
  }
  // zlib stops at the end of its data, whatever follows there.
  if (inflater.bytesWritten !== meter.taken) {
    throw new OpenPGPError('trailing-data', 'Something follows the compressed data in its packet.');
  }
}

/** There is no bzip2 in Node, so that it is done in one piece and under a tighter limit. */
async function* bunzip2(input: ByteStream, { limits, offload }: DecompressionOptions): AsyncGenerator<Buffer, void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    size += chunk.length;
    if (size > limits.slowSize) {
      throw new OpenPGPError('limit', `A bzip2 message of more than ${limits.slowSize} octets is not opened.`);
    }
    chunks.push(chunk);
  }
  yield* slices(Buffer.from(await offload.run('bunzip2', { body: Buffer.concat(chunks) })));
}
