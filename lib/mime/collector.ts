const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;

/** Octets made room for at first: most headers of parts fit. So little comes out of Node's pool, which is several times faster. */
const FIRST_SIZE = 1024;

/**
 * Collects one header from pieces of any length: its lines, up to and including the blank one. A line ends at LF. The header
 * ends early, before the first line that goes over a limit, whether or not that line has been seen whole.
 */
export class HeaderCollector {
  readonly #octetLimit: number;
  readonly #fieldLimit: number;
  #block = Buffer.allocUnsafe(0);
  #size = 0;
  #lineStart = 0;
  #fields = 0;
  #state: 'open' | 'blank' | 'limit' = 'open';

  constructor(octetLimit: number, fieldLimit: number) {
    this.#octetLimit = octetLimit;
    this.#fieldLimit = fieldLimit;
  }

  /** `open` while lines are taken; `blank` after the blank line; `limit` where a limit ended the header. */
  get state(): 'open' | 'blank' | 'limit' {
    return this.#state;
  }

  /** Octets taken of the line that has not ended. */
  get lineOctets(): number {
    return this.#size - this.#lineStart;
  }

  /** Takes what the chunk has of the current line from `at` on, and says where the next octet to be looked at is. */
  push(chunk: Buffer, at: number): number {
    const room = this.#octetLimit + 1 - this.#size;
    const window = chunk.length - at > room ? chunk.subarray(0, at + room) : chunk;
    const lf = window.indexOf(LF, at);
    const end = lf < 0 ? window.length : lf + 1;
    this.#append(chunk, at, end);
    if (this.#size > this.#octetLimit) this.#state = 'limit';
    else if (this.#lineIsBlank()) this.#state = 'blank';
    else if (this.#beginsField() && this.#fields === this.#fieldLimit) this.#state = 'limit';
    else if (lf >= 0) {
      if (this.#beginsField()) this.#fields++;
      this.#lineStart = this.#size;
    }
    return end;
  }

  /** The header, which ends here at the latest, and what has been taken of the line that did not fit. */
  take(): { readonly block: Buffer; readonly overflow: Buffer } {
    // A lone CR is a line like any other once it is known that no LF follows.
    if (this.#state === 'open' && this.lineOctets > 0 && this.#fields === this.#fieldLimit) {
      if (this.#block[this.#lineStart] === CR) this.#state = 'limit';
    }
    const end = this.#state === 'limit' ? this.#lineStart : this.#size;
    const taken = Buffer.from(this.#block.subarray(0, this.#size));
    this.#block = Buffer.allocUnsafe(0);
    return { block: taken.subarray(0, end), overflow: taken.subarray(end) };
  }

  #append(chunk: Buffer, start: number, end: number): void {
    const size = this.#size + end - start;
    if (size > this.#block.length) {
      const larger = Buffer.allocUnsafe(Math.max(FIRST_SIZE, size, 2 * this.#block.length));
      this.#block.copy(larger, 0, 0, this.#size);
      this.#block = larger;
    }
    chunk.copy(this.#block, this.#size, start, end);
    this.#size = size;
  }

  #lineIsBlank(): boolean {
    const length = this.#size - this.#lineStart;
    return (
      (length === 1 || (length === 2 && this.#block[this.#lineStart] === CR)) && this.#block[this.#size - 1] === LF
    );
  }

  /** Whether the current line is known not to be a blank line or a continuation. */
  #beginsField(): boolean {
    const first = this.#block[this.#lineStart];
    if (this.#lineStart > 0 && (first === SPACE || first === TAB)) return false;
    return this.#size - this.#lineStart > 1 || first !== CR;
  }
}
