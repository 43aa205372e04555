import type { Readable } from 'node:stream';

/** What one `take` gives: octets, the end of the stream, or its loss. */
type Waiting = Readonly<{ resolve: (chunk: Buffer | undefined) => void; reject: (error: unknown) => void }>;

/**
 * Takes a Node stream one chunk at a time, as `Connection.read` wants it. One chunk waits here for its reader, and while it does the
 * stream is paused (Node holds about one more). Nothing is copied or joined, and a stream that brings nothing costs nothing.
 */
export class Intake {
  readonly #stream: Readable;
  readonly #onData = (chunk: Buffer): void => {
    this.#put(chunk);
  };
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#settle();
  };
  #held: Buffer | undefined;
  #ended = false;
  #failure: Error | undefined;
  #waiting: Waiting[] = [];

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on('data', this.#onData);
    stream.on('end', this.#onEnd);
    // It may have been paused: by a listener that hands sockets on, or by an earlier reader.
    stream.resume();
  }

  /** The next chunk, or undefined at the end. Calls are answered in their order. What has come before a loss is given before the loss is reported. */
  take(): Promise<Buffer | undefined> {
    const held = this.#held;
    if (held !== undefined) {
      this.#held = undefined;
      this.#stream.resume();
      return Promise.resolve(held);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#settle();
    });
  }

  /** Says that no more will come because of a loss. Only the first loss counts, and none after the end. */
  fail(error: Error): void {
    if (this.#failure === undefined) {
      // A server says why it goes and goes: when the loss is noticed by writing, its words may wait in Node still.
      this.#stream.off('data', this.#onData);
      if (this.#waiting.length === 0) this.#held = this.#gather();
    }
    this.#failure ??= error;
    this.#settle();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Leaves the stream, paused, and gives what it had brought and nobody has taken. */
  release(): Buffer {
    if (this.#waiting.length > 0) throw new Error('A read is waiting.');
    this.#stream.pause();
    this.#stream.off('data', this.#onData);
    this.#stream.off('end', this.#onEnd);
    const unread = this.#gather() ?? Buffer.alloc(0);
    this.#held = undefined;
    return unread;
  }

  /** What waits here and in Node, in one piece. */
  #gather(): Buffer | undefined {
    const held = this.#held === undefined ? [] : [this.#held];
    while (this.#stream.readableLength > 0) {
      const chunk = this.#stream.read() as Buffer | null;
      if (chunk === null) break;
      held.push(chunk);
    }
    return held.length === 0 ? undefined : Buffer.concat(held);
  }

  #put(chunk: Buffer): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve(chunk);
      return;
    }
    // A stream that was paused with a chunk on its way brings it still: it must not take the place of the one before.
    this.#held = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    this.#stream.pause();
  }

  #settle(): void {
    const failure = this.#failure;
    if (!this.#ended && failure === undefined) return;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (this.#ended) resolve(undefined);
      else reject(failure);
    }
  }
}
