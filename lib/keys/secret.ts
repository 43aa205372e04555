import { inspect } from 'node:util';

/**
 * A passphrase or another piece of text that must not be shown. Printing, logging, inspecting or serialising it shows
 * `[secret]`; only `reveal` gives it out.
 */
export class Secret {
  readonly #bytes: Buffer;

  constructor(text: string) {
    this.#bytes = Buffer.from(text, 'utf8');
  }

  /** True where there is nothing in it. */
  get empty(): boolean {
    return this.#bytes.length === 0;
  }

  /** The text itself, for the one call that needs it. */
  reveal(): string {
    return this.#bytes.toString('utf8');
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
