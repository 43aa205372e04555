/**
 * Verifying before handing out: the first pass reads a message to its end, the second, where the payload was too large to be
 * kept, reads it again from a spool of ciphertext.
 */
import { type ByteStream, type Source, drain } from '#lib/bytes/source';
import { Spool } from '#lib/bytes/spool';
import type { Decryptor } from './cfb.js';
import { type Content, type ContentOptions, readContent } from './content.js';
import type { SignatureVerdict } from './verification.js';

/** What a first pass found: the payload itself, or the ciphertext to read it from again. */
export interface Verified {
  readonly size: number;
  readonly verdicts: readonly SignatureVerdict[];
  readonly payload: readonly Buffer[] | undefined;
  readonly ciphertext: Source | undefined;
}

export interface TwoPassOptions {
  /** Octets of payload that may be kept in memory. */
  readonly bufferLimit: number;
  readonly spoolDirectory: string | undefined;
}

/**
 * Reads everything: each tag, the Modification Detection Code, the signatures. What is wrong with the encryption is told before
 * what is wrong inside it, because without integrity nothing inside means anything.
 */
export async function firstPass(
  body: ByteStream,
  decryptor: Decryptor,
  contentOptions: ContentOptions,
  { bufferLimit, spoolDirectory }: TwoPassOptions,
): Promise<Verified> {
  const spool = new Spool({
    limit: bufferLimit,
    seal: false,
    ...(spoolDirectory === undefined ? {} : { directory: spoolDirectory }),
  });
  const plaintext = decrypt(kept(body, spool), decryptor);
  try {
    const { content, ...read } = await readToEnd(undrained(plaintext), contentOptions, bufferLimit).catch(
      async (error: unknown) => {
        await drain(plaintext);
        throw error;
      },
    );
    const verdicts = await content.judge();
    if (read.payload === undefined) return { ...read, verdicts, ciphertext: await spool.finish() };
    await spool.discard();
    return { ...read, verdicts, ciphertext: undefined };
  } catch (error) {
    await spool.discard();
    throw error;
  }
}

interface ReadToEnd {
  readonly content: Content;
  readonly size: number;
  readonly payload: readonly Buffer[] | undefined;
}

async function readToEnd(plaintext: ByteStream, options: ContentOptions, bufferLimit: number): Promise<ReadToEnd> {
  const content = await readContent(plaintext, options);
  let chunks: Buffer[] | undefined = [];
  let size = 0;
  for await (const chunk of content.payload) {
    size += chunk.length;
    if (size <= bufferLimit) chunks?.push(chunk);
    else chunks = undefined;
  }
  return { content, size, payload: chunks };
}

/** The packets inside the encryption. */
export async function* decrypt(body: ByteStream, decryptor: Decryptor): AsyncGenerator<Buffer, void> {
  for await (const chunk of body) {
    const plaintext = decryptor.push(chunk);
    if (plaintext.length > 0) yield plaintext;
  }
  const rest = decryptor.end();
  if (rest.length > 0) yield rest;
}

async function* kept(body: ByteStream, spool: Spool): AsyncGenerator<Buffer, void> {
  for await (const chunk of body) {
    await spool.write(chunk);
    yield chunk;
  }
}

/** The same stream, but a reader who leaves early does not end it. */
function undrained(stream: AsyncGenerator<Buffer, void>): ByteStream {
  return { [Symbol.asyncIterator]: () => ({ next: () => stream.next() }) };
}
