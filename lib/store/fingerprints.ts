/**
 * Where the message with a fingerprint is: a table of fixed size in a file, so that it is found by one read, whatever the number of
 * messages. A fingerprint's mark gives its row; in a row of 16 places the newest takes a free one, or that of another. So it
 * may forget, and two processes may write at once: what it says is only where to look, and the frame found there counts.
 *
 * A place is 6 octets of the fingerprint's mark, and 6 of the mailbox's with the UID (4), which more octets of the mark hide: who
 * has not the key cannot read them, nor find a fingerprint.
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { isSystemError } from '#lib/bytes/systemerror';
import type { IndexKeys } from './keys.js';
import { noSpace } from './pieces.js';

/** Octets of a mark that are compared. */
const MARK_SIZE = 6;
const PLACE_SIZE = 16;
const ROW_SIZE = 16 * PLACE_SIZE;
/** 8 MiB in all, and half a million places. */
const ROWS = 32 * 1024;
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

/** The methods throw the system's errors. They are synchronous: so little, and from the system's memory, is sooner read than asked for. */
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
    const { row, mark, mask } = this.#locate(fingerprint);
    const places = this.#read(row);
    const at = placeOf(places, mark);
    if (at === undefined) return undefined;
    const hidden = hide(places.subarray(at + MARK_SIZE, at + PLACE_SIZE), mask);
    return { mailbox: hidden.toString('hex', 0, MARK_SIZE), uid: hidden.readUInt32BE(MARK_SIZE) };
  }

  put(fingerprint: Buffer, { mailbox, uid }: Place): void {
    const { row, mark, mask } = this.#locate(fingerprint);
    const file = this.#open(true);
    const places = this.#read(row);
    const at =
      placeOf(places, mark) ?? placeOf(places, FREE) ?? ((mark[0] ?? 0) % (ROW_SIZE / PLACE_SIZE)) * PLACE_SIZE;
    const open = Buffer.alloc(PLACE_SIZE - MARK_SIZE);
    open.write(mailbox, 'hex');
    open.writeUInt32BE(uid, MARK_SIZE);
    const place = Buffer.concat([mark, hide(open, mask)]);
    if (place.equals(places.subarray(at, at + PLACE_SIZE))) return;
    if (file !== undefined && writeSync(file, place, 0, PLACE_SIZE, row * ROW_SIZE + at) < PLACE_SIZE) {
      throw noSpace();
    }
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

  #read(row: number): Buffer {
    const places = Buffer.alloc(ROW_SIZE);
    const file = this.#open(false);
    if (file !== undefined) readSync(file, places, 0, ROW_SIZE, row * ROW_SIZE);
    return places;
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

/** Where in a row the place is that begins with these octets. */
function placeOf(row: Buffer, start: Buffer): number | undefined {
  for (let at = 0; at < row.length; at += PLACE_SIZE) {
    if (row.compare(start, 0, start.length, at, at + start.length) === 0) return at;
  }
  return undefined;
}

/** Its own inverse. */
function hide(octets: Buffer, mask: Buffer): Buffer {
  return Buffer.from(octets.map((octet, i) => octet ^ (mask[i] ?? 0)));
}
