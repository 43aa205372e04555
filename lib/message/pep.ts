import type { Header } from '#lib/mime/header';
import type { Part } from '#lib/mime/structure';

/** Octets at the start of a payload in which p≡p's note about the wrapping stands. */
export const PEP_HEAD = 4 * 1024;

/** Whether an outer header is that of p≡p 2: its version, or its name in the place of the Subject. */
export function isPepOuter(outer: Header): boolean {
  if (outer.has('x-pep-version')) return true;
  // "p≡p" as its UTF-8 octets or in an encoded word of either kind, and "pEp".
  const subject = outer.unfolded('subject') ?? '';
  return /^(?:p\xe2\x89\xa1p|=\?utf-8\?q\?p=e2=89=a1p\?=|=\?utf-8\?b\?cOKJoXA=\?=|pep)$/i.test(subject);
}

/**
 * The message that p≡p 2 has wrapped: the only message/rfc822 in a multipart/mixed that has nothing else of its own, but for a
 * note in front (`pEp-Wrapped-Message-Info: OUTER`) and keys behind. Undefined for anything else: then all of it is shown.
 *
 * `head` is the start of the payload that the offsets are in.
 */
export function pepMessage(root: Part, head: Buffer): Part | undefined {
  if (root.contentType.type !== 'multipart/mixed') return undefined;
  const parts = [...root.parts];
  if (parts[0]?.contentType.type === 'text/plain') {
    const [note] = parts.splice(0, 1);
    if (note === undefined || note.end > head.length) return undefined;
    const text = head.toString('latin1', note.bodyStart, note.end);
    if (!/^(?:x-)?pep-wrapped-message-info:[ \t]*outer\b/i.test(text.trimStart())) return undefined;
  }
  const [wrapped, ...keys] = parts;
  if (wrapped?.message === undefined) return undefined;
  return keys.every(({ contentType }) => contentType.type === 'application/pgp-keys') ? wrapped.message : undefined;
}
