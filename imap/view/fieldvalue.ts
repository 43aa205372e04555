import type { HeaderField } from '#lib/mime/header';

/** The body of a field as latin1 text, without the white space at its start, and with folds that are a line feed and white space; of no
 * length for no field. */
export function fieldText(field: HeaderField | undefined): string {
  if (field === undefined) return '';
  const text = field.body.toString('latin1').replace(/\r?\n/g, '\n');
  const lineEnd = text.indexOf('\n');
  const firstLine = lineEnd < 0 ? text : text.slice(0, lineEnd);
  const start = /^[ \t]*/.exec(firstLine)?.[0].length ?? 0;
  // White space alone is a value, but for the first. A fold of one character is not seen as one by Dovecot.
  const value = text.slice(start === firstLine.length ? Math.min(start, 1) : start);
  return value.replace(/\n([ \t])(?=\n|$)/g, '$1');
}

/** The octets of an unstructured field, unfolded. A NUL is shown as U+FFFD: no string of IMAP can hold it. */
export function unfoldedOctets(text: string): Buffer {
  // A CR that ends no line would end one in the response.
  const unfolded = text.replace(/[\r\n]+(.?)/gs, (_, next: string) =>
    next === '' || next === ' ' || next === '\t' ? next : ` ${next}`,
  );
  return octetsOf(unfolded);
}

/** Text for people: runs of white space are one space, and there is none around it. */
export function proseOctets(text: string): Buffer {
  return octetsOf(text.replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, ''));
}

/** The octets of text that has been read from a field. */
export function octetsOf(text: string): Buffer {
  return Buffer.from(text.replaceAll('\0', '\xef\xbf\xbd'), 'latin1');
}
