/** The sample configuration, made from the schema: every option, with its default or an example. */
import type * as v from 'valibot';
import { SCHEMA } from './schema.js';
import { aboutOf, defaultOf, itemOf, optionsOf } from './walk.js';

/** Columns of a line of comment. */
const WIDTH = 100;

const HEAD = `Postern's configuration. All options are here. A line of the form "#name = value" shows the default, unless it says that there is none. "postern config check" tells what is wrong with a file. In it, names of files are relative to the file itself.`;

/** The text of etc/postern.toml. */
export function sample(): string {
  return [comment(HEAD), ...tables(SCHEMA, '', '')].join('\n');
}

/** A table's header with what is said about it, its options, and the tables in it. */
function tables(schema: v.GenericSchema, path: string, header: string): readonly string[] {
  const options = Object.entries(optionsOf(schema) ?? {});
  const own = options
    .filter(([, option]) => !holdsTables(option))
    .map(([name, option]) => `${commentOn(option)}${assignment(name, option)}`);
  const inner = options
    .filter(([, option]) => holdsTables(option))
    .flatMap(([name, option]) => {
      const below = path === '' ? name : `${path}.${name}`;
      const item = itemOf(option);
      const line = item === undefined ? `[${below}]` : `[[${below}]]`;
      return tables(item ?? option, below, `${commentOn(option)}${line}\n`);
    });
  return own.length === 0 ? inner : [header, ...own, ...inner];
}

function holdsTables(schema: v.GenericSchema): boolean {
  return optionsOf(itemOf(schema) ?? schema) !== undefined;
}

function assignment(name: string, schema: v.GenericSchema): string {
  const { example, fill = false } = aboutOf(schema) ?? {};
  // Texts of the schema are ASCII, for which TOML and JSON have the same form.
  return `${fill ? '' : '#'}${name} = ${JSON.stringify(defaultOf(schema) ?? example)}\n`;
}

function commentOn(schema: v.GenericSchema): string {
  const text = aboutOf(schema)?.text;
  return text === undefined ? '' : comment(text);
}

/** Lines of comment, broken at blanks. */
function comment(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = `# ${word}`;
    else if (line.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(`# ${word}`);
  }
  return `${lines.join('\n')}\n`;
}
