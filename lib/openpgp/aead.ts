/**
 * Version 2 of the encrypted data packet (RFC 9580 §5.13.2): chunks, each authenticated by itself with its index, and a final
 * tag over the number of octets. The body of the packet after its version octet.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type AeadAlgorithm, TAG_SIZE, type SymmetricAlgorithm, Tag, aead, symmetric } from './algorithm.js';
import type { Decryptor } from './cfb.js';
import { openEax, sealEax } from './eax.js';
import { OpenPGPError } from './error.js';
import { hkdf } from './hkdf.js';

const VERSION = 2;
const SALT_SIZE = 32;
/** Octets of the body before the first chunk, the version octet included. */
export const AEAD_HEADER_SIZE = 4 + SALT_SIZE;
/** RFC 9580 §5.13.2: chunk size octets above 16 must be refused. */
const LARGEST_CHUNK_OCTET = 16;
/** What we write: 2^(10+6) = 64 KiB, small enough for the cache and for reading a range, large enough for speed. */
export const CHUNK_OCTET = 10;

const EMPTY = Buffer.alloc(0);

/** The parameters of one SEIPDv2 packet. */
export interface AeadParameters {
  readonly symmetric: SymmetricAlgorithm;
  readonly aead: AeadAlgorithm;
  readonly chunkOctet: number;
  readonly salt: Buffer;
}

/** Octets of a whole chunk's plaintext. */
export function chunkSize(parameters: AeadParameters): number {
  return 2 ** (parameters.chunkOctet + 6);
}

/** Octets of the chunks and the final tag for so many octets of plaintext. */
export function aeadSize(plaintext: number, chunk: number): number {
  return plaintext + (Math.ceil(plaintext / chunk) + 1) * TAG_SIZE;
}

/** Octets of plaintext in so many octets of chunks and final tag. Throws OpenPGPError `truncated` where that cannot be. */
export function aeadPlaintextSize(size: number, chunk: number): number {
  const withTags = size - TAG_SIZE;
  const chunks = Math.ceil(withTags / (chunk + TAG_SIZE));
  const plaintext = withTags - chunks * TAG_SIZE;
  if (plaintext < 0 || (chunks > 0 && plaintext <= (chunks - 1) * chunk)) throw truncated();
  return plaintext;
}

/** Parameters for a new packet, with a random salt. */
export function newAeadParameters(cipher: SymmetricAlgorithm, algorithm: AeadAlgorithm): AeadParameters {
  return { symmetric: cipher, aead: algorithm, chunkOctet: CHUNK_OCTET, salt: randomBytes(SALT_SIZE) };
}

/** The body's octets before the first chunk. */
export function writeAeadHeader({ symmetric: cipher, aead: algorithm, chunkOctet, salt }: AeadParameters): Buffer {
  return Buffer.concat([Buffer.of(VERSION, cipher.id, algorithm.id, chunkOctet), salt]);
}

/** Reads `AEAD_HEADER_SIZE` octets. Throws OpenPGPError `unsupported`, `malformed`. */
export function readAeadHeader(header: Buffer): AeadParameters {
  const chunkOctet = header.readUInt8(3);
  if (chunkOctet > LARGEST_CHUNK_OCTET) {
    throw new OpenPGPError('malformed', `The chunk size octet ${chunkOctet} is larger than RFC 9580 allows.`);
  }
  const cipher = symmetric(header.readUInt8(1));
  if (cipher.openssl?.startsWith('aes-') !== true) {
    throw new OpenPGPError('unsupported', `${cipher.name} with AEAD is not supported; AES is.`);
  }
  return {
    symmetric: cipher,
    aead: aead(header.readUInt8(2)),
    chunkOctet,
    salt: Buffer.from(header.subarray(4, AEAD_HEADER_SIZE)),
  };
}

/** Seals and opens single chunks by their index: the part that knows no order. */
export class AeadChunks {
  readonly chunkSize: number;
  readonly #parameters: AeadParameters;
  readonly #key: Buffer;
  readonly #nonce: Buffer;
  readonly #header: Buffer;
  readonly #cipher: string;
  /** Where the pieces of a chunk are joined. Ciphertext only: a cipher reads it and it goes nowhere else. */
  #joined = EMPTY;

  constructor(parameters: AeadParameters, sessionKey: Buffer) {
    const { symmetric: cipher, aead: algorithm, chunkOctet, salt } = parameters;
    if (sessionKey.length !== cipher.keySize) {
      throw new OpenPGPError(
        'session-key',
        `The session key is ${sessionKey.length} octets long, not ${cipher.keySize}.`,
      );
    }
    this.chunkSize = chunkSize(parameters);
    this.#parameters = parameters;
    // The packet's type in the current format, then its version and parameters.
    this.#header = Buffer.of(0xc0 | Tag.encryptedData, VERSION, cipher.id, algorithm.id, chunkOctet);
    const vectorSize = algorithm.nonceSize - 8;
    const derived = hkdf('sha256', sessionKey, salt, this.#header, cipher.keySize + vectorSize);
    this.#key = derived.subarray(0, cipher.keySize);
    this.#nonce = Buffer.concat([derived.subarray(cipher.keySize), Buffer.alloc(8)]);
    this.#cipher = `${cipher.openssl ?? ''}-${algorithm.mode}`;
  }

  /** The ciphertext of a chunk, its tag at the end. */
  seal(index: number, plaintext: Buffer): Buffer {
    return this.#seal(index, this.#header, plaintext);
  }

  /** The tag over the number of octets in all, which follows the last chunk. */
  sealEnd(chunks: number, octets: number): Buffer {
    return this.#seal(chunks, this.#endData(octets), EMPTY);
  }

  /** The plaintext of a chunk given in pieces (ciphertext, and its tag at the end). Throws OpenPGPError `tag-mismatch`. */
  open(index: number, pieces: readonly Buffer[]): Buffer {
    return this.#open(index, this.#header, pieces);
  }

  /** Checks the final tag. Throws OpenPGPError `tag-mismatch`. */
  openEnd(chunks: number, octets: number, tag: Buffer): void {
    this.#open(chunks, this.#endData(octets), [tag]);
  }

  #endData(octets: number): Buffer {
    const data = Buffer.concat([this.#header, Buffer.alloc(8)]);
    data.writeBigUInt64BE(BigInt(octets), this.#header.length);
    return data;
  }

  #nonceFor(index: number): Buffer {
    const at = this.#nonce.length - 8;
    this.#nonce.writeUInt32BE(Math.floor(index / 2 ** 32), at);
    this.#nonce.writeUInt32BE(index >>> 0, at + 4);
    return this.#nonce;
  }

  #join(pieces: readonly Buffer[]): Buffer {
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) return only;
    const size = pieces.reduce((sum, { length }) => sum + length, 0);
    if (this.#joined.length < size) this.#joined = Buffer.allocUnsafeSlow(size);
    let at = 0;
    for (const piece of pieces) at += piece.copy(this.#joined, at);
    return this.#joined.subarray(0, size);
  }

  #seal(index: number, data: Buffer, plaintext: Buffer): Buffer {
    const nonce = this.#nonceFor(index);
    if (this.#parameters.aead.mode === 'eax')
      return sealEax(this.#parameters.symmetric, this.#key, nonce, data, plaintext);
    const cipher = createCipheriv(this.#cipher as 'aes-256-gcm', this.#key, nonce, { authTagLength: TAG_SIZE });
    cipher.setAAD(data);
    // OCB gives the last, partial block only with final().
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }

  #open(index: number, data: Buffer, pieces: readonly Buffer[]): Buffer {
    const nonce = this.#nonceFor(index);
    const sealed = this.#join(pieces);
    const end = sealed.length - TAG_SIZE;
    try {
      if (this.#parameters.aead.mode === 'eax')
        return openEax(this.#parameters.symmetric, this.#key, nonce, data, sealed);
      const decipher = createDecipheriv(this.#cipher as 'aes-256-gcm', this.#key, nonce, { authTagLength: TAG_SIZE });
      decipher.setAAD(data).setAuthTag(sealed.subarray(end));
      const plaintext = decipher.update(sealed.subarray(0, end));
      const rest = decipher.final();
      return rest.length === 0 ? plaintext : Buffer.concat([plaintext, rest]);
    } catch (error) {
      throw new OpenPGPError(
        'tag-mismatch',
        'An authentication tag does not match: the message was changed or cut off.',
        {
          cause: error,
        },
      );
    }
  }
}

const MANY_PIECES = 4096;

function truncated(): OpenPGPError {
  return new OpenPGPError('truncated', 'The encrypted data ends too early.');
}

/** Encrypts the packets inside, after `writeAeadHeader`. */
export class AeadEncryptor {
  readonly #chunks: AeadChunks;
  #held: Buffer[] = [];
  #heldSize = 0;
  #index = 0;
  #octets = 0;

  constructor(parameters: AeadParameters, sessionKey: Buffer) {
    this.#chunks = new AeadChunks(parameters, sessionKey);
  }

  push(plaintext: Buffer): Buffer {
    const size = this.#chunks.chunkSize;
    const out: Buffer[] = [];
    let rest = plaintext;
    while (this.#heldSize + rest.length >= size) {
      const part = rest.subarray(0, size - this.#heldSize);
      rest = rest.subarray(part.length);
      out.push(this.#seal(part));
    }
    if (rest.length > 0) {
      this.#held.push(rest);
      this.#heldSize += rest.length;
    }
    return out.length === 1 ? (out[0] ?? EMPTY) : Buffer.concat(out);
  }

  end(): Buffer {
    const last = this.#heldSize > 0 ? this.#seal(EMPTY) : EMPTY;
    return Buffer.concat([last, this.#chunks.sealEnd(this.#index, this.#octets)]);
  }

  #seal(part: Buffer): Buffer {
    const chunk = this.#held.length === 0 ? part : Buffer.concat([...this.#held, part]);
    this.#held = [];
    this.#heldSize = 0;
    this.#octets += chunk.length;
    return this.#chunks.seal(this.#index++, chunk);
  }
}

/** Decrypts; every octet that comes out is authenticated, and `end` proves that none is missing. */
export class AeadDecryptor implements Decryptor {
  readonly #chunks: AeadChunks;
  #held: Buffer[] = [];
  #heldSize = 0;
  #index = 0;
  #octets = 0;

  constructor(parameters: AeadParameters, sessionKey: Buffer) {
    this.#chunks = new AeadChunks(parameters, sessionKey);
  }

  push(chunk: Buffer): Buffer {
    this.#held.push(chunk);
    this.#heldSize += chunk.length;
    // Many tiny pieces would cost more than what is in them.
    if (this.#held.length > MANY_PIECES) this.#held = [Buffer.concat(this.#held)];
    const size = this.#chunks.chunkSize + TAG_SIZE;
    // The final tag is held back: only what comes before at least one more tag can be a whole chunk.
    if (this.#heldSize < size + TAG_SIZE) return EMPTY;
    const out: Buffer[] = [];
    while (this.#heldSize >= size + TAG_SIZE) out.push(this.#open(size));
    return out.length === 1 ? (out[0] ?? EMPTY) : Buffer.concat(out);
  }

  end(): Buffer {
    if (this.#heldSize < TAG_SIZE) throw truncated();
    const last = this.#heldSize - TAG_SIZE;
    if (last > 0 && last <= TAG_SIZE) throw truncated();
    const plaintext = last > 0 ? this.#open(last) : EMPTY;
    this.#chunks.openEnd(this.#index, this.#octets, Buffer.concat(this.#held));
    return plaintext;
  }

  /** Opens the first `size` octets that are held. */
  #open(size: number): Buffer {
    const pieces: Buffer[] = [];
    let missing = size;
    let used = 0;
    for (const piece of this.#held) {
      if (missing < piece.length) {
        if (missing > 0) pieces.push(piece.subarray(0, missing));
        break;
      }
      pieces.push(piece);
      missing -= piece.length;
      used += 1;
    }
    this.#held = this.#held.slice(used);
    const [first] = this.#held;
    if (missing > 0 && first !== undefined) this.#held[0] = first.subarray(missing);
    this.#heldSize -= size;
    const plaintext = this.#chunks.open(this.#index, pieces);
    this.#index += 1;
    this.#octets += plaintext.length;
    return plaintext;
  }
}
