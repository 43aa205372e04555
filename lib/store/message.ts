/**
 * What is remembered of a message, and its form in a frame:
 *
 *   kind (1 octet), UID (4), then for a run of plain messages the last UID (4); for others the length of the fingerprint (1), that
 *   of the record (4), and both.
 */

/** `unopened`: it is encrypted and could not be opened; the record says with which keys that was tried. */
export type MessageKind = 'plain' | 'encrypted' | 'unopened';

export interface IndexedMessage {
  readonly uid: number;
  readonly kind: MessageKind;
  /** By which the message is found again under another UID, at most 255 octets. Of a plain message none is kept. */
  readonly fingerprint: Buffer;
  /** Not looked into. Of a plain message none is kept. */
  readonly record: Buffer;
}

/** UIDs, both ends included. */
export interface UIDRange {
  readonly first: number;
  readonly last: number;
}

const KINDS: readonly MessageKind[] = ['plain', 'encrypted', 'unopened'];
const NOTHING = Buffer.alloc(0);
const PLAIN_SIZE = 9;
const HEAD_SIZE = 10;
export const LARGEST_UID = 0xffff_ffff;

/** Throws TypeError for what no message is. */
export function checkMessage({ uid, fingerprint }: IndexedMessage): void {
  if (!Number.isInteger(uid) || uid < 1 || uid > LARGEST_UID) throw new TypeError('A UID is from 1 to 2^32 - 1.');
  if (fingerprint.length > 255) throw new TypeError('A fingerprint has at most 255 octets.');
}

/** Octets of a message in a frame, at most. */
export function entrySize({ kind, fingerprint, record }: IndexedMessage): number {
  return kind === 'plain' ? PLAIN_SIZE : HEAD_SIZE + fingerprint.length + record.length;
}

/** The entries of messages in order of their UIDs, each UID once. */
export function encodeEntries(messages: readonly IndexedMessage[]): Buffer {
  const content = Buffer.allocUnsafe(messages.reduce((sum, message) => sum + entrySize(message), 0));
  let at = 0;
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i];
    if (message === undefined) break;
    const { uid, kind, fingerprint, record } = message;
    at = content.writeUInt8(KINDS.indexOf(kind), at);
    at = content.writeUInt32BE(uid, at);
    if (kind === 'plain') {
      let last = uid;
      while (messages[i + 1]?.uid === last + 1 && messages[i + 1]?.kind === 'plain') [last, i] = [last + 1, i + 1];
      at = content.writeUInt32BE(last, at);
    } else {
      at = content.writeUInt8(fingerprint.length, at);
      at = content.writeUInt32BE(record.length, at);
      at += fingerprint.copy(content, at);
      at += record.copy(content, at);
    }
  }
  return content.subarray(0, at);
}

/**
 * The messages of a frame whose UIDs are in these ranges, in order. Their buffers are parts of `content`. Stops at what it does not
 * understand.
 */
export function decodeEntries(content: Buffer, ranges: readonly UIDRange[]): IndexedMessage[] {
  const messages: IndexedMessage[] = [];
  const wanted = new RangeTest(ranges);
  let at = 0;
  while (at + PLAIN_SIZE <= content.length) {
    const kind = KINDS[content.readUInt8(at)];
    const uid = content.readUInt32BE(at + 1);
    if (kind === undefined) break;
    if (kind === 'plain') {
      const last = content.readUInt32BE(at + 5);
      at += PLAIN_SIZE;
      for (const range of overlaps(ranges, { first: uid, last })) {
        for (let plain = range.first; plain <= range.last; plain++) {
          messages.push({ uid: plain, kind, fingerprint: NOTHING, record: NOTHING });
        }
      }
      continue;
    }
    if (at + HEAD_SIZE > content.length) break;
    const middle = at + HEAD_SIZE + content.readUInt8(at + 5);
    const end = middle + content.readUInt32BE(at + 6);
    if (end > content.length) break;
    if (wanted.has(uid)) {
      const fingerprint = content.subarray(at + HEAD_SIZE, middle);
      messages.push({ uid, kind, fingerprint, record: content.subarray(middle, end) });
    }
    at = end;
  }
  return messages;
}

/** In order, without overlaps. */
export function sortRanges(ranges: readonly UIDRange[]): readonly UIDRange[] {
  const sorted: { first: number; last: number }[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = sorted.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else if (first <= last) sorted.push({ first, last });
  }
  return sorted;
}

/** What sorted ranges have in common with one. */
export function overlaps(ranges: readonly UIDRange[], { first, last }: UIDRange): readonly UIDRange[] {
  const found: UIDRange[] = [];
  for (let i = firstEndingAt(ranges, first); i < ranges.length; i++) {
    const range = ranges[i];
    if (range === undefined || range.first > last) break;
    found.push({ first: Math.max(first, range.first), last: Math.min(last, range.last) });
  }
  return found;
}

/** Whether UIDs are in sorted ranges. Fast for UIDs that come in order. */
export class RangeTest {
  readonly #ranges: readonly UIDRange[];
  #current: UIDRange | undefined;

  constructor(ranges: readonly UIDRange[]) {
    this.#ranges = ranges;
  }

  has(uid: number): boolean {
    let current = this.#current;
    if (current === undefined || uid < current.first || uid > current.last) {
      current = this.#ranges[firstEndingAt(this.#ranges, uid)];
      this.#current = current;
    }
    return current !== undefined && current.first <= uid && uid <= current.last;
  }
}

/** The number of the first range that does not end before this UID. */
function firstEndingAt(ranges: readonly UIDRange[], uid: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.last ?? 0) < uid) low = middle + 1;
    else high = middle;
  }
  return low;
}
