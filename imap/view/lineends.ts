import type { Source } from '#lib/bytes/source';
import { VIEW_LIMITS } from './limits.js';

const LF = 10;
const CR = 13;

/** How many bare line feeds a payload has, and how many of them before each of some places. */
export interface LineEnds {
  /** All of them: the view has so many octets more than the payload. */
  readonly bare: number;
  /** Octets of the payload between two checkpoints. */
  readonly spacing: number;
  /** Bare line feeds before payload octet `spacing`, `2 * spacing`, … */
  readonly checkpoints: readonly number[];
}

/** Makes CRLF of bare line feeds, in chunks of any length, and notes where they were. */
export class LineEndConverter {
  /** The octet before the next chunk. */
  #last = 0;
  #octets = 0;
  #bare = 0;
  #spacing: number = VIEW_LIMITS.checkpointOctets;
  #checkpoints: number[] = [];

  /** The chunk with CRLF: the chunk itself where nothing is to be done. */
  push(chunk: Buffer): Buffer {
    const last = this.#last;
    const before = this.#bare;
    for (let at = 0; at < chunk.length;) {
      const next = (this.#checkpoints.length + 1) * this.#spacing;
      const end = Math.min(chunk.length, at + next - this.#octets);
      this.#bare += countBare(chunk, at, end, at === 0 ? last : (chunk[at - 1] ?? 0));
      this.#octets += end - at;
      if (this.#octets === next) this.#addCheckpoint();
      at = end;
    }
    this.#last = chunk.at(-1) ?? last;
    return withCR(chunk, last, this.#bare - before);
  }

  /** Undefined where there was no bare line feed. */
  end(): LineEnds | undefined {
    if (this.#bare === 0) return undefined;
    return { bare: this.#bare, spacing: this.#spacing, checkpoints: this.#checkpoints };
  }

  #addCheckpoint(): void {
    this.#checkpoints.push(this.#bare);
    if (this.#checkpoints.length <= VIEW_LIMITS.checkpoints) return;
    this.#checkpoints = this.#checkpoints.filter((_, index) => index % 2 === 1);
    this.#spacing *= 2;
  }
}

/** How many line feeds in a piece have no CR before them. `last` is the octet before the piece. */
function countBare(chunk: Buffer, start: number, end: number, last: number): number {
  let bare = 0;
  for (let lf = nextLineFeed(chunk, start); lf >= 0 && lf < end; lf = nextLineFeed(chunk, lf + 1)) {
    if ((lf > start ? chunk[lf - 1] : last) !== CR) bare++;
  }
  return bare;
}

/** As `indexOf`. A look at the nearest octets first makes short lines cheap, of which a text may have many. */
function nextLineFeed(chunk: Buffer, from: number): number {
  const near = Math.min(from + 16, chunk.length);
  for (let at = from; at < near; at++) if (chunk[at] === LF) return at;
  return chunk.indexOf(LF, near);
}

/** The chunk with so many CRs put in before bare line feeds. */
function withCR(chunk: Buffer, last: number, bare: number): Buffer {
  if (bare === 0) return chunk;
  const result = Buffer.allocUnsafe(chunk.length + bare);
  let to = 0;
  let before = last;
  // By index: a loop over the octets themselves takes twice as long.
  let at = 0;
  while (at < chunk.length) {
    const octet = chunk[at++] ?? 0;
    if (octet === LF && before !== CR) result[to++] = CR;
    result[to++] = octet;
    before = octet;
  }
  return result;
}

/**
 * The octets `start` up to but not including `end` of the view of a payload. Little more is read of the payload than they are made
 * of: it begins at the checkpoint before `start`.
 */
export async function* crlfRange(
  payload: Source,
  lineEnds: LineEnds | undefined,
  start: number,
  end: number,
): AsyncGenerator<Buffer, void> {
  if (start >= end) return;
  if (lineEnds === undefined) {
    yield* payload.stream(start, end);
    return;
  }
  const from = checkpointBefore(lineEnds, start);
  const to = checkpointBefore(lineEnds, end);
  // The octet before tells whether a line feed that comes first is a bare one.
  let isBefore = from.payload > 0;
  let last = 0;
  let at = from.view;
  const payloadEnd = Math.min(to.payload + end - to.view, payload.size);
  for await (let chunk of payload.stream(from.payload - (isBefore ? 1 : 0), payloadEnd)) {
    if (isBefore && chunk.length > 0) {
      last = chunk[0] ?? last;
      chunk = chunk.subarray(1);
      isBefore = false;
    }
    const view = withCR(chunk, last, countBare(chunk, 0, chunk.length, last));
    last = chunk.at(-1) ?? last;
    const piece = view.subarray(Math.max(start - at, 0), Math.max(end - at, 0));
    at += view.length;
    if (piece.length > 0) yield piece;
    if (at >= end) return;
  }
}

/** The last checkpoint that is not behind an offset of the view: where it is in the payload, and in the view. */
function checkpointBefore(lineEnds: LineEnds, offset: number): { readonly payload: number; readonly view: number } {
  const place = (index: number): { payload: number; view: number } => {
    const payload = index * lineEnds.spacing;
    return { payload, view: payload + (lineEnds.checkpoints[index - 1] ?? 0) };
  };
  let low = 0;
  let high = lineEnds.checkpoints.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (place(middle).view <= offset) low = middle;
    else high = middle - 1;
  }
  return place(low);
}
