/** Cuts what a server sends into responses, each whole with its literals. Pure: it is fed octets. */

const CRLF = Buffer.from('\r\n');
/** Responses that end in human text, where braces mean nothing: status responses and continuation requests. */
const TEXT = /^(?:\+|\* (?:OK|NO|BAD|BYE|PREAUTH)\b|[^*+ ]+ (?:OK|NO|BAD)\b)/i;

export class ResponseCutter {
  /** Pieces of the response that is being read. */
  #parts: Buffer[] = [];
  /** Octets of a line that has no end yet. */
  #line: Buffer = Buffer.alloc(0);
  /** Octets of a literal that are still to come. */
  #literal = 0;

  /** Takes octets, and returns the responses that they complete. */
  push(chunk: Buffer): Buffer[] {
    const done: Buffer[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#literal > 0) {
        const piece = rest.subarray(0, this.#literal);
        this.#parts.push(piece);
        this.#literal -= piece.length;
        rest = rest.subarray(piece.length);
        continue;
      }
      const joined = this.#line.length === 0 ? rest : Buffer.concat([this.#line, rest]);
      const end = joined.indexOf(CRLF, Math.max(0, this.#line.length - 1));
      if (end === -1) {
        this.#line = joined;
        break;
      }
      const line = joined.subarray(0, end + 2);
      rest = joined.subarray(end + 2);
      this.#line = Buffer.alloc(0);
      this.#parts.push(line);
      const size = this.#isText() ? undefined : announced(line);
      if (size === undefined) done.push(this.#finish());
      else this.#literal = size;
    }
    return done;
  }

  /** What is left of a response that has not come to its end. */
  get unfinished(): Buffer {
    return Buffer.concat([...this.#parts, this.#line]);
  }

  #isText(): boolean {
    const [line] = this.#parts;
    return line !== undefined && TEXT.test(line.toString('latin1', 0, 200));
  }

  #finish(): Buffer {
    const response = this.#parts.length === 1 ? (this.#parts[0] ?? CRLF) : Buffer.concat(this.#parts);
    this.#parts = [];
    return response;
  }
}

/** The size of the literal (or literal8) that a line announces. */
function announced(line: Buffer): number | undefined {
  const [, size] = /\{(\d+)\}\r\n$/.exec(line.toString('latin1', Math.max(0, line.length - 25))) ?? [];
  return size === undefined ? undefined : Number(size);
}

/** A response as the pieces that are text, and between them the literals. */
export function pieces(response: Buffer): { readonly text: string; readonly literal?: Buffer }[] {
  if (TEXT.test(response.toString('latin1', 0, 200))) return [{ text: response.toString('latin1') }];
  const found: { text: string; literal?: Buffer }[] = [];
  let rest = response;
  while (true) {
    const end = rest.indexOf(CRLF);
    const line = rest.subarray(0, end === -1 ? rest.length : end + 2);
    const size = announced(line);
    const text = line.toString('latin1');
    if (size === undefined) return [...found, { text }];
    found.push({ text, literal: rest.subarray(line.length, line.length + size) });
    rest = rest.subarray(line.length + size);
  }
}
