import { createCipheriv, createDecipheriv } from 'node:crypto';

/** Octets of keys and tags of AES-256-GCM. */
export const KEY_SIZE = 32;
export const TAG_SIZE = 16;

/** RFC 5116 §3.1: a nonce may be fixed where a key seals one thing only. */
const NONCE = Buffer.alloc(12);

/**
 * Seals under a key that is used for nothing else, ever: ciphertext, then tag. `header` is authenticated with it. All keys given
 * to this are derived with, or are, fresh random octets.
 */
export function sealOnce(key: Buffer, content: Buffer, header: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, NONCE).setAAD(header);
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** What `sealOnce` sealed; undefined where key, content or header are others. */
export function openOnce(key: Buffer, sealed: Buffer, header: Buffer): Buffer | undefined {
  if (sealed.length < TAG_SIZE) return undefined;
  const end = sealed.length - TAG_SIZE;
  const decipher = createDecipheriv('aes-256-gcm', key, NONCE, { authTagLength: TAG_SIZE })
    .setAAD(header)
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
