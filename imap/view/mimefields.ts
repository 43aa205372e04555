import type { BodyDisposition, BodyParameter } from '#imap/wire/bodystructure';
import type { Header } from '#lib/mime/header';
import type { Allowance } from './allowance.js';
import { fieldText, octetsOf, unfoldedOctets } from './fieldvalue.js';
import { readParameters } from './parameters.js';
import { WordReader } from './words.js';

export interface SpelledType {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly BodyParameter[];
}

/** The first Content-Type as it is spelled. Undefined where there is none, or where it has no type. */
export function spelledType(header: Header, allowance: Allowance): SpelledType | undefined {
  const reader = new WordReader(fieldText(header.get('Content-Type')));
  reader.space();
  reader.token();
  const type = reader.take();
  if (reader.peek() !== '/') return undefined;
  reader.at++;
  reader.space();
  reader.token();
  return { type, subtype: reader.take(), parameters: readParameters(reader, allowance) };
}

/** The first Content-Transfer-Encoding that is a word and nothing else, as it is spelled. */
export function spelledEncoding(header: Header): Buffer | undefined {
  for (const field of header.all('Content-Transfer-Encoding')) {
    const reader = new WordReader(fieldText(field));
    reader.space();
    if (reader.token() === 'end' && reader.word !== '') return octetsOf(reader.word);
  }
  return undefined;
}

/** The first Content-Disposition with parameters; where none has any, the last one. */
export function disposition(header: Header, allowance: Allowance): BodyDisposition | undefined {
  let found: BodyDisposition | undefined;
  for (const field of header.all('Content-Disposition')) {
    const reader = new WordReader(fieldText(field));
    reader.space();
    if (reader.token() === 'broken') continue;
    const type = octetsOf(reader.take());
    const parameters = readParameters(reader, allowance);
    found = { type, parameters };
    if (parameters.length > 0) break;
  }
  return found;
}

/** Of the first Content-Language that has any. */
export function languages(header: Header, allowance: Allowance): readonly Buffer[] | undefined {
  for (const field of header.all('Content-Language')) {
    const found: Buffer[] = [];
    const reader = new WordReader(fieldText(field));
    reader.space();
    while (reader.atom() !== 'broken' && allowance.take()) {
      found.push(octetsOf(reader.take()));
      if (reader.peek() !== ',') break;
      reader.at++;
      reader.space();
    }
    if (found.length > 0) return found;
  }
  return undefined;
}

/** The first field of that name, unfolded. */
export function unstructured(header: Header, name: string): Buffer | undefined {
  const field = header.get(name);
  return field && unfoldedOctets(fieldText(field));
}
