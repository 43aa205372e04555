/** Armor as a random-access form of what it encodes, where all its lines have one length. */
import { type Source, gather } from '#lib/bytes/source';
import { LIMITS } from './limits.js';
import { ByteReader } from './packet.js';

/** Octets at the end in which the last data line, a checksum, the end line and some white space must lie. */
const TAIL_SIZE = 4096;
/** Lines decoded at once. */
const BLOCK_LINES = 512;

/** Where the base64 data lies. */
interface Layout {
  /** Offset of the first character. */
  readonly start: number;
  /** Characters of a line, the last one excepted; a multiple of four. */
  readonly chars: number;
  /** Octets of a line with its end. */
  readonly line: number;
  /** Characters in all, padding included. */
  readonly total: number;
}

/**
 * The octets that an armored message encodes, as a source over the armored one. Undefined where the lines are not of one length, as
 * far as the first and the last tell; a wrong one in between shows when what it encodes is authenticated.
 */
export async function armoredOctets(stored: Source): Promise<Source | undefined> {
  const head = await gather(stored.stream(0, Math.min(LIMITS.armorHeader, stored.size)));
  const tailStart = Math.max(0, stored.size - TAIL_SIZE);
  const tail = await gather(stored.stream(tailStart, stored.size));
  const found = layoutOf(head, tail, tailStart);
  if (found === undefined) return undefined;
  const { layout, padding } = found;
  const size = (layout.total / 4) * 3 - padding;
  return {
    size,
    stream: (start = 0, end = size) => decodeRange(stored, layout, start, Math.min(end, size)),
    close: () => stored.close(),
  };
}

function layoutOf(
  head: Buffer,
  tail: Buffer,
  tailStart: number,
): { readonly layout: Layout; readonly padding: number } | undefined {
  const opening = /(?:^|\n)-----BEGIN PGP MESSAGE-----[ \t]*\r?\n(?:[\x21-\x39\x3b-\x7e]+:[^\n]*\n)*[ \t]*\r?\n/.exec(
    head.toString('latin1'),
  );
  if (opening === null) return undefined;
  const start = opening.index + opening[0].length;
  const closing = /(=*)(\r?\n)(?:=[A-Za-z0-9+/]{4}\r?\n)?-----END PGP MESSAGE-----\s*$/.exec(tail.toString('latin1'));
  const lineEnd = head.indexOf(10, start);
  if (closing === null || lineEnd === -1) return undefined;
  const [, pad = '', eol = ''] = closing;
  const line = lineEnd + 1 - start;
  const chars = line - eol.length;
  const end = tailStart + closing.index + pad.length;
  const lines = Math.floor((end - start) / line);
  const rest = end - start - lines * line;
  const total = lines * chars + rest;
  if (chars <= 0 || rest > chars || total % 4 !== 0 || pad.length > 2) return undefined;
  // The first line may be the last one; then its length says nothing about others.
  if (lines > 0 && chars % 4 !== 0) return undefined;
  return { layout: { start, chars, line, total }, padding: pad.length };
}

async function* decodeRange(stored: Source, layout: Layout, start: number, end: number): AsyncGenerator<Buffer, void> {
  if (start >= end) return;
  const { chars, line } = layout;
  const offsetOf = (char: number) => layout.start + Math.floor(char / chars) * line + (char % chars);
  const first = Math.floor(start / 3) * 4;
  const last = Math.min(Math.ceil(end / 3) * 4, layout.total);
  const reader = new ByteReader(stored.stream(offsetOf(first), offsetOf(last - 1) + 1));
  let skip = start % 3;
  let left = end - start;
  try {
    for (let char = first; char < last;) {
      // Up to the end of a line, then whole lines.
      const next = Math.min(last, (Math.floor(char / chars) + BLOCK_LINES) * chars);
      const size = offsetOf(next - 1) + 1 - offsetOf(char);
      const text = await reader.exactly(next < last ? size + (line - chars) : size);
      const octets = Buffer.from(text.toString('latin1'), 'base64').subarray(skip, skip + left);
      skip = 0;
      left -= octets.length;
      if (octets.length > 0) yield octets;
      char = next;
    }
  } finally {
    await reader.close();
  }
}
