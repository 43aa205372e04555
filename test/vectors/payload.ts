/**
 * The plaintexts of the vectors. They are computed, not stored: a test can know every octet of what a message may give out,
 * and a vector's index entry needs no more than a kind and a size.
 */
import { createCipheriv, createHash } from 'node:crypto';

export type PayloadKind =
  /** A mail message in CRLF lines, most of it base64. Does not compress well, as mail does not. */
  | 'mail'
  /** Any octet, incompressible. */
  | 'random'
  /** NUL octets only. */
  | 'zeros'
  /** The plaintext of the samples in RFC 9580 Appendix A. */
  | 'hello';

/** Octets that look random and are always the same for the same seed. */
export function seededBytes(seed: string, size: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** The first `size` octets of the plaintext of this kind. */
export function payloadOf(kind: PayloadKind, size: number): Buffer {
  switch (kind) {
    case 'mail':
      return mail(size);
    case 'random':
      return seededBytes('payload', size);
    case 'zeros':
      return Buffer.alloc(size);
    case 'hello':
      return Buffer.from('Hello, world!', 'latin1').subarray(0, size);
  }
}

const HEADER = [
  'From: Alice <alice@example.com>',
  'To: Bob <bob@example.com>',
  'Subject: The lighthouse keeper writes',
  'Date: Thu, 01 Jan 2026 12:00:00 +0000',
  'Message-ID: <lighthouse@example.com>',
  'MIME-Version: 1.0',
  'Content-Type: application/octet-stream',
  'Content-Transfer-Encoding: base64',
  '',
  '',
].join('\r\n');

function mail(size: number): Buffer {
  // 57 octets make a line of 76 characters, 78 with its end.
  const lines = Math.max(0, Math.ceil((size - HEADER.length) / 78));
  const text = Buffer.alloc(HEADER.length + lines * 78);
  text.write(HEADER, 'latin1');
  const base64 = seededBytes('mail', lines * 57).toString('base64');
  for (let line = 0; line < lines; line++) {
    text.write(`${base64.slice(line * 76, line * 76 + 76)}\r\n`, HEADER.length + line * 78, 'latin1');
  }
  return text.subarray(0, size);
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
