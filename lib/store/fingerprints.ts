/**
 * Where the message with a fingerprint is: a table of fixed size in a file, so that it is found by one read, whatever the number of
 * messages. A fingerprint's mark gives its row; in a row of 16 places the newest takes a free one, or that of another. So it
 * may forget, and two processes may write at once: what it says is only where to look, and the frame found there counts.
 *
 * A place is 6 octets of the fingerprint's mark, and 6 of the mailbox's with the UID (4), which more octets of the mark hide: who
 * has not the key cannot read them, nor find a fingerprint.
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { isSystemError } from '#lib/bytes/systemerror';
import type { IndexKeys } from './keys.js';
import { noSpace } from './pieces.js';

/** Octets of a mark that are compared. */
const MARK_SIZE = 6;
const PLACE_SIZE = 16;
const ROW_SIZE = 16 * PLACE_SIZE;
/** 8 MiB in all, and half a million places. */
const ROWS = 32 * 1024;
/** Rows that are read and written at once, at most: 64 KiB. */
const SEGMENT = 256;
const FREE = Buffer.alloc(PLACE_SIZE);

export interface Place {
  /** The first digits of the second part of a mailbox file's name. */
  readonly mailbox: string;
  readonly uid: number;
}

interface Location {
  readonly row: number;
  readonly mark: Buffer;
  /** Hides what stands behind the mark. */
  readonly mask: Buffer;
}

/** A place as it is written, and its row. */
export interface Entry {
  readonly row: number;
  readonly octets: Buffer;
}

/** The methods throw or reject with the system's errors. To read is synchronous: so little is sooner read than asked for. */
export class FingerprintTable {
  readonly #path: string;
  readonly #keys: IndexKeys;
  #file: number | undefined;
  #isWritable = false;

  constructor(path: string, keys: IndexKeys) {
    this.#path = path;
    this.#keys = keys;
  }

  get(fingerprint: Buffer): Place | undefined {
    const file = this.#open(false);
    if (file === undefined) return undefined;
    const { row, mark, mask } = this.#locate(fingerprint);
    const places = readRows(file, row, row);
    const at = placeOf(places, 0, mark);
    if (at === undefined) return undefined;
    const place = hide(places.subarray(at + MARK_SIZE, at + PLACE_SIZE), mask);
    return { mailbox: place.toString('hex', 0, MARK_SIZE), uid: place.readUInt32BE(MARK_SIZE) };
  }

  /** What `put` takes. */
  entry(fingerprint: Buffer, { mailbox, uid }: Place): Entry {
    const { row, mark, mask } = this.#locate(fingerprint);
    const place = Buffer.alloc(PLACE_SIZE - MARK_SIZE);
    place.write(mailbox, 'hex');
    place.writeUInt32BE(uid, MARK_SIZE);
    return { row, octets: Buffer.concat([mark, hide(place, mask)]) };
  }

  /** Rows that are near to each other are read and written together. */
  async put(entries: readonly Entry[]): Promise<void> {
    const sorted = entries.toSorted((a, b) => a.row - b.row);
    for (let start = 0, end = 0; start < sorted.length; start = end) {
      const segment = segmentOf(sorted[start]);
      while (end < sorted.length && segmentOf(sorted[end]) === segment) end++;
      this.#putNear(sorted.slice(start, end));
      await setImmediate();
    }
  }

  #putNear(entries: readonly Entry[]): void {
    const first = entries[0]?.row ?? 0;
    const file = this.#open(true);
    if (file === undefined) return;
    const places = readRows(file, first, entries.at(-1)?.row ?? 0);
    for (const { row, octets } of entries) {
      const start = (row - first) * ROW_SIZE;
      const mark = octets.subarray(0, MARK_SIZE);
      const any = start + ((mark[0] ?? 0) % (ROW_SIZE / PLACE_SIZE)) * PLACE_SIZE;
      octets.copy(places, placeOf(places, start, mark) ?? placeOf(places, start, FREE) ?? any);
    }
    if (writeSync(file, places, 0, places.length, first * ROW_SIZE) < places.length) throw noSpace();
  }

  /** It is opened again where it is needed again. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #locate(fingerprint: Buffer): Location {
    const mark = this.#keys.mark('fingerprint', fingerprint);
    return { row: mark.readUInt32BE(16) % ROWS, mark: mark.subarray(0, MARK_SIZE), mask: mark.subarray(MARK_SIZE, 16) };
  }

  /** Made where it is to be written; undefined where there is none. */
  #open(toWrite: boolean): number | undefined {
    if (this.#file !== undefined && (!toWrite || this.#isWritable)) return this.#file;
    this.close();
    try {
      this.#file = openSync(this.#path, toWrite ? constants.O_RDWR | constants.O_CREAT : constants.O_RDONLY, 0o600);
      this.#isWritable = toWrite;
    } catch (error) {
      if (toWrite || !isSystemError(error, 'ENOENT')) throw error;
    }
    return this.#file;
  }
}

function segmentOf(entry: Entry | undefined): number {
  return Math.floor((entry?.row ?? 0) / SEGMENT);
}

/** The rows from the first to the last; empty where the file ends before. */
function readRows(file: number, first: number, last: number): Buffer {
  const rows = Buffer.alloc((last - first + 1) * ROW_SIZE);
  readSync(file, rows, 0, rows.length, first * ROW_SIZE);
  return rows;
}

/** Where the place is that begins with these octets, in the row that begins at `row`. */
function placeOf(rows: Buffer, row: number, start: Buffer): number | undefined {
  for (let at = row; at < row + ROW_SIZE; at += PLACE_SIZE) {
    if (rows.compare(start, 0, start.length, at, at + start.length) === 0) return at;
  }
  return undefined;
}

/** Its own inverse. */
function hide(octets: Buffer, mask: Buffer): Buffer {
  return Buffer.from(octets.map((octet, i) => octet ^ (mask[i] ?? 0)));
}
