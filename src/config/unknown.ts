/** Keys that the schema does not know. They are errors: an option that is misspelt would silently not count. */
import type * as v from 'valibot';
import type { KeyPath } from './locate.js';
import { type Finding, optionName } from './problem.js';
import { isTable, itemOf, optionsOf } from './walk.js';

/** Every unknown key below `schema`, with what may have been meant. Values of the wrong form are not looked into. */
export function unknownKeys(
  schema: v.GenericSchema,
  value: unknown,
  path: KeyPath = [],
  root = schema,
): readonly Finding[] {
  const item = itemOf(schema);
  if (item !== undefined && Array.isArray(value)) {
    return value.flatMap((each, index) => unknownKeys(item, each, [...path, index], root));
  }
  const options = optionsOf(schema);
  if (options === undefined || !isTable(value)) return [];
  return Object.entries(value).flatMap(([key, inner]): readonly Finding[] => {
    const option = Object.hasOwn(options, key) ? options[key] : undefined;
    if (option !== undefined) return unknownKeys(option, inner, [...path, key], root);
    const name = optionName([...path, key]);
    const message = `There is no option ${shownKey(name)}. ${remedy(key, Object.keys(options), tablesWith(root, key))}`;
    return [{ path: [...path, key], message }];
  });
}

function remedy(key: string, known: readonly string[], tables: readonly string[]): string {
  const close = closest(key, known);
  if (close !== undefined) return `Did you mean ${close}?`;
  if (tables.length > 0) return `It belongs into ${tables.join(' or ')}.`;
  return `Here can be: ${known.join(', ')}.`;
}

/** The headers of the tables that have an option of this name. */
function tablesWith(schema: v.GenericSchema, key: string, path = '', isArray = false): readonly string[] {
  const item = itemOf(schema);
  if (item !== undefined) return tablesWith(item, key, path, true);
  const options = optionsOf(schema) ?? {};
  const own = path !== '' && Object.hasOwn(options, key) ? [isArray ? `[[${path}]]` : `[${path}]`] : [];
  const inner = Object.entries(options).flatMap(([name, option]) =>
    tablesWith(option, key, path === '' ? name : `${path}.${name}`),
  );
  return [...own, ...inner];
}

/** The known name that takes the fewest changes, if they are few for its length. */
function closest(key: string, known: readonly string[]): string | undefined {
  // The cost of the comparison is the product of the lengths, and nothing known is long.
  if (key.length > 64) return undefined;
  const [best] = known
    .map((name) => ({ name, distance: distance(key.toLowerCase().replaceAll('-', '_'), name) }))
    .filter(({ name, distance: changes }) => changes <= Math.max(1, Math.floor(name.length / 3)))
    .sort((one, other) => one.distance - other.distance);
  return best?.name;
}

/** Levenshtein's: letters to put in, take out or replace. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 0; i < one.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j += 1) {
      next.push(Math.min((row[j] ?? 0) + (one[i] === other[j] ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/** A key can be any text; a message is one line. */
function shownKey(name: string): string {
  return /^[\w.-]{1,80}$/.test(name) ? name : JSON.stringify(name.slice(0, 80));
}
