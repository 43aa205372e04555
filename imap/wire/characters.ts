/** The classes of octets of RFC 9051 §9, as bits of a table. */

export const ATOM = 1;
/** ATOM, and `]`. */
export const ASTRING = 2;
/** ASTRING without `+`. */
export const TAG = 4;
/** ASTRING, and the wildcards of LIST. */
export const LIST = 8;
export const DIGIT = 16;
/** What a quoted string can hold, `"` and `\` with a backslash before them: no NUL, CR or LF. Octets from 128 are UTF-8 (RFC 9051 §4.3). */
export const QUOTED = 32;
/** What a quoted string can hold where UTF-8 has not been agreed on (RFC 3501 §9). */
export const QUOTED7 = 64;

export type CharacterClass =
  typeof ATOM | typeof ASTRING | typeof TAG | typeof LIST | typeof DIGIT | typeof QUOTED | typeof QUOTED7;

const CLASSES: Uint8Array = new Uint8Array(256);
for (let octet = 1; octet < 256; octet++) {
  const text = String.fromCharCode(octet);
  let bits = '\r\n'.includes(text) ? 0 : QUOTED | (octet < 0x80 ? QUOTED7 : 0);
  if (octet > 0x20 && octet < 0x7f) {
    if (!'(){%*"\\]'.includes(text)) bits |= ATOM;
    if (!'(){%*"\\'.includes(text)) bits |= ASTRING;
    if (!'(){%*"\\+'.includes(text)) bits |= TAG;
    if (!'(){"\\'.includes(text)) bits |= LIST;
    if (text >= '0' && text <= '9') bits |= DIGIT;
  }
  CLASSES[octet] = bits;
}

/** Whether an octet is of a class. `undefined`, which is no octet, is of none. */
export function isOf(characters: CharacterClass, octet: number | undefined): boolean {
  return octet !== undefined && ((CLASSES[octet] ?? 0) & characters) !== 0;
}

/** Whether every octet is of a class. */
export function allOf(characters: CharacterClass, octets: Buffer): boolean {
  for (const octet of octets) if (((CLASSES[octet] ?? 0) & characters) === 0) return false;
  return true;
}
