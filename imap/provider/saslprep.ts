/**
 * SASLprep (RFC 4013) for SCRAM. What is prohibited is refused; the rule about bidirectional text (RFC 3454 §6), which refuses and changes
 * nothing, is left to the server.
 */

/** RFC 3454 table C.1.2: they become a space. */
const SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
/** Table B.1: they vanish. */
const NOTHING = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
/** Tables C.2.1 to C.9, after the mapping. \p{Cn} is not among them: code points that are unassigned are allowed in what is queried. */
const PROHIBITED =
  /\p{Cc}|\p{Co}|\p{Cs}|\p{Noncharacter_Code_Point}|\u06dd|\u070f|\u180e|\u0340|\u0341|\u200e|\u200f|[\u2028-\u202e]|[\u2061-\u2063]|[\u206a-\u206f]|[\u2ff0-\u2ffb]|[\ufff9-\ufffd]|[\u{1d173}-\u{1d17a}]|\u{e0001}|[\u{e0020}-\u{e007f}]/u;

/** The prepared text, or undefined where it has something in it that it must not have. */
export function saslprep(text: string): string | undefined {
  const prepared = text.replace(SPACES, ' ').replace(NOTHING, '').normalize('NFKC');
  return PROHIBITED.test(prepared) ? undefined : prepared;
}
