import type { Part } from './part.js';

/**
 * The octets that a value was read from, so that it is written as it was spelled. They belong to the object itself: a copy with a
 * change in it (`{ ...value, uid: true }`) has none, and can never be written as what it is no longer. What is in it and has not changed keeps its own.
 */
const originals = new WeakMap<object, readonly Part[]>();

/** Notes what a value was read from. Returns the value. */
export function remember<T extends object>(value: T, parts: readonly Part[]): T {
  originals.set(value, parts);
  return value;
}

/** What a value was read from, or undefined for one that was made. */
export function originalOf(value: object): readonly Part[] | undefined {
  return originals.get(value);
}
