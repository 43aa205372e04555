const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const LF = 0x0a;

/**
 * The value of BODY that belongs to a value of BODYSTRUCTURE as we write it: the same without extension data (RFC 9051 §7.5.2). Few clients ask for it,
 * so no record holds it. What is no BODYSTRUCTURE gives some octets of it.
 */
export function bodyText(bodyStructure: Buffer): Buffer {
  const stripper = new Stripper(bodyStructure);
  stripper.body();
  return stripper.end();
}

class Stripper {
  readonly #octets: Buffer;
  readonly #kept: Buffer[] = [];
  #at = 0;
  /** What has been passed from here on is to be kept. */
  #from = 0;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  end(): Buffer {
    this.#keep();
    return Buffer.concat(this.#kept);
  }

  body(): void {
    this.#at++;
    if (this.#octets[this.#at] === OPEN) {
      while (this.#octets[this.#at] === OPEN) this.body();
      this.#words(1);
    } else {
      const start = this.#at;
      // Type, subtype, parameters, ID, description, encoding, octets.
      this.#value();
      const isText = /^"text"$/i.test(this.#octets.toString('latin1', start, this.#at));
      this.#words(6);
      if (isText) this.#words(1);
      else if (this.#octets[this.#at + 1] === OPEN) {
        this.#words(1);
        this.#at++;
        this.body();
        this.#words(1);
      }
    }
    this.#keep();
    while (this.#octets[this.#at] === SPACE) this.#words(1);
    this.#from = this.#at;
    this.#at++;
  }

  #keep(): void {
    this.#kept.push(this.#octets.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }

  /** Passes so many values, each with a space before it. */
  #words(count: number): void {
    for (let passed = 0; passed < count; passed++) {
      this.#at++;
      this.#value();
    }
  }

  /** Passes a value: an atom, a string, or a list. */
  #value(): void {
    const octets = this.#octets;
    let depth = 0;
    while (this.#at < octets.length) {
      const octet = octets[this.#at];
      if (depth === 0 && (octet === SPACE || octet === CLOSE)) return;
      if (octet === QUOTE) this.#quoted();
      else if (octet === OPEN_BRACE) this.#literal();
      else {
        if (octet === OPEN) depth++;
        if (octet === CLOSE) depth--;
        this.#at++;
      }
      if (depth === 0 && (octet === QUOTE || octet === OPEN_BRACE || octet === CLOSE)) return;
    }
  }

  #quoted(): void {
    for (this.#at++; this.#at < this.#octets.length; this.#at++) {
      const octet = this.#octets[this.#at];
      if (octet === BACKSLASH) this.#at++;
      else if (octet === QUOTE) break;
    }
    this.#at++;
  }

  #literal(): void {
    const lineEnd = this.#octets.indexOf(LF, this.#at);
    const size = Number.parseInt(this.#octets.toString('latin1', this.#at + 1, lineEnd), 10);
    this.#at = lineEnd < 0 || Number.isNaN(size) ? this.#octets.length : lineEnd + 1 + size;
  }
}
