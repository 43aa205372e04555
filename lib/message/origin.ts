/**
 * The mark that tells our own messages at rest from everybody else's: anybody can encrypt to a public key, but only who holds
 * the account's origin key can make this.
 *
 * `Postern-Origin: v=1; mac=…` with mac = HMAC-SHA-256(origin key, "postern origin 1" 00 SHA-256(cipher octet, session key)).
 * It stands before a payload that is streamed, so it cannot cover the payload itself. It covers the session key, which only
 * who made the ciphertext and who can open it know, and the ciphertext's own integrity protection covers the rest. A mark
 * copied to another message does not fit that one's session key.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Header, unfold } from '#lib/mime/header';
import type { SessionKey } from '#lib/openpgp/sessionkey';
import { writeField } from './field.js';

export const ORIGIN_FIELD = 'Postern-Origin';
/** Octets of an origin key. */
export const ORIGIN_KEY_SIZE = 32;

/** The field, with its line end. Throws TypeError for a key of another size. */
export function originField(originKey: Buffer, sessionKey: SessionKey): Buffer {
  return writeField(ORIGIN_FIELD, `v=1; mac=${originMac(originKey, sessionKey).toString('base64')}`);
}

/** Whether the header has exactly one mark, and it fits this session key. */
export function hasOriginMark(header: Header, originKey: Buffer, sessionKey: SessionKey): boolean {
  const [field, ...more] = header.all(ORIGIN_FIELD);
  if (field === undefined || more.length > 0) return false;
  // What other programs do to a long line may have folded it.
  const [, text] = /^v=1;\s*mac=([A-Za-z0-9+/]{43}=)$/.exec(unfold(field.body)) ?? [];
  return text !== undefined && timingSafeEqual(Buffer.from(text, 'base64'), originMac(originKey, sessionKey));
}

function originMac(originKey: Buffer, sessionKey: SessionKey): Buffer {
  if (originKey.length !== ORIGIN_KEY_SIZE) {
    throw new TypeError(`An origin key has ${ORIGIN_KEY_SIZE} octets, this one ${originKey.length}.`);
  }
  const digest = createHash('sha256').update(Buffer.of(sessionKey.algorithm)).update(sessionKey.key).digest();
  return createHmac('sha256', originKey).update('postern origin 1\0', 'latin1').update(digest).digest();
}
