/** The UID of a FETCH response, found without reading the rest: what a listing of a large mailbox is sorted out by. */

const OPEN = 0x28;
const CLOSE = 0x29;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const UID: Buffer = Buffer.from('UID ');
/** Names are the same in any case. */
const ANY_UID = /uid /i;
/** What comes before the first item. */
const HEAD = /^\* [1-9][0-9]{0,9} FETCH \(/i;
/** Octets of the longest HEAD. */
const HEAD_ROOM = 20;
const MAX_UID = 0xffff_ffff;

/**
 * The UID among the items of a FETCH response (RFC 9051 §7.5.2), if it stands in this line, which is the response's first. Undefined
 * where there is none, or no such response. What stands in strings, lists (an ENVELOPE) and brackets is never taken for it.
 */
export function uidOf(line: Buffer): number | undefined {
  const found = line.indexOf(UID);
  if (found === -1 && !ANY_UID.test(line.toString('latin1'))) return undefined;
  const head = HEAD.exec(line.toString('latin1', 0, HEAD_ROOM));
  if (head === null) return undefined;
  const start = head[0].length;
  return numberAt(line, found === start ? start + UID.length : valueOfUid(line, start));
}

/** Where the value of the UID item begins, from the first item on. -1 where there is none. */
function valueOfUid(line: Buffer, start: number): number {
  let at = start;
  while (at < line.length) {
    const end = endOfName(line, at);
    if (line[end] !== SPACE) return -1;
    if (end - at === 3 && line.toString('latin1', at, end).toUpperCase() === 'UID') return end + 1;
    at = endOfValue(line, end + 1);
    if (line[at] !== SPACE) return -1;
    at += 1;
  }
  return -1;
}

/** The end of `UID`, `BODY[HEADER.FIELDS ("a]b")]<0>`. */
function endOfName(line: Buffer, start: number): number {
  let inBrackets = false;
  for (let at = start; at < line.length; at++) {
    const octet = line[at];
    if (octet === OPEN_BRACKET) inBrackets = true;
    else if (octet === CLOSE_BRACKET) inBrackets = false;
    else if (octet === QUOTE && inBrackets) at = endOfQuoted(line, at) - 1;
    else if (!inBrackets && (octet === SPACE || octet === CLOSE)) return at;
  }
  return line.length;
}

/** The end of a word, a quoted string or a list. */
function endOfValue(line: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < line.length; at++) {
    const octet = line[at];
    if (octet === QUOTE) at = endOfQuoted(line, at) - 1;
    else if (octet === OPEN) depth += 1;
    else if (depth === 0 && (octet === SPACE || octet === CLOSE)) return at;
    else if (octet === CLOSE) depth -= 1;
  }
  return line.length;
}

/** Behind the quote that ends it, or the end of the line. */
function endOfQuoted(line: Buffer, start: number): number {
  for (let at = start + 1; at < line.length; at++) {
    const octet = line[at];
    if (octet === BACKSLASH) at += 1;
    else if (octet === QUOTE) return at + 1;
  }
  return line.length;
}

/** The UID that stands there in whole, with a space or parenthesis behind it. */
function numberAt(line: Buffer, start: number): number | undefined {
  if (start === -1) return undefined;
  let number = 0;
  let at = start;
  for (; at < start + 11; at++) {
    const digit = (line[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) break;
    number = number * 10 + digit;
  }
  if (line[start] === 0x30 || at === start || number > MAX_UID) return undefined;
  return line[at] === SPACE || line[at] === CLOSE ? number : undefined;
}
