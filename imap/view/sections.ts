import type { PartialRange, Section } from '#imap/wire/section';
import type { PartRecord } from './record.js';

/** The octets `start` up to but not including `end` of something. There may be none. */
export interface ViewRange {
  readonly start: number;
  readonly end: number;
}

/** What a section that is not there holds. Other servers say NIL; this is as Dovecot has it. */
const NOTHING: ViewRange = { start: 0, end: 0 };

/** The part with this number (RFC 9051 §6.4.5.1): the message itself for no number. */
export function findPart(root: PartRecord, numbers: readonly number[]): PartRecord | undefined {
  let part: PartRecord | undefined = root;
  for (const [index, number] of numbers.entries()) {
    const goesOn = index < numbers.length - 1;
    if (part.kind === 'multipart') part = part.parts[number - 1];
    // A part that is no multipart has a part 1: itself.
    else if (number !== 1 || (goesOn && part.kind === 'leaf')) return undefined;
    if (goesOn && part?.kind === 'message') part = part.parts[0];
    if (part === undefined) return undefined;
  }
  return part;
}

/** Where a section is in the view; of HEADER.FIELDS and HEADER.FIELDS.NOT, the header that they are taken from. */
export function rangeOf(root: PartRecord, { part: numbers, text }: Section): ViewRange {
  const part = findPart(root, numbers);
  if (part === undefined) return NOTHING;
  if (text === undefined) return numbers.length === 0 ? part : bodyOf(part);
  if (text === 'MIME') return headerOf(part);
  // Of a part, these are of the message that it is.
  const message = numbers.length === 0 ? part : part.kind === 'message' ? part.parts[0] : undefined;
  if (message === undefined) return NOTHING;
  return text === 'TEXT' ? bodyOf(message) : headerOf(message);
}

/** The part of a range that a client asks for (RFC 9051 §6.4.5). */
export function clip({ start, end }: ViewRange, partial: PartialRange | undefined): ViewRange {
  if (partial === undefined) return { start, end };
  const from = Math.min(start + partial.offset, end);
  return { start: from, end: Math.min(from + partial.count, end) };
}

export function headerOf({ start, bodyStart }: PartRecord): ViewRange {
  return { start, end: bodyStart };
}

export function bodyOf({ bodyStart, end }: PartRecord): ViewRange {
  return { start: bodyStart, end };
}
