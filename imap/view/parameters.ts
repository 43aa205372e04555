import type { BodyParameter } from '#imap/wire/bodystructure';
import type { Allowance } from './allowance.js';
import { octetsOf } from './fieldvalue.js';
import type { WordReader } from './words.js';
import type { Outcome } from './words.js';

/** Of `name*1*=value` (RFC 2231 §3, §4). */
interface Section {
  readonly name: string;
  readonly number: number;
  readonly encoded: boolean;
  readonly value: string;
}

/**
 * Reads `; name=value …` to the end. What is broken is passed over. What RFC 2231 splits is joined under `name`, or `name*` where it is
 * encoded, and stays encoded: that is for the client to undo.
 */
export function readParameters(reader: WordReader, allowance: Allowance): readonly BodyParameter[] {
  const parameters: BodyParameter[] = [];
  const sections: Section[] = [];
  while (!reader.atEnd) {
    const parameter = readParameter(reader);
    if (parameter === undefined) {
      reader.at++;
      continue;
    }
    if (!allowance.take()) break;
    const section = readSection(parameter.name, parameter.value);
    if (section === undefined) parameters.push(made(parameter.name, parameter.value));
    else sections.push(section);
  }
  return sections.length === 0 ? parameters : [...parameters, ...joined(sections)];
}

function readParameter(reader: WordReader): { readonly name: string; readonly value: string } | undefined {
  if (reader.peek() !== ';') return undefined;
  reader.at++;
  if (reader.space() !== 'more') return undefined;
  reader.word = '';
  const outcome = reader.token();
  const name = reader.take();
  if (outcome !== 'more' || reader.peek() !== '=') return undefined;
  reader.at++;
  const read = readValue(reader);
  const value = reader.take();
  return read === 'broken' ? undefined : { name, value };
}

function readValue(reader: WordReader): Outcome {
  const outcome = reader.space();
  if (outcome !== 'more') return outcome;
  if (reader.peek() === '"') return reader.quotedString();
  if (reader.peek() !== '=') return reader.token();
  // Some write an encoded word as it is: name==?utf-8?Q?x?=
  const word = /[^; \t\r\n]*/y;
  word.lastIndex = reader.at;
  reader.word = word.exec(reader.text)?.[0] ?? '';
  reader.at += reader.word.length;
  return 'more';
}

function readSection(attribute: string, value: string): Section | undefined {
  const match = /^([^*]*)\*(\d*)(\*?)$/.exec(attribute);
  if (match === null) return undefined;
  const [, name = '', digits = '', star = ''] = match;
  // `name*` is one section, encoded.
  return { name, number: Number(digits), encoded: star !== '' || digits === '', value };
}

/** Joins the sections of each name from 0 up. Where one is missing they stay as they are. */
function joined(sections: readonly Section[]): readonly BodyParameter[] {
  const sorted = [...sections].sort((a, b) => compare(a.name, b.name) || a.number - b.number);
  const parameters: BodyParameter[] = [];
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    const name = sorted[from]?.name ?? '';
    while (sorted[to]?.name.toLowerCase() === name.toLowerCase()) to++;
    const group = sorted.slice(from, to);
    if (group.every(({ number }, index) => number === index)) parameters.push(join(name, group));
    else
      for (const { name: spelled, number, encoded, value } of group)
        parameters.push(made(`${spelled}*${number}${encoded ? '*' : ''}`, value));
  }
  return parameters;
}

function join(name: string, sections: readonly Section[]): BodyParameter {
  if (!sections.some(({ encoded }) => encoded)) return made(name, sections.map(({ value }) => value).join(''));
  const values = sections.map(({ encoded, value }) => (encoded ? value : value.replaceAll('%', '%25')));
  // Charset and language stand at the beginning of the first one that is encoded: here nothing is said of them.
  return made(`${name}*`, `${sections[0]?.encoded === true ? '' : "''"}${values.join('')}`);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function made(name: string, value: string): BodyParameter {
  return { name: octetsOf(name), value: octetsOf(value) };
}
