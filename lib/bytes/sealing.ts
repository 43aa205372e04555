/** AES-256-GCM (NIST SP 800-38D) over octets in memory: the one place that calls it for what Postern keeps for itself. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export const KEY_SIZE = 32;
export const TAG_SIZE = 16;
export const NONCE_SIZE = 12;

/** Ciphertext, then tag. `additional` is authenticated with it. A key must never seal twice with the same nonce. */
export function sealGCM(key: Buffer, nonce: Buffer, content: Buffer, additional: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additional);
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** What `sealGCM` sealed; undefined where anything about it is another. */
export function openGCM(key: Buffer, nonce: Buffer, sealed: Buffer, additional: Buffer): Buffer | undefined {
  if (sealed.length < TAG_SIZE) return undefined;
  const end = sealed.length - TAG_SIZE;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_SIZE })
    .setAAD(additional)
    .setAuthTag(sealed.subarray(end));
  const content = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
    return content;
  } catch {
    content.fill(0);
    return undefined;
  }
}

/** Octets that sealing under a SealingKey adds. */
export const SEALED_SIZE = NONCE_SIZE + TAG_SIZE;

/** A key that seals many things, each with a random nonce. It owns the octets that it is given. */
export class SealingKey {
  readonly #key: Buffer;
  #isClosed = false;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** Nonce, ciphertext and tag. Throws after `close`. */
  seal(content: Buffer, additional: Buffer): Buffer {
    // Under a key of zeros anybody could read it.
    if (this.#isClosed) throw new Error('The key has been closed.');
    const nonce = randomBytes(NONCE_SIZE);
    return Buffer.concat([nonce, sealGCM(this.#key, nonce, content, additional)]);
  }

  /** What `seal` sealed; undefined where anything about it is another, and after `close`. */
  open(sealed: Buffer, additional: Buffer): Buffer | undefined {
    if (this.#isClosed || sealed.length < SEALED_SIZE) return undefined;
    return openGCM(this.#key, sealed.subarray(0, NONCE_SIZE), sealed.subarray(NONCE_SIZE), additional);
  }

  /** Overwrites the key. */
  close(): void {
    this.#isClosed = true;
    this.#key.fill(0);
  }
}
