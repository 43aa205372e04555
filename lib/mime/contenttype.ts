import { decodeCharset } from './charset.js';
import { Scanner } from './scanner.js';

/** A value with parameters: of Content-Type, Content-Disposition and fields made like them (RFC 2045 §5.1, RFC 2183). */
export interface ParameterizedValue {
  /** `text/plain`, `attachment`: in lower case. */
  readonly type: string;
  /**
   * By name in lower case; the first of several alike counts. What RFC 2231 splits or encodes is joined and decoded. What it
   * does not encode is as it stands: one character an octet where the value came as latin1 text.
   */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Reads the value of a Content-Type field, unfolded or not. Undefined where there is no `type/subtype`, so that a default
 * has to be taken (RFC 2045 §5.2). What is wrong further on is passed over up to the next semicolon.
 *
 * @example parseContentType('Text/Plain; charset="utf-8" (Unicode)') // type 'text/plain', charset 'utf-8'
 */
export function parseContentType(value: string): ParameterizedValue | undefined {
  const scanner = new Scanner(value);
  const type = scanner.token();
  if (type === '' || !scanner.take('/')) return undefined;
  const subtype = scanner.token();
  if (subtype === '') return undefined;
  return { type: `${type}/${subtype}`.toLowerCase(), parameters: parseParameters(scanner) };
}

/** Reads the value of a Content-Disposition field (RFC 2183), unfolded or not. Undefined where there is no type. */
export function parseContentDisposition(value: string): ParameterizedValue | undefined {
  const scanner = new Scanner(value);
  const type = scanner.token();
  if (type === '') return undefined;
  return { type: type.toLowerCase(), parameters: parseParameters(scanner) };
}

/** Reads the value of a Content-Transfer-Encoding field (RFC 2045 §6.1): in lower case; undefined where there is none. */
export function parseContentTransferEncoding(value: string): string | undefined {
  return new Scanner(value).token().toLowerCase() || undefined;
}

/** What is known of one parameter name. */
interface Collected {
  plain?: string;
  /** By number; `name*` is number 0. */
  readonly sections: Map<number, Section>;
}

interface Section {
  readonly value: string;
  /** Percent-encoded: its name ends in `*`. */
  readonly encoded: boolean;
}

/** Reads `; name=value; …` to the end. */
function parseParameters(scanner: Scanner): Map<string, string> {
  const found = new Map<string, Collected>();
  while (scanner.skipPast(';')) {
    const attribute = scanner.token().toLowerCase();
    if (attribute === '' || !scanner.take('=')) continue;
    const value = scanner.value();
    if (value === undefined) continue;
    const [, name = attribute, number, encoded] = /^([^*]+)(?:\*(0|[1-9]\d{0,8}))?(\*)?$/.exec(attribute) ?? [];
    let collected = found.get(name);
    if (collected === undefined) found.set(name, (collected = { sections: new Map() }));
    if (number === undefined && encoded === undefined) collected.plain ??= value;
    else if (!collected.sections.has(Number(number ?? 0)))
      collected.sections.set(Number(number ?? 0), { value, encoded: encoded !== undefined });
  }
  const parameters = new Map<string, string>();
  for (const [name, collected] of found) {
    // RFC 2231 is written beside a plain value for readers that do not know it (RFC 6266 §4.3 says the same of HTTP).
    const value = joinSections(collected) ?? collected.plain;
    if (value !== undefined) parameters.set(name, value);
  }
  return parameters;
}

/** Joins the sections from 0 up to the first that is missing (RFC 2231 §3, §4). */
function joinSections({ sections }: Collected): string | undefined {
  const first = sections.get(0);
  if (first === undefined) return undefined;
  const [, charset, firstText = first.value] = first.encoded ? (/^([^']*)'[^']*'(.*)$/s.exec(first.value) ?? []) : [];
  const pieces: string[] = [];
  let octets = false;
  for (let number = 0, section: Section | undefined = first; section; section = sections.get(++number)) {
    const text = number === 0 ? firstText : section.value;
    pieces.push(section.encoded ? percentDecode(text) : text);
    octets ||= section.encoded;
  }
  const joined = pieces.join('');
  return octets ? decodeCharset(Buffer.from(joined, 'latin1'), charset) : joined;
}

/** One character an octet. */
function percentDecode(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
