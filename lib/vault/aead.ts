import { NONCE_SIZE, openGCM, sealGCM } from '#lib/bytes/sealing';

export { KEY_SIZE, TAG_SIZE } from '#lib/bytes/sealing';

/** RFC 5116 §3.1: a nonce may be fixed where a key seals one thing only. */
const NONCE = Buffer.alloc(NONCE_SIZE);

/**
 * Seals under a key that is used for nothing else, ever: ciphertext, then tag. `header` is authenticated with it. All keys given
 * to this are derived with, or are, fresh random octets.
 */
export function sealOnce(key: Buffer, content: Buffer, header: Buffer): Buffer {
  return sealGCM(key, NONCE, content, header);
}

/** What `sealOnce` sealed; undefined where key, content or header are others. */
export function openOnce(key: Buffer, sealed: Buffer, header: Buffer): Buffer | undefined {
  return openGCM(key, NONCE, sealed, header);
}
