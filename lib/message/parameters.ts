import type { HeaderField } from '#lib/mime/header';
import type { LineEnd } from './field.js';

/** A parameter of a field like Content-Type as it is written: from its semicolon to before the next one. */
const PARAMETER = /;(?:[^;"(]|"(?:[^"\\]|\\[^])*(?:"|$)|\((?:[^()\\]|\\[^])*(?:\)|$)|\()*/g;

/**
 * A field like Content-Type without the parameters of these names (lower case); the rest of its bytes stays, folding included.
 */
export function withoutParameters(field: HeaderField, names: readonly string[]): Buffer {
  const text = field.raw.toString('latin1');
  const [end = ''] = /\r?\n$/.exec(text) ?? [];
  const kept = text.slice(0, text.length - end.length).replace(PARAMETER, (parameter) => {
    const name = /^;(?:\s|\([^()]*\))*([^\s=*(]+)/.exec(parameter)?.[1]?.toLowerCase();
    return name !== undefined && names.includes(name) ? '' : parameter;
  });
  return Buffer.from(kept + end, 'latin1');
}

/** A field like Content-Type with a parameter at its end, on a line of its own. One of that name that is there goes. */
export function withParameter(field: HeaderField, name: string, value: string, eol: LineEnd): Buffer {
  const text = withoutParameters(field, [name]).toString('latin1').trimEnd().replace(/;$/, '');
  return Buffer.from(`${text};${eol} ${name}="${value}"${eol}`, 'latin1');
}
