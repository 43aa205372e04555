import fc from 'fast-check';

/** Records like those that are read: with the prototype of an object. */
export function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true });
}

/** One of some words, with its own type. */
export function word<const T extends string>(...words: readonly T[]): fc.Arbitrary<T> {
  return fc.constantFrom(...words);
}

/** Octets of a string: any but NUL. */
export const string: fc.Arbitrary<Buffer> = fc
  .uint8Array({ maxLength: 12 })
  .map((bytes) => Buffer.from(bytes.map((octet) => octet || 1)));

/** A string or NIL. */
export const nstring: fc.Arbitrary<Buffer | undefined> = fc.option(string, { nil: undefined });
