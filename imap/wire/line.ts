import type { LineFragment } from './framer.js';

/** Whether a line of a command holds what none may hold before its end: CR, LF or NUL (RFC 9051 §9, `CHAR`). */
export function hasStrayOctet(line: Buffer, lineEnd: number): boolean {
  const end = line.length - lineEnd;
  const carriageReturn = line.indexOf(0x0d);
  const nul = line.indexOf(0);
  return (carriageReturn >= 0 && carriageReturn < end) || (nul >= 0 && nul < end);
}

/**
 * Whether a line of a client ends in what looks like a literal mark and is none: `{}`, `{x}`. Outside quoted strings there are no
 * such octets in a command (RFC 9051 §9, `atom-specials`), and some servers read a mark where we do not.
 */
export function hasFalseMark({ bytes, literal }: LineFragment): boolean {
  if (literal !== undefined) return false;
  const end = bytes.length - (bytes.at(-2) === 0x0d ? 2 : 1);
  // However long it is: a size may have any number of zeros before it.
  const open = bytes.lastIndexOf('{');
  return open >= 0 && bytes[end - 1] === 0x7d && !/["{}]/.test(bytes.toString('latin1', open + 1, end - 1));
}
