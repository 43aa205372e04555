import { setImmediate as turn } from 'node:timers/promises';

type Wait = Promise<void> | undefined;

/** Octets that may be on their way, and that are read at a stretch: other sessions have their turn after so many. */
const ROOM = 256 * 1024;

/** Octets on their way from who has them to who reads them, so that each waits for the other. */
export class Passage {
  #pieces: Buffer[] = [];
  #octets = 0;
  #isOver = false;
  #failure: Error | undefined;
  /** Nobody reads any more. */
  #isLeft = false;
  #wakeReader: () => void = () => undefined;
  #wakeWriter: () => void = () => undefined;

  /** Takes octets, which must not change. Waits while there is no room. What nobody reads any more is dropped. */
  put(octets: Buffer): Wait {
    if (this.#isLeft) return undefined;
    this.#pieces.push(octets);
    this.#octets += octets.length;
    this.#wakeReader();
    return this.#octets < ROOM ? undefined : new Promise((resolve) => (this.#wakeWriter = resolve));
  }

  /** Nothing more comes: because that was all, or for a reason that the reader is told after what has come. */
  end(failure?: Error): void {
    this.#isOver = true;
    this.#failure = failure;
    this.#wakeReader();
  }

  /** To be read once. Who leaves the loop early lets the rest go. */
  async *read(): AsyncGenerator<Buffer, void> {
    let octets = 0;
    try {
      for (;;) {
        const pieces = this.#pieces;
        this.#pieces = [];
        this.#octets = 0;
        this.#wakeWriter();
        for (const piece of pieces) {
          yield piece;
          octets += piece.length;
          if (octets < ROOM) continue;
          octets = 0;
          await turn();
        }
        if (this.#pieces.length > 0) continue;
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#isOver) return;
        await new Promise<void>((resolve) => (this.#wakeReader = resolve));
      }
    } finally {
      this.#isLeft = true;
      this.#pieces = [];
      this.#wakeWriter();
    }
  }
}
