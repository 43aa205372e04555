import type { Part } from '#lib/mime/structure';
import { transferDecoder } from '#lib/message/transfer';
import { encodingOf } from './encoding.js';
import { htmlText } from './htmltext.js';
import { VIEW_LIMITS } from './limits.js';

const BYTE_ORDER_MARK = '\ufeff';

/**
 * PREVIEW (RFC 8970) of a message that begins with these octets, whose parts are those: the first text in it without its white space, quotations only where there is
 * nothing else. Of no length where there is no text. In UTF-8.
 */
export function previewOf(root: Part, beginning: Buffer): Buffer {
  const part = firstText(root);
  if (part === undefined) return Buffer.alloc(0);
  const text = decodeText(decodedBody(part, beginning), part.contentType.parameters.get('charset'));
  const preview = new Preview();
  preview.add(part.contentType.type === 'text/html' ? htmlText(text) : text);
  return Buffer.from(preview.text);
}

/** The part whose text is shown: plain text before HTML before other text, where there is a choice. Not one of a message in the message. */
function firstText(part: Part): Part | undefined {
  const { type } = part.contentType;
  if (type.startsWith('text/')) return part;
  if (type !== 'multipart/alternative') {
    for (const child of part.parts) {
      const found = firstText(child);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const texts = part.parts.filter((child) => child.contentType.type.startsWith('text/'));
  const ofType = (wanted: string): Part | undefined => texts.findLast((child) => child.contentType.type === wanted);
  return texts.find((child) => child.contentType.type === 'text/plain') ?? ofType('text/html') ?? texts.at(-1);
}

/** Of no length where the encoding is unknown. */
function decodedBody(part: Part, octets: Buffer): Buffer {
  const encoding = encodingOf(part.header);
  const body = octets.subarray(part.bodyStart, encoding === 'unknown' ? part.bodyStart : part.end);
  const decoder = transferDecoder(encoding);
  return decoder === undefined ? body : Buffer.concat([decoder.push(body), decoder.end()]);
}

/** Text in a charset; in UTF-8 where it is not known. What is wrong in it is one U+FFFD. */
function decodeText(octets: Buffer, charset = ''): string {
  const decoder = decoderOf(charset);
  const text = decoder.decode(octets, { stream: true }).replace(/\ufffd+/g, '\ufffd');
  // It forgets the character that has not come whole.
  decoder.decode();
  return text;
}

/** Decoders by charset: to make one costs as much as to decode a text. */
const DECODERS = new Map<string, TextDecoder>();
const MAX_DECODERS = 50;

function decoderOf(charset: string): TextDecoder {
  let decoder = DECODERS.get(charset);
  if (decoder === undefined) {
    if (DECODERS.size >= MAX_DECODERS) DECODERS.clear();
    DECODERS.set(charset, (decoder = newDecoder(charset)));
  }
  return decoder;
}

function newDecoder(charset: string): TextDecoder {
  // What calls itself ASCII and is not is mostly UTF-8.
  if (charset === '' || /^(?:us-)?ascii$/i.test(charset)) return new TextDecoder();
  try {
    return new TextDecoder(charset);
  } catch (error) {
    if (error instanceof RangeError) return new TextDecoder();
    throw error;
  }
}

/** The text that has been found so far, and what has been found of quotations. */
class Preview {
  #own = '';
  #ownLeft: number = VIEW_LIMITS.previewCharacters;
  #quoted = '';
  /** Without the `>` before it. */
  #quotedLeft: number = VIEW_LIMITS.previewCharacters - 1;
  #atLineStart = true;
  #isQuoted = false;
  /** White space has been passed over. */
  #isApart = false;

  get text(): string {
    return this.#own !== '' ? this.#own.trimStart() : this.#quoted === '' ? '' : `>${this.#quoted.trimStart()}`;
  }

  add(text: string): void {
    for (const char of text) {
      if (this.#atLineStart) {
        this.#isQuoted = char === '>';
        this.#atLineStart = false;
        if (this.#isQuoted) continue;
      }
      if (' \t\n\v\f\r'.includes(char)) this.#takeSpace(char);
      else if (char !== '\0' && char !== BYTE_ORDER_MARK) this.#take(char);
      if (this.#ownLeft === 0) return;
    }
  }

  #takeSpace(char: string): void {
    if ((this.#isQuoted ? this.#quoted : this.#own) !== '') this.#isApart = true;
    this.#atLineStart = char === '\n';
  }

  /** Takes a character, after a space if there was some. A space is not the last one. */
  #take(char: string): void {
    const left = this.#isQuoted ? this.#quotedLeft : this.#ownLeft;
    if (left === 0) return;
    const added = !this.#isApart ? char : left > 1 ? ` ${char}` : '';
    const behind = left - (this.#isApart && left > 1 ? 2 : 1);
    this.#isApart &&= left === 1;
    if (this.#isQuoted) {
      this.#quoted += added;
      this.#quotedLeft = behind;
    } else {
      this.#own += added;
      this.#ownLeft = behind;
    }
  }
}
