import { type ByteStream, countOctets, gather } from '#lib/bytes/source';
import { type Transform, transferDecoder } from '#lib/message/transfer';
import { Header } from '#lib/mime/header';
import type { FetchItem } from '#imap/wire/fetchcommand';
import type { FetchData } from '#imap/wire/fetchdata';
import type { ViewContent } from './content.js';
import { ViewError } from './error.js';
import { literalItem } from './item.js';
import { VIEW_LIMITS } from './limits.js';
import type { PartRecord, ViewRecord } from './record.js';
import { bodyOf, clip, findPart, headerOf, type ViewRange } from './sections.js';

const BLANK_LINE = Buffer.from('\r\n');
const BINARY_FIELD = Buffer.from('Content-Transfer-Encoding: binary\r\n');

/** Octets of the view, as they are or with something done to them. */
interface Piece {
  readonly kind: 'raw' | 'base64' | 'quoted-printable' | 'header';
  readonly range: ViewRange;
}

/**
 * What BINARY of a part is made of (RFC 3516 §4.2): its body decoded. The RFC says nothing of what contains parts; like Dovecot, those are
 * decoded where they stand, and their headers say so. The whole message (no number) has its header too. Throws ViewError where an encoding is
 * unknown.
 */
function binaryPieces(part: PartRecord, withHeader: boolean): readonly Piece[] {
  const pieces: Piece[] = [];
  let rawFrom = withHeader ? part.start : part.bodyStart;
  const copyTo = (end: number): void => {
    if (end > rawFrom) pieces.push({ kind: 'raw', range: { start: rawFrom, end } });
    rawFrom = Math.max(rawFrom, end);
  };
  const add = (each: PartRecord, hasHeader: boolean): void => {
    const { encoding, parts } = each;
    if (encoding === 'unknown')
      throw new ViewError('UNKNOWN-CTE', 'The encoding of this part is unknown, or it cannot be read.');
    const isEncoded = encoding !== 'identity';
    if (isEncoded && hasHeader) {
      copyTo(each.start);
      pieces.push({ kind: 'header', range: headerOf(each) });
      rawFrom = each.bodyStart;
    }
    for (const child of parts) add(child, true);
    if (isEncoded && parts.length === 0 && each.end > each.bodyStart) {
      copyTo(each.bodyStart);
      pieces.push({ kind: encoding, range: bodyOf(each) });
      rawFrom = each.end;
    }
  };
  add(part, withHeader);
  copyTo(part.end);
  return pieces;
}

/** The octets of the pieces, which follow one another in the view: it is read once, from the first to the last. */
async function* readPieces(content: ViewContent, pieces: readonly Piece[]): AsyncGenerator<Buffer, void> {
  const start = pieces[0]?.range.start ?? 0;
  const stream = content.read(start, pieces.at(-1)?.range.end ?? start)[Symbol.asyncIterator]();
  try {
    let at = start;
    let chunk: Buffer = NONE;
    for (const { kind, range } of pieces) {
      const transform = beginPiece(kind);
      while (at < range.end) {
        if (chunk.length === 0) {
          const next = await stream.next();
          if (next.done === true) return;
          chunk = next.value;
        }
        const octets = chunk.subarray(0, range.end - at);
        chunk = chunk.subarray(octets.length);
        at += octets.length;
        yield transform.push(octets);
      }
      yield transform.end();
    }
  } finally {
    await stream.return?.();
  }
}

function beginPiece(kind: Piece['kind']): Transform {
  if (kind === 'header') return new HeaderTransform();
  return transferDecoder(kind) ?? AS_IT_IS;
}

const NONE = Buffer.alloc(0);
const AS_IT_IS: Transform = { push: (chunk) => chunk, end: () => NONE };

/** Makes a header that says that what follows is not encoded. */
class HeaderTransform implements Transform {
  readonly #chunks: Buffer[] = [];

  push(chunk: Buffer): Buffer {
    this.#chunks.push(chunk);
    return NONE;
  }

  end(): Buffer {
    const kept = Header.parse(Buffer.concat(this.#chunks)).remove('Content-Transfer-Encoding');
    if (!kept.terminated) return kept.raw;
    const fieldsEnd = kept.raw.length - BLANK_LINE.length;
    return Buffer.concat([kept.raw.subarray(0, fieldsEnd), BINARY_FIELD, BLANK_LINE]);
  }
}

type BinaryItem = Extract<FetchItem, { kind: 'binary' }>;

/** BINARY (RFC 3516 §4.2): a part of the decoded octets may be asked for. Rejects with ViewError. */
export async function openBinary(
  item: BinaryItem,
  { root, hasNul }: ViewRecord,
  content: ViewContent,
): Promise<{ readonly data: FetchData; readonly stream?: ByteStream }> {
  const part = findPart(root, item.part);
  if (part === undefined) return { data: literalItem(item, NONE) };
  const pieces = binaryPieces(part, item.part.length === 0);
  // As Dovecot: whatever has been decoded may hold NUL. It is a literal8 in other messages with NUL too.
  const isBinary = hasNul || pieces.some(({ kind }) => kind === 'base64' || kind === 'quoted-printable');
  const open = (): ByteStream => readPieces(content, pieces);
  const asked = clip({ start: 0, end: Infinity }, item.partial);
  const most = Math.min(sizeLimit(pieces), asked.end - asked.start);
  if (most <= VIEW_LIMITS.inlineOctets)
    return { data: literalItem(item, await gather(slice(open(), asked.start, asked.end)), isBinary) };
  // The size comes first: what is decoded is read twice.
  const size = knownSize(pieces) ?? (await countOctets(slice(open(), 0, asked.end)));
  const { start, end } = clip({ start: 0, end: size }, item.partial);
  if (end - start <= VIEW_LIMITS.inlineOctets)
    return { data: literalItem(item, await gather(slice(open(), start, end)), isBinary) };
  return { data: literalItem(item, end - start, isBinary), stream: slice(open(), start, end) };
}

/** BINARY.SIZE (RFC 3516 §4.2). Reads what is encoded to its end. Rejects with ViewError. */
export async function binarySize(
  numbers: readonly number[],
  { root }: ViewRecord,
  content: ViewContent,
): Promise<number> {
  const part = findPart(root, numbers);
  if (part === undefined) return 0;
  const pieces = binaryPieces(part, numbers.length === 0);
  return knownSize(pieces) ?? countOctets(readPieces(content, pieces));
}

/** Octets of the pieces, where nothing has to be read to know. */
function knownSize(pieces: readonly Piece[]): number | undefined {
  return pieces.every(({ kind }) => kind === 'raw') ? rangeSize(pieces) : undefined;
}

/** Octets that the pieces have at most. */
function sizeLimit(pieces: readonly Piece[]): number {
  return rangeSize(pieces) + pieces.filter(({ kind }) => kind === 'header').length * BINARY_FIELD.length;
}

function rangeSize(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { range }) => sum + range.end - range.start, 0);
}

/** The octets `start` up to `end` of a stream, which is read no further. */
async function* slice(stream: ByteStream, start: number, end: number): AsyncGenerator<Buffer, void> {
  let at = 0;
  if (start >= end) return;
  for await (const chunk of stream) {
    const piece = chunk.subarray(Math.max(start - at, 0), Math.max(end - at, 0));
    at += chunk.length;
    if (piece.length > 0) yield piece;
    if (at >= end) return;
  }
}
