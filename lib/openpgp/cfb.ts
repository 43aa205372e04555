/**
 * Version 1 of the encrypted data packet (RFC 9580 §5.13.1): CFB with a random prefix and a Modification Detection Code.
 * The body of the packet after its version octet, as synchronous state machines over chunks.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { IDEA, type SymmetricAlgorithm } from './algorithm.js';
import { type CfbEncryption, cfbByCbc, cfbByEcb } from './cfbaes.js';
import { OpenPGPError } from './error.js';
import { ideaEncryptor } from './idea.js';

/** Octets of the Modification Detection Code packet: the header D3 14 and a SHA-1 digest. */
const MDC_SIZE = 22;
const MDC_HEADER = Buffer.of(0xd3, 0x14);
/** Octets that may be held while the input comes in tiny chunks. */
const SMALL = 4096;
const EMPTY = Buffer.alloc(0);

/** Octets that encryption adds to the plaintext of a SEIPDv1 body, the version octet not counted. */
export function cfbOverhead(algorithm: SymmetricAlgorithm): number {
  return algorithm.blockSize + 2 + MDC_SIZE;
}

/** Encrypts the packets inside: first comes the result of `start`, then theirs. `push` may keep back less than a block. */
export class CfbEncryptor {
  readonly #cipher: CfbEncryption;
  readonly #hash = createHash('sha1');
  readonly #blockSize: number;

  constructor(algorithm: SymmetricAlgorithm, key: Buffer) {
    this.#blockSize = algorithm.blockSize;
    this.#cipher = isAES(algorithm) ? cfbByCbc(native(algorithm), key) : cfbCipher(algorithm, key);
  }

  /** The encrypted prefix: a random block whose last two octets are repeated. */
  start(): Buffer {
    const random = randomBytes(this.#blockSize);
    return this.push(Buffer.concat([random, random.subarray(-2)]));
  }

  push(chunk: Buffer): Buffer {
    this.#hash.update(chunk);
    return this.#cipher.update(chunk);
  }

  /** The encrypted Modification Detection Code, and what was kept back. */
  end(): Buffer {
    this.#hash.update(MDC_HEADER);
    const code = this.#cipher.update(Buffer.concat([MDC_HEADER, this.#hash.digest()]));
    return Buffer.concat([code, this.#cipher.final()]);
  }
}

/** Something that takes ciphertext in chunks and gives plaintext; `end` checks what can only be checked there. */
export interface Decryptor {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

/**
 * Decrypts. What `push` returns is NOT authenticated before `end` has returned: open.ts lets nobody see it until then.
 * With `verify` false the code is cut off and not checked: for a second pass over bytes whose first pass was verified.
 */
export class CfbDecryptor implements Decryptor {
  readonly #keystream: (chunk: Buffer) => Buffer;
  readonly #hash = createHash('sha1');
  readonly #verify: boolean;
  /** Prefix octets still to come. */
  #prefix: number;
  /** The last chunk of plaintext, in whose end the code may be. */
  #held: Buffer = EMPTY;

  constructor(algorithm: SymmetricAlgorithm, key: Buffer, verify = true) {
    this.#keystream = keystream(algorithm, key);
    this.#prefix = algorithm.blockSize + 2;
    this.#verify = verify;
  }

  push(chunk: Buffer): Buffer {
    let plaintext = this.#keystream(chunk);
    if (this.#prefix > 0) {
      const prefix = plaintext.subarray(0, this.#prefix);
      if (this.#verify) this.#hash.update(prefix);
      this.#prefix -= prefix.length;
      plaintext = plaintext.subarray(prefix.length);
    }
    if (plaintext.length < MDC_SIZE) {
      // Too little to hold the code: it joins what is held, which is let go but for its end once it has grown.
      const joined = Buffer.concat([this.#held, plaintext]);
      if (joined.length < SMALL) {
        this.#held = joined;
        return EMPTY;
      }
      this.#held = joined.subarray(joined.length - MDC_SIZE);
      return this.#hashed(joined.subarray(0, joined.length - MDC_SIZE));
    }
    const released = this.#held;
    this.#held = plaintext;
    return this.#hashed(released);
  }

  end(): Buffer {
    const split = Math.max(0, this.#held.length - MDC_SIZE);
    const rest = this.#held.subarray(0, split);
    const code = this.#held.subarray(split);
    if (this.#verify) {
      this.#hashed(rest);
      if (code.length < MDC_SIZE) throw new OpenPGPError('truncated', 'The encrypted data ends too early.');
      if (!code.subarray(0, 2).equals(MDC_HEADER)) {
        throw new OpenPGPError(
          'mdc-missing',
          'The message has no modification detection code: it was changed or cut off.',
        );
      }
      const digest = this.#hash.update(MDC_HEADER).digest();
      if (!digest.equals(code.subarray(2))) {
        throw new OpenPGPError(
          'mdc-mismatch',
          'The modification detection code does not match: the message was changed.',
        );
      }
    }
    return rest;
  }

  #hashed(plaintext: Buffer): Buffer {
    if (this.#verify && plaintext.length > 0) this.#hash.update(plaintext);
    return plaintext;
  }
}

function native(algorithm: SymmetricAlgorithm): string {
  if (algorithm.openssl === undefined) {
    throw new OpenPGPError('unsupported', `The symmetric cipher ${algorithm.name} is not available here.`);
  }
  return algorithm.openssl;
}

function keystream(algorithm: SymmetricAlgorithm, key: Buffer): (chunk: Buffer) => Buffer {
  if (algorithm.id === IDEA) return cfbByBlocks(ideaEncryptor(key));
  return isAES(algorithm) ? cfbByEcb(native(algorithm), key) : cfbDecipher(algorithm, key);
}

function isAES({ openssl }: SymmetricAlgorithm): boolean {
  return openssl?.startsWith('aes-') === true;
}

function cfbCipher(algorithm: SymmetricAlgorithm, key: Buffer): CfbEncryption {
  return createCipheriv(`${native(algorithm)}-cfb`, key, Buffer.alloc(algorithm.blockSize));
}

function cfbDecipher(algorithm: SymmetricAlgorithm, key: Buffer): (chunk: Buffer) => Buffer {
  const decipher = createDecipheriv(`${native(algorithm)}-cfb`, key, Buffer.alloc(algorithm.blockSize));
  return (chunk) => decipher.update(chunk);
}

/** CFB decryption, octet by octet, with a cipher of eight-octet blocks. */
function cfbByBlocks(encryptBlock: (block: Buffer) => void): (chunk: Buffer) => Buffer {
  const stream = Buffer.alloc(8);
  let used = stream.length;
  const previous = Buffer.alloc(8);
  return (chunk) => {
    const out = Buffer.from(chunk);
    for (let i = 0; i < out.length; i++, used++) {
      if (used === stream.length) {
        previous.copy(stream);
        encryptBlock(stream);
        used = 0;
      }
      previous[used] = out[i] ?? 0;
      out[i] = (out[i] ?? 0) ^ (stream[used] ?? 0);
    }
    return out;
  };
}
