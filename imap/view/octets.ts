/** Writes numbers and blocks of octets one after another. */
export class OctetWriter {
  #pieces: Buffer[] = [];
  /** Numbers that are not among the pieces yet. */
  #numbers: number[] = [];

  /** An integer from 0 to 2^53 - 1: seven bits an octet, the lowest first. */
  number(value: number): this {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#numbers.push((rest % 0x80) | 0x80);
    this.#numbers.push(rest);
    return this;
  }

  /** A block with its length before it. */
  block(octets: Buffer): this {
    this.number(octets.length);
    this.#pieces.push(Buffer.from(this.#numbers), octets);
    this.#numbers = [];
    return this;
  }

  end(): Buffer {
    return Buffer.concat([...this.#pieces, Buffer.from(this.#numbers)]);
  }
}

/** Reads what an OctetWriter has written, and notices everything else. */
export class OctetReader {
  readonly #octets: Buffer;
  #at = 0;
  #failed = false;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  /** Whether everything was as it is written, and nothing is left. */
  get ended(): boolean {
    return !this.#failed && this.#at === this.#octets.length;
  }

  get failed(): boolean {
    return this.#failed;
  }

  /** The next number, 0 where there is none. */
  number(): number {
    let value = 0;
    for (let factor = 1; factor <= 0x80 ** 7; factor *= 0x80) {
      const octet = this.#octets[this.#at++];
      if (octet === undefined) break;
      value += (octet & 0x7f) * factor;
      if (octet >= 0x80) continue;
      // One spelling for each number.
      if ((octet === 0 && factor > 1) || value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    this.fail();
    return 0;
  }

  /** The next block, of no length where there is none. It is not copied. */
  block(): Buffer {
    const length = this.number();
    const start = this.#at;
    if (length > this.#octets.length - start) this.fail();
    if (this.#failed) return this.#octets.subarray(0, 0);
    this.#at += length;
    return this.#octets.subarray(start, this.#at);
  }

  fail(): void {
    this.#failed = true;
    this.#at = this.#octets.length;
  }
}
