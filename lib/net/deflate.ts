/** COMPRESS=DEFLATE (RFC 4978) over a connection. */
import { type DeflateRaw, type InflateRaw, constants, createDeflateRaw, createInflateRaw } from 'node:zlib';
import type { Connection } from './connection.js';
import { connectionFault } from './fault.js';
import { Intake } from './intake.js';
import { LIMITS } from './limits.js';

/**
 * The connection with both directions compressed, from the octets on that follow the line by which it was agreed. `unread` are those
 * that were read beyond that line. `peer` names it in errors. The connection inside is used by nobody else from here on; `end` and
 * `destroy` end it too, and free what compression takes: some 120 KB.
 *
 * What is written in one turn of the event loop is one block, so that the peer has all of it. What inflates into a thousand times its size is
 * inflated no faster than it is read.
 */
export function deflated(connection: Connection, unread: Buffer = Buffer.alloc(0), peer = 'the server'): Connection {
  return new Deflated(connection, unread, peer);
}

class Deflated implements Connection {
  readonly #connection: Connection;
  readonly #peer: string;
  readonly #deflate: DeflateRaw;
  readonly #inflate: InflateRaw;
  readonly #intake: Intake;
  #unread: Buffer | undefined;
  #isReading = false;
  #isFlushing = false;
  #isOver = false;
  /** Who waits until little enough waits to be compressed. */
  #roomWanted: (() => void)[] = [];

  constructor(connection: Connection, unread: Buffer, peer: string) {
    this.#connection = connection;
    this.#peer = peer;
    this.#unread = unread.length === 0 ? undefined : unread;
    // 32 KB of window and 32 KB of tables, where zlib would take 256 KB: there are thousands of sessions, and their lines are short.
    this.#deflate = createDeflateRaw({ windowBits: 13, memLevel: 6, chunkSize: 4_096 });
    // The peer may use the whole window of 32 KB. Its stream has no end: the end of the connection is no error in it.
    this.#inflate = createInflateRaw({
      windowBits: 15,
      chunkSize: LIMITS.inflatedChunkOctets,
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    this.#deflate.on('data', (bytes: Buffer) => {
      if (connection.write(bytes)) return;
      this.#deflate.pause();
      void connection.drained().then(() => {
        this.#deflate.resume();
      });
    });
    this.#deflate.on('drain', () => {
      this.#announceRoom();
    });
    this.#intake = new Intake(this.#inflate);
    this.#inflate.on('error', (error: NodeJS.ErrnoException) => {
      this.#intake.fail(connectionFault('compression', peer, error.code, error));
      this.#free();
      connection.destroy();
    });
    this.#deflate.on('error', () => {
      // Nothing that is written can be wrong; what is left are errors after the end.
      this.#announceRoom();
    });
  }

  read(): Promise<Buffer | undefined> {
    if (!this.#isReading && !this.#isOver) {
      this.#isReading = true;
      void this.#feed();
    }
    return this.#intake.take();
  }

  write(bytes: Buffer): boolean {
    if (this.#isOver || bytes.length === 0) return true;
    const hasRoom = this.#deflate.write(bytes);
    if (!this.#isFlushing) {
      this.#isFlushing = true;
      // After this turn: one flush costs five octets and ends a block, and commands come in several writes.
      setImmediate(() => {
        this.#isFlushing = false;
        if (!this.#isOver) this.#deflate.flush(constants.Z_SYNC_FLUSH);
      });
    }
    return hasRoom;
  }

  drained(): Promise<void> {
    if (this.#isOver || !this.#deflate.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => this.#roomWanted.push(resolve));
  }

  async end(): Promise<void> {
    if (this.#isOver) return this.#connection.end();
    await new Promise<void>((resolve) => {
      this.#deflate.once('close', resolve);
      // Ends the stream of blocks too, which RFC 4978 neither wants nor minds.
      this.#deflate.end();
    });
    await this.#connection.end();
    if (this.#intake.ended) this.#free();
  }

  destroy(): void {
    this.#intake.fail(connectionFault('closed', this.#peer));
    this.#free();
    this.#connection.destroy();
  }

  /** Moves octets from the connection into the inflater, one chunk at a time, and the next when that is inflated and taken. */
  async #feed(): Promise<void> {
    try {
      for (let chunk = this.#unread ?? (await this.#connection.read()); chunk !== undefined;) {
        this.#unread = undefined;
        const octets = chunk;
        await new Promise<void>((resolve) =>
          this.#inflate.write(octets, () => {
            resolve();
          }),
        );
        if (this.#isOver) return;
        chunk = await this.#connection.read();
      }
      this.#inflate.end();
    } catch (error) {
      this.#intake.fail(error instanceof Error ? error : connectionFault('reset', this.#peer, undefined, error));
      this.#free();
    }
  }

  #free(): void {
    this.#isOver = true;
    this.#inflate.destroy();
    this.#deflate.destroy();
    this.#announceRoom();
  }

  #announceRoom(): void {
    const wanted = this.#roomWanted;
    this.#roomWanted = [];
    for (const resolve of wanted) resolve();
  }
}
