import type { ByteStream, Source } from '#lib/bytes/source';
import { isClaim } from './field.js';
import type { Top } from './recognise.js';

/** Bytes to be shown. */
export interface Shown {
  /** Exact octets, where they are known before the end. */
  readonly size: number | undefined;
  /** The bytes; to be asked for once. */
  stream(): ByteStream;
  /** Gives up what stands behind the stream. */
  close(): Promise<void>;
}

/** A message as it is stored, octet for octet, but for header fields that claim to be Postern's: those are only ever ours. */
export function asStored(source: Source, top: Top): Shown {
  const close = (): Promise<void> => Promise.resolve();
  if (!top.complete) {
    return { size: undefined, stream: () => withoutClaims(source.stream(top.mbox.length), top.mbox), close };
  }
  const header = top.header.remove(isClaim);
  if (header === top.header) return { size: source.size, stream: () => source.stream(), close };
  const head = Buffer.concat([top.mbox, header.raw]);
  return {
    size: head.length + source.size - top.bodyStart,
    stream: () => followedBy(head, source.stream(top.bodyStart)),
    close,
  };
}

async function* followedBy(head: Buffer, stream: ByteStream): AsyncGenerator<Buffer, void> {
  yield head;
  yield* stream;
}

const LF = 10;
const NOTHING = Buffer.alloc(0);
const CLAIM = 'postern-';

/**
 * For a header above the limits, which is not held: a line at a time, of which only the first octets are looked at. Goes on up
 * to the blank line.
 */
export async function* withoutClaims(stream: ByteStream, mbox: Buffer = NOTHING): AsyncGenerator<Buffer, void> {
  if (mbox.length > 0) yield mbox;
  /** The line's first octets, until they tell what it is. */
  let start = '';
  let state: 'start' | 'keep' | 'drop' | 'body' = 'start';
  let dropping = false;
  for await (const chunk of stream) {
    let at = 0;
    const out: Buffer[] = [];
    while (at < chunk.length) {
      if (state === 'body') {
        out.push(chunk.subarray(at));
        break;
      }
      if (state === 'start') {
        start += chunk.toString('latin1', at, ++at);
        const kind = classify(start, dropping);
        if (kind === undefined) continue;
        dropping = kind === 'drop';
        if (!dropping) out.push(Buffer.from(start, 'latin1'));
        state = kind !== 'body' && start.endsWith('\n') ? 'start' : kind;
        start = '';
        continue;
      }
      const lf = chunk.indexOf(LF, at);
      const end = lf < 0 ? chunk.length : lf + 1;
      if (state === 'keep') out.push(chunk.subarray(at, end));
      if (lf >= 0) state = 'start';
      at = end;
    }
    if (out.length > 0) yield Buffer.concat(out);
  }
  if (start !== '') yield Buffer.from(start, 'latin1');
}

/** What a line of a header is, going by how it begins. Undefined where more of it is needed. */
function classify(start: string, dropping: boolean): 'keep' | 'drop' | 'body' | undefined {
  if (start === '\n' || start === '\r\n') return 'body';
  if (start === '\r') return undefined;
  // A continuation goes with its field.
  if (start.startsWith(' ') || start.startsWith('\t')) return dropping ? 'drop' : 'keep';
  const begin = start.toLowerCase();
  if (begin === CLAIM) return 'drop';
  return CLAIM.startsWith(begin) && begin.length < CLAIM.length ? undefined : 'keep';
}
