import { decodeCharset } from './charset.js';

/** Octets of text in one encoded-word, such that it fits a line of 76 characters beside `Subject:` (RFC 2047 §2). */
const WORD_OCTETS = 39;

/**
 * The text of an unstructured field body (Subject, say) in ASCII: as it is if nothing needs encoding, else as RFC 2047
 * encoded-words in UTF-8, folded after each. No line end of the text gets through.
 */
export function encodeWords(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && !text.includes('=?') && !/^ | $/.test(text)) return text;
  const words: string[] = [];
  let word = '';
  let octets = 0;
  const end = (): void => {
    words.push(`=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`);
    word = '';
    octets = 0;
  };
  // By characters: RFC 2047 §5 lets none be spread over two words.
  for (const char of text) {
    const length = Buffer.byteLength(char);
    if (octets + length > WORD_OCTETS) end();
    word += char;
    octets += length;
  }
  end();
  return words.join('\r\n ');
}

/**
 * The text with its RFC 2047 encoded-words decoded. White space between two of them goes (§6.2), and a character that is
 * spread over two of them is put together all the same. In an unknown charset each octet becomes one character.
 */
export function decodeWords(text: string): string {
  let decoded = '';
  let at = 0;
  let pending: { readonly charset: string; readonly octets: Buffer[] } | undefined;
  const end = (): void => {
    if (pending !== undefined) decoded += decodeCharset(Buffer.concat(pending.octets), pending.charset);
    pending = undefined;
  };
  for (const match of text.matchAll(/=\?([^?*\s]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?\r\n]*)\?=/g)) {
    const [word, charset = '', encoding = '', content = ''] = match;
    const between = text.slice(at, match.index);
    if (pending === undefined || /[^ \t\r\n]/.test(between)) {
      end();
      decoded += between;
    }
    if (pending?.charset.toLowerCase() !== charset.toLowerCase()) {
      end();
      pending = { charset, octets: [] };
    }
    pending.octets.push(decodeContent(encoding.toLowerCase(), content));
    at = match.index + word.length;
  }
  end();
  return decoded + text.slice(at);
}

function decodeContent(encoding: string, content: string): Buffer {
  if (encoding === 'b') return Buffer.from(content, 'base64');
  const text = content
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(text, 'latin1');
}
