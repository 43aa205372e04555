import type { HeaderField } from '#lib/mime/header';
import { NUL_REPLACEMENT } from './words.js';

/** The body of a field as latin1 text, without the white space at its start, and with folds that are a line feed and white space; of no
 * length for no field. */
export function fieldText(field: HeaderField | undefined): string {
  if (field === undefined) return '';
  const body = field.body.toString('latin1');
  const lineEnd = body.indexOf('\n');
  if (lineEnd < 0) return withoutSpace(body, body.length);
  const text = body.replace(/\r?\n/g, '\n');
  // A fold of one character is not seen as one by Dovecot.
  return withoutSpace(text, text.indexOf('\n')).replace(/\n([ \t])(?=\n|$)/g, '$1');
}

/** Without the white space at the start of the line that ends there. White space alone is a value, but for the first. */
function withoutSpace(text: string, lineEnd: number): string {
  let start = 0;
  while (text[start] === ' ' || text[start] === '\t') start++;
  return text.slice(start === lineEnd ? Math.min(start, 1) : start);
}

/** The octets of an unstructured field, unfolded. A NUL is shown as U+FFFD: no string of IMAP can hold it. */
export function unfoldedOctets(text: string): Buffer {
  if (!/[\r\n]/.test(text)) return octetsOf(text);
  // A CR that ends no line would end one in the response.
  return octetsOf(text.replace(/[\r\n]+([^]?)/g, (_, next: string) => (' \t'.includes(next) ? next : ` ${next}`)));
}

/** Text for people: runs of white space are one space, and there is none around it. */
export function proseOctets(text: string): Buffer {
  return octetsOf(text.replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, ''));
}

/** The octets of text that has been read from a field. */
export function octetsOf(text: string): Buffer {
  return Buffer.from(text.includes('\0') ? text.replaceAll('\0', NUL_REPLACEMENT) : text, 'latin1');
}
