import type { ByteStream } from '#lib/bytes/source';

/** Whether an encoding (RFC 2045 §6.1) leaves the bytes as they are. */
export function isIdentity(encoding: string): boolean {
  return encoding === '7bit' || encoding === '8bit' || encoding === 'binary';
}

/** Turns chunks into chunks; `end` gives what is left. Synchronous and for one stream. */
export interface Transform {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

/** A stream with its Content-Transfer-Encoding undone. Encodings that are unknown leave it as it is. */
export async function* decodeTransfer(stream: ByteStream, encoding: string): AsyncGenerator<Buffer, void> {
  const decoder = transferDecoder(encoding);
  if (decoder === undefined) {
    yield* stream;
    return;
  }
  for await (const chunk of stream) {
    const decoded = decoder.push(chunk);
    if (decoded.length > 0) yield decoded;
  }
  const rest = decoder.end();
  if (rest.length > 0) yield rest;
}

/** Undefined for the identity encodings and for unknown ones. */
export function transferDecoder(encoding: string): Transform | undefined {
  if (encoding === 'base64') return new Base64Decoder();
  if (encoding === 'quoted-printable') return new QuotedPrintableDecoder();
  return undefined;
}

const EMPTY = Buffer.alloc(0);

/** Base64 of RFC 2045 §6.8: what is not in the alphabet is passed over, and padding ends the data. How the chunks are cut makes no difference. */
export class Base64Decoder implements Transform {
  #held = '';
  #isPadded = false;

  push(chunk: Buffer): Buffer {
    if (this.#isPadded) return EMPTY;
    let text = this.#held + chunk.toString('latin1').replace(/[^A-Za-z0-9+/=]+/g, '');
    const padding = text.indexOf('=');
    if (padding >= 0) {
      this.#isPadded = true;
      this.#held = '';
      return Buffer.from(text.slice(0, padding), 'base64');
    }
    const whole = text.length - (text.length % 4);
    this.#held = text.slice(whole);
    text = text.slice(0, whole);
    return Buffer.from(text, 'base64');
  }

  end(): Buffer {
    return Buffer.from(this.#held, 'base64');
  }
}

/** Characters of an encoded line, RFC 2045 §6.8. */
const BASE64_LINE = 76;

/** Base64 in lines of 76 characters ended by CRLF. */
export class Base64Encoder implements Transform {
  #held: Buffer = EMPTY;

  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const whole = bytes.length - (bytes.length % ((BASE64_LINE / 4) * 3));
    this.#held = bytes.subarray(whole);
    return Buffer.from(bytes.toString('base64', 0, whole).replace(/.{76}/g, '$&\r\n'), 'latin1');
  }

  end(): Buffer {
    return this.#held.length === 0 ? EMPTY : Buffer.from(`${this.#held.toString('base64')}\r\n`, 'latin1');
  }
}

/** Octets of a line that is held until its end is seen. RFC 2045 §6.7 allows 76; a longer one is taken in pieces. */
const LINE_LIMIT = 16 * 1024;

/** Characters of white space of which a line's end may have fewer. So many together are text. */
const SPACE_LIMIT = 1024;

/**
 * Quoted-printable, RFC 2045 §6.7: soft line breaks joined, white space at a line's end dropped, broken escapes left as text. How the chunks are
 * cut makes no difference.
 */
export class QuotedPrintableDecoder implements Transform {
  #held = '';

  push(chunk: Buffer): Buffer {
    const text = this.#held + chunk.toString('latin1');
    let end = text.lastIndexOf('\n') + 1;
    if (text.length - end > LINE_LIMIT) end = certainEnd(text, end);
    this.#held = text.slice(end);
    return decodeQuotedPrintable(text.slice(0, end));
  }

  end(): Buffer {
    return decodeQuotedPrintable(this.#held.replace(/(?<![ \t])[ \t]+$/, withoutTrailing));
  }
}

/** Where the part of an unfinished line ends that means the same whatever follows: before white space, and before the beginning of an escape. */
function certainEnd(text: string, lineStart: number): number {
  const end = text.endsWith('\r') ? text.length - 1 : text.length;
  let space = end;
  while (space > lineStart && (text[space - 1] === ' ' || text[space - 1] === '\t')) space--;
  const counted = end - space - ((end - space) % SPACE_LIMIT);
  if (counted > 0) return space + counted;
  if (text[space - 1] === '=') return space - 1;
  return space === text.length && text[space - 2] === '=' ? space - 2 : space;
}

/** Text of whole lines. */
export function decodeQuotedPrintable(text: string): Buffer {
  const plain = text.replace(
    // Each run of white space is looked at from its beginning only: else a long one would be looked at anew from each of its places.
    /=(?:([0-9A-Fa-f]{2})|[ \t]{0,1023}\r?\n)|((?<![ \t])[ \t]+)(?=\r?\n)/g,
    (_, hex: string | undefined, space: string | undefined) =>
      hex === undefined ? withoutTrailing(space ?? '') : String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(plain, 'latin1');
}

/** What is left of white space at a line's end. */
function withoutTrailing(space: string): string {
  return space.slice(0, space.length - (space.length % SPACE_LIMIT));
}

/** Octets as quoted-printable; line ends in the data (CRLF or LF) stay line ends. */
export function encodeQuotedPrintable(bytes: Buffer): string {
  const lines = bytes.toString('latin1').split(/(\r?\n)/);
  return lines.map((line, i) => (i % 2 === 1 ? line : encodeLine(line))).join('');
}

function encodeLine(line: string): string {
  const escaped = line.replace(/[^\t -<>-~]|[\t ]$/g, (char) => {
    return `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
  let out = '';
  let column = 0;
  for (const [unit] of escaped.matchAll(/=[0-9A-F]{2}|[^]/g)) {
    // 76 characters with the "=" of the soft line break.
    if (column + unit.length > 75) {
      out += '=\r\n';
      column = 0;
    }
    out += unit;
    column += unit.length;
  }
  return out;
}
