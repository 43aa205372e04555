import { inspect } from 'node:util';

/**
 * A passphrase or another piece of text that must not be shown. Printing, logging, inspecting or serialising it shows
 * `[secret]`; only `reveal` and `revealBytes` give it out.
 */
export class Secret {
  readonly #bytes: Buffer;

  /** Octets are copied; a text stays in the memory of the process beside the secret until it is collected. */
  constructor(content: string | Uint8Array) {
    this.#bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : Buffer.from(content);
  }

  /** True where there is nothing in it. */
  get empty(): boolean {
    return this.#bytes.length === 0;
  }

  /** The text itself, for the one call that needs it. */
  reveal(): string {
    return this.#bytes.toString('utf8');
  }

  /** A copy of the octets, which whoever asks for it overwrites. */
  revealBytes(): Buffer {
    return Buffer.from(this.#bytes);
  }

  /** Octets. */
  get length(): number {
    return this.#bytes.length;
  }

  equals(other: Secret): boolean {
    return this.#bytes.equals(other.#bytes);
  }

  /** Overwrites the text. The secret is empty text of the same length afterwards. */
  erase(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
