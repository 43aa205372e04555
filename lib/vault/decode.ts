/** Reading what was sealed as JSON: every function throws TypeError where the value is another than expected. */

export type Fields = Readonly<Record<string, unknown>>;

/** The secret octets behind the JSON, which names them by their number. */
export type Blobs = readonly Buffer[];

export function asFields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('Not an object.');
  return value as Fields;
}

export function asList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('Not a list.');
  return value;
}

export function asText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('Not a text.');
  return value;
}

export function asNumber(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('Not a number.');
  return value;
}

export function asBoolean(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new TypeError('Neither true nor false.');
  return value;
}

export function asDate(value: unknown): Date {
  const date = new Date(asText(value));
  if (Number.isNaN(date.getTime())) throw new TypeError('Not a date.');
  return date;
}

/** One of a list of words. */
export function asOneOf<Word extends string>(words: readonly Word[], value: unknown): Word {
  const found = words.find((word) => word === value);
  if (found === undefined) throw new TypeError('A word that is not known.');
  return found;
}

/** A copy of the octets that a number stands for; of this size, where one is given. */
export function asOctets(value: unknown, blobs: Blobs, size?: number): Buffer {
  const octets = blobs[asNumber(value)];
  if (octets === undefined || (size !== undefined && octets.length !== size)) throw new TypeError('Not those octets.');
  return Buffer.from(octets);
}

/** A member that may be missing, as a part of an object to spread. */
export function optional<Name extends string, Value>(
  name: Name,
  value: unknown,
  read: (value: unknown) => Value,
): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: read(value) } as Record<Name, Value>);
}
