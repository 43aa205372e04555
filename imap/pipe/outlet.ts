import type { Connection } from '#lib/net/connection';
import { PIPE_LIMITS } from './limits.js';
import type { Wait } from './queue.js';
import { ProviderViolation } from './violation.js';

/**
 * What is to be written to one side, gathered until `flush`. Octets that lie next to each other in memory, as fragments of one
 * chunk do, go out as one piece, so that passing thousands of small responses costs one write.
 */
export class Outlet {
  #connection: Connection;
  /** The last piece, which may still grow. */
  #memory: ArrayBufferLike | undefined;
  #start = 0;
  #end = 0;
  #pieces: Buffer[] = [];
  /** Octets of the pieces. */
  #octets = 0;
  #full = false;
  /** What waits while the outlet is reserved. */
  #waiting: Buffer[] | undefined;
  #waitingOctets = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Only what is `put` is sent at the moment. */
  get reserved(): boolean {
    return this.#waiting !== undefined;
  }

  /** Until `release`, what is added waits: a response of ours goes out piece by piece, and nothing may come between. */
  reserve(): void {
    this.#waiting ??= [];
  }

  release(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    this.#waitingOctets = 0;
    for (const bytes of waiting) this.put(bytes);
  }

  /** Takes octets for sending. They must not change until they are sent. Throws ProviderViolation where too many wait. */
  add(bytes: Buffer): void {
    if (this.#waiting === undefined) {
      this.put(bytes);
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingOctets += bytes.length;
    if (this.#waitingOctets > PIPE_LIMITS.waitingOctets) {
      throw new ProviderViolation('The mail provider sent more than it was asked for.');
    }
  }

  /** As `add`, by whom the outlet is reserved for. */
  put(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (bytes.buffer === this.#memory && bytes.byteOffset === this.#end) {
      this.#end += bytes.length;
      return;
    }
    this.#closePiece();
    this.#memory = bytes.buffer;
    this.#start = bytes.byteOffset;
    this.#end = bytes.byteOffset + bytes.length;
  }

  /** Hands over to the connection what has been added. */
  flush(): void {
    this.#closePiece();
    const pieces = this.#pieces;
    if (pieces.length === 0) return;
    this.#pieces = [];
    this.#octets = 0;
    // Few pieces are cheaper to send apart than to copy.
    const whole = pieces.length > MANY_PIECES ? [Buffer.concat(pieces)] : pieces;
    for (const piece of whole) this.#full = !this.#connection.write(piece);
  }

  /** As `ready`, where so much has been gathered that a write is worth it: for thousands of small responses of ours. */
  settle(): Wait {
    return this.#full || this.#octets + this.#end - this.#start >= WORTH_A_WRITE ? this.ready() : undefined;
  }

  /** Flushes, and resolves when the connection takes more.  */
  ready(): Wait {
    this.flush();
    return this.#full ? this.#connection.drained() : undefined;
  }

  /** Goes on with another connection, which stands around or in place of the one so far. What was added before is flushed to that one. */
  moveTo(connection: Connection): void {
    this.flush();
    this.#connection = connection;
    this.#full = false;
  }

  #closePiece(): void {
    if (this.#memory === undefined) return;
    this.#pieces.push(Buffer.from(this.#memory, this.#start, this.#end - this.#start));
    this.#octets += this.#end - this.#start;
    this.#memory = undefined;
    this.#start = this.#end = 0;
  }
}

const MANY_PIECES = 4;
/** Octets. */
const WORTH_A_WRITE = 64 * 1024;
