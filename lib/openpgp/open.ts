/**
 * Opening: encrypted message in, authenticated payload out. Nothing comes out of here that is not authenticated:
 *
 * - SEIPDv2 chunk by chunk, as each tag has been verified; only the end of the payload proves that nothing was cut off.
 * - SEIPDv1 in two passes: the first verifies the Modification Detection Code and keeps the payload (up to the buffer limit) or
 *   the ciphertext (in a spool); the second decrypts the spool again. The same where signatures are to be judged first.
 */
import { type ByteStream, lentStream, slices } from '#lib/bytes/source';
import { BUFFER_LIMIT } from '#lib/bytes/spool';
import { AeadDecryptor } from './aead.js';
import { IDEA, symmetric } from './algorithm.js';
import { CfbDecryptor, type Decryptor } from './cfb.js';
import { type Content, readContent } from './content.js';
import { OpenPGPError } from './error.js';
import { findSessionKey } from './keysearch.js';
import type { PrivateKey } from './library.js';
import { LIMITS, type Limits } from './limits.js';
import { type Offload, inline } from './offload.js';
import { type Outer, bodyOf, readOuter } from './outer.js';
import type { SessionKey } from './sessionkey.js';
import { decrypt, firstPass } from './twopass.js';
import type { SignatureVerdict, Verifiers } from './verification.js';

export interface OpenOptions {
  /** True: a chunk of the input is ours only until we ask for the next one, as `Source.lent` gives them. */
  readonly lent?: boolean;
  /** Unlocked private keys. */
  readonly keys?: readonly PrivateKey[];
  /** The session key, where it is known; then no private key is needed. */
  readonly sessionKey?: SessionKey | undefined;
  /** Finds certificates for the signatures. Without it every signature is of an unknown key. */
  readonly verifiers?: Verifiers;
  /** True: the payload is handed out only after everything, signatures included, has been seen. */
  readonly signaturesFirst?: boolean;
  /** Octets that may be held in memory. Default `BUFFER_LIMIT`. */
  readonly bufferLimit?: number;
  /** Folder for a spool. Default: the system's. */
  readonly spoolDirectory?: string;
  readonly limits?: Partial<Limits>;
  /** Where private-key operations with RSA, and slow JavaScript, run. Default: in place. */
  readonly offload?: Offload;
}

export interface OpenedMessage {
  /** Octets of the payload; undefined where only its end will tell. */
  readonly size: number | undefined;
  readonly sessionKey: SessionKey;
  readonly seipdVersion: 1 | 2;
  /** Key IDs of the recipients as the message names them; empty strings for hidden ones. */
  readonly recipients: readonly string[];
  /** True where everything has been verified already: the end of the message, and the signatures. */
  readonly verified: boolean;
  /** The payload, once. Leaving it early releases everything. */
  readonly payload: ByteStream;
  /** The signatures, judged. To be called when the payload has ended, or at any time where `verified`. */
  readonly signatures: () => Promise<readonly SignatureVerdict[]>;
  /** Releases everything, where the payload is not read to its end. */
  readonly close: () => Promise<void>;
}

/**
 * Opens a message, armored or binary. Throws OpenPGPError; so does the payload while it is read.
 */
export async function openMessage(input: ByteStream, options: OpenOptions): Promise<OpenedMessage> {
  const limits = { ...LIMITS, ...options.limits };
  const outer = await readOuter(input, limits, options.lent);
  try {
    return await openOuter(outer, options, limits);
  } catch (error) {
    await outer.reader.close();
    throw error;
  }
}

async function openOuter(outer: Outer, options: OpenOptions, limits: Limits): Promise<OpenedMessage> {
  const offload = options.offload ?? inline;
  const { parameters } = outer;
  const sessionKey =
    options.sessionKey ??
    (await findSessionKey(outer.sessionKeys, options.keys ?? [], parameters?.symmetric.id, limits, offload));
  const cipher = parameters?.symmetric ?? symmetric(sessionKey.algorithm);
  if (sessionKey.key.length !== cipher.keySize) {
    throw new OpenPGPError('session-key', 'The session key has a wrong length for its cipher.');
  }
  const contentOptions = { limits, offload, verifiers: options.verifiers ?? (() => []), hash: true };
  const told = {
    sessionKey,
    seipdVersion: parameters === undefined ? 1 : 2,
    recipients: outer.sessionKeys.map(({ keyID }) => keyID),
  } as const;

  if (parameters !== undefined && options.signaturesFirst !== true) {
    const decryptor = new AeadDecryptor(parameters, sessionKey.key);
    const content = await readContent(decrypt(bodyOf(outer), decryptor), contentOptions);
    return {
      ...told,
      size: content.size,
      verified: false,
      payload: closing(content.payload, content.close),
      signatures: content.judge,
      close: content.close,
    };
  }

  const slow = cipher.openssl === undefined && cipher.id !== IDEA;
  const decryptor = (verify: boolean): Decryptor =>
    parameters !== undefined
      ? new AeadDecryptor(parameters, sessionKey.key)
      : slow
        ? PASS_THROUGH
        : new CfbDecryptor(cipher, sessionKey.key, verify);
  const body = slow ? slices(await decryptSlowly(outer, sessionKey, limits, offload)) : bodyOf(outer);
  const found = await firstPass(body, decryptor(true), contentOptions, {
    bufferLimit: options.bufferLimit ?? BUFFER_LIMIT,
    spoolDirectory: options.spoolDirectory,
  });
  const known = { ...told, size: found.size, verified: true, signatures: () => Promise.resolve(found.verdicts) };
  const { payload, ciphertext } = found;
  if (ciphertext === undefined) return { ...known, payload: pieces(payload ?? []), close: () => Promise.resolve() };
  // CFB holds no ciphertext back; the others do.
  const holds = parameters !== undefined || slow;
  const again = decrypt(holds ? ciphertext.stream() : lentStream(ciphertext), decryptor(false));
  let content: Content;
  try {
    content = await readContent(again, { ...contentOptions, hash: false });
  } catch (error) {
    await ciphertext.close();
    throw error;
  }
  const close = async () => {
    await content.close();
    await ciphertext.close();
  };
  return { ...known, payload: closing(content.payload, close), close };
}

/** For packets that are decrypted already. */
const PASS_THROUGH: Decryptor = { push: (chunk) => chunk, end: () => Buffer.alloc(0) };

/** The packets inside SEIPDv1 with a cipher that node:crypto does not have. They are held whole. */
async function decryptSlowly(
  outer: Outer,
  { algorithm, key }: SessionKey,
  limits: Limits,
  offload: Offload,
): Promise<Buffer> {
  const chunks: Buffer[] = [Buffer.of(1)];
  let size = 1;
  for await (const chunk of bodyOf(outer)) {
    size += chunk.length;
    if (size > limits.slowSize) {
      const { name } = symmetric(algorithm);
      throw new OpenPGPError('limit', `A message of more than ${limits.slowSize} octets is not opened with ${name}.`);
    }
    chunks.push(chunk);
  }
  return Buffer.from(await offload.run('slowDecrypt', { body: Buffer.concat(chunks), algorithm, key }));
}

function closing(payload: ByteStream, close: () => Promise<void>): ByteStream {
  const stream = closedAfter(payload, close);
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => stream.next(),
      async return() {
        await stream.return();
        // A generator that was left before its first octet has run nothing of itself.
        await close();
        return { done: true, value: undefined };
      },
    }),
  };
}

async function* closedAfter(payload: ByteStream, close: () => Promise<void>): AsyncGenerator<Buffer, void> {
  try {
    yield* payload;
  } finally {
    await close();
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- an async generator is the shape of a ByteStream
async function* pieces(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void> {
  yield* chunks;
}
