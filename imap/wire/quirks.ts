/** What some servers send beside the grammar, each with who and how it is read. The octets themselves pass as they are. */
import type { Reader } from './reader.js';

const OPEN = 0x28;
const CLOSE = 0x29;

/** Exchange and Stalwart: a space between the parts of a multipart, where RFC 9051 §9 (`body-type-mpart`) has none. */
export function skipSpaceBetweenParts(reader: Reader): void {
  reader.take(' ');
}

/** Gmail: a multipart without parts is its subtype alone, `("ALTERNATIVE")`. Whether the string that was read is such. */
export function isSubtypeAlone(reader: Reader): boolean {
  return reader.peek() === CLOSE;
}

/** Exchange: `"inline"` instead of `("inline" NIL)`. Whether a disposition of that form comes next. */
export function isBareDisposition(reader: Reader): boolean {
  return reader.peek() !== OPEN;
}

/** mail.ru: `("boundary" NIL)`, where RFC 9051 §9 (`body-fld-param`) has strings only. */
export function readParameterValue(reader: Reader): Buffer | undefined {
  return reader.nstring('the value of a parameter');
}

/** imap.qq.com: `(UID 7 )`. The list of a FETCH response may end where an item could begin. */
export function mayEndBehindSpace(octet: number): boolean {
  return octet === CLOSE;
}
