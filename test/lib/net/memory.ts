/** Connections without sockets, for tests of the protocols. */
import { type Connection, ConnectionError } from '#lib/net/connection';

/** What a pair has beyond what connections have. */
export interface PairOptions {
  /** Octets that wait for the reader before `write` gives false. Default 16,384, as sockets have it. */
  readonly room?: number;
}

/** One end of a pair in memory. */
export interface MemoryConnection extends Connection {
  /** Breaks both ends off, as a reset does: what waits is still read, then `read` rejects. */
  lose(error?: ConnectionError): void;
  /** Octets that the other end wrote and nobody has read here. */
  readonly waiting: number;
  readonly destroyed: boolean;
}

/** Two ends of one connection: what is written into one is read from the other, in the chunks that it was written in. */
export function connectionPair(options: PairOptions = {}): [MemoryConnection, MemoryConnection] {
  const there = new Pipe(options.room);
  const back = new Pipe(options.room);
  return [new End(back, there), new End(there, back)];
}

/**
 * A connection that brings the given chunks, each only when it is asked for, and collects what is written. An Error among the chunks
 * is the loss of the connection; without one the end follows.
 */
export interface Scripted extends Connection {
  /** Everything that was written. */
  readonly written: () => Buffer;
  readonly ended: () => boolean;
  readonly destroyed: () => boolean;
}

export function scripted(chunks: Iterable<Buffer | string | Error>): Scripted {
  const iterator = chunks[Symbol.iterator]();
  const written: Buffer[] = [];
  let ended = false;
  let destroyed = false;
  return {
    read: () => {
      if (destroyed) return Promise.reject(new ConnectionError('closed', 'The connection has been closed.'));
      const next = iterator.next();
      if (next.done === true) return Promise.resolve(undefined);
      if (next.value instanceof Error) return Promise.reject(next.value);
      return Promise.resolve(Buffer.from(next.value as string, 'latin1'));
    },
    write: (bytes) => {
      if (!ended && !destroyed) written.push(Buffer.from(bytes));
      return true;
    },
    drained: () => Promise.resolve(),
    end: () => {
      ended = true;
      return Promise.resolve();
    },
    destroy: () => {
      destroyed = true;
    },
    written: () => Buffer.concat(written),
    ended: () => ended,
    destroyed: () => destroyed,
  };
}

/** The same octets cut into chunks of one size, or at random places where `size` is a function that gives the next one. */
export function* cut(bytes: Buffer, size: number | (() => number)): Generator<Buffer, void> {
  for (let at = 0; at < bytes.length;) {
    const length = Math.max(1, typeof size === 'number' ? size : size());
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/** All octets up to the end. */
export async function readAll(connection: Connection): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let chunk = await connection.read(); chunk !== undefined; chunk = await connection.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** One direction. */
class Pipe {
  readonly #room: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #ended = false;
  #failure: Error | undefined;
  #readers: { resolve: (chunk: Buffer | undefined) => void; reject: (error: Error) => void }[] = [];
  #writers: (() => void)[] = [];

  constructor(room = 16_384) {
    this.#room = room;
  }

  get size(): number {
    return this.#size;
  }

  put(bytes: Buffer): boolean {
    if (this.#ended || this.#failure !== undefined || bytes.length === 0) return true;
    this.#chunks.push(Buffer.from(bytes));
    this.#size += bytes.length;
    this.#serve();
    return this.#size < this.#room;
  }

  take(): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      this.#serve();
    });
  }

  drained(): Promise<void> {
    if (this.#size < this.#room || this.#failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#writers.push(resolve));
  }

  end(): void {
    this.#ended = true;
    this.#serve();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#serve();
  }

  #serve(): void {
    while (this.#readers.length > 0 && this.#chunks.length > 0) {
      const chunk = this.#chunks.shift();
      this.#size -= chunk?.length ?? 0;
      this.#readers.shift()?.resolve(chunk);
    }
    if (this.#ended || this.#failure !== undefined) {
      for (const { resolve, reject } of this.#readers.splice(0)) {
        if (this.#ended || this.#failure === undefined) resolve(undefined);
        else reject(this.#failure);
      }
    }
    if (this.#size >= this.#room && this.#failure === undefined) return;
    for (const resolve of this.#writers.splice(0)) resolve();
  }
}

class End implements MemoryConnection {
  readonly #input: Pipe;
  readonly #output: Pipe;
  #destroyed = false;

  constructor(input: Pipe, output: Pipe) {
    this.#input = input;
    this.#output = output;
  }

  get waiting(): number {
    return this.#input.size;
  }

  get destroyed(): boolean {
    return this.#destroyed;
  }

  read(): Promise<Buffer | undefined> {
    return this.#input.take();
  }

  write(bytes: Buffer): boolean {
    return this.#output.put(bytes);
  }

  drained(): Promise<void> {
    return this.#output.drained();
  }

  end(): Promise<void> {
    this.#output.end();
    return Promise.resolve();
  }

  destroy(): void {
    this.#destroyed = true;
    this.lose(new ConnectionError('closed', 'The connection has been closed.'));
  }

  lose(error = new ConnectionError('reset', 'The connection was broken off.')): void {
    this.#input.fail(error);
    this.#output.fail(error);
  }
}
