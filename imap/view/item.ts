import type { FetchItem } from '#imap/wire/fetchcommand';
import type { FetchData } from '#imap/wire/fetchdata';

/** An item of a response whose value is a literal: of these octets, or of that many that are streamed. `binary`: it may hold NUL (RFC 3516 §4.3). */
export function literalItem(item: FetchItem, octets: Buffer | number, binary = false): FetchData {
  const held = typeof octets === 'number' ? { size: octets } : { size: octets.length, bytes: octets };
  const content = { ...held, nonSynchronizing: false, binary };
  if (item.kind === 'body') {
    // Dovecot's way. Names are the same in any case, and clients know them so.
    const fields = item.section.fields.map((field) => field.toUpperCase());
    return { kind: 'body', section: { ...item.section, fields }, origin: item.partial?.offset, content };
  }
  if (item.kind === 'binary') return { kind: 'binary', part: item.part, origin: item.partial?.offset, content };
  if (item.kind === 'plain' && (item.name === 'RFC822' || item.name === 'RFC822.HEADER' || item.name === 'RFC822.TEXT'))
    return { kind: 'rfc822', name: item.name, content };
  throw new TypeError('This item has no literal.');
}
