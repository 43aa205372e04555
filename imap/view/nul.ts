import type { ByteStream } from '#lib/bytes/source';

/** What is sent for NUL, which no literal but that of BINARY can hold (RFC 9051 §4.3.1). As Dovecot. */
const SUBSTITUTE = 0x80;

/** The octets with NUL made what can be sent. */
export function withoutNul(octets: Buffer): Buffer {
  if (!octets.includes(0)) return octets;
  const copy = Buffer.from(octets);
  for (let at = copy.indexOf(0); at >= 0; at = copy.indexOf(0, at + 1)) copy[at] = SUBSTITUTE;
  return copy;
}

/** A stream with the same done. */
export async function* withoutNuls(stream: ByteStream): AsyncGenerator<Buffer, void> {
  for await (const chunk of stream) yield withoutNul(chunk);
}
