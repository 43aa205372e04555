import { WireError } from './error.js';
import { LIMITS } from './limits.js';
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

/** A message number or UID, from 1 to 2^32 - 1, or `*`, the largest in use. */
export type SequenceNumber = number | '*';

/** `7`, without `last`, or `7:9`, whose ends may stand in any order (RFC 9051 §9, `seq-range`). */
export interface SequenceRange {
  readonly first: SequenceNumber;
  readonly last?: SequenceNumber | undefined;
}

/** As it is spelled. `$` is the saved result of a search (RFC 5182 §2.1). */
export type SequenceSet = readonly SequenceRange[] | '$';

/** From the smaller to the larger number. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** Throws WireError. */
export function readSequenceSet(reader: Reader): SequenceSet {
  if (reader.take('$')) return '$';
  const ranges: SequenceRange[] = [];
  do {
    const first = readSequenceNumber(reader);
    ranges.push(reader.take(':') ? { first, last: readSequenceNumber(reader) } : { first });
  } while (reader.take(','));
  return ranges;
}

function readSequenceNumber(reader: Reader): SequenceNumber {
  return reader.take('*') ? '*' : reader.positive('a message number, UID or "*"');
}

/** Throws WireError (`unwritable`) for an empty set and for numbers out of range. */
export function writeSequenceSet(writer: Writer, set: SequenceSet): void {
  if (set === '$') {
    writer.syntax('$');
    return;
  }
  if (set.length === 0) throw new WireError('unwritable', 'A set of no messages cannot be written.');
  const pieces = set.map(({ first, last }) => (last === undefined ? spell(first) : `${spell(first)}:${spell(last)}`));
  writer.syntax(pieces.join(','));
}

function spell(number: SequenceNumber): string {
  if (number === '*') return number;
  if (Number.isInteger(number) && number >= 1 && number <= 0xffff_ffff) return number.toString();
  throw new WireError('unwritable', 'A message number or UID is from 1 to 2^32 - 1.');
}

/**
 * The set in order, without overlaps, neighbours joined. `largest` is what `*` stands for; 0 where there is no message, and then
 * `*` alone stands for none.
 */
export function normalise(set: readonly SequenceRange[], largest: number): readonly NumberRange[] {
  const ranges: NumberRange[] = [];
  for (const { first, last = first } of set) {
    const a = first === '*' ? largest : first;
    const b = last === '*' ? largest : last;
    if (Math.max(a, b) > 0) ranges.push({ first: Math.max(1, Math.min(a, b)), last: Math.max(a, b) });
  }
  ranges.sort((a, b) => a.first - b.first);
  const joined: NumberRange[] = [];
  for (const range of ranges) {
    const before = joined.at(-1);
    if (before === undefined || range.first > before.last + 1) joined.push(range);
    else if (range.last > before.last) joined[joined.length - 1] = { first: before.first, last: range.last };
  }
  return joined;
}

/** Whether the set has a number. `largest` is what `*` stands for. */
export function contains(set: readonly SequenceRange[], number: number, largest: number): boolean {
  return set.some(({ first, last = first }) => {
    const a = first === '*' ? largest : first;
    const b = last === '*' ? largest : last;
    return number >= Math.min(a, b) && number <= Math.max(a, b);
  });
}

/** The numbers of a set, each once and in order. Throws WireError (`limit`) before the first where they are too many. */
export function* numbersOf(
  set: readonly SequenceRange[],
  largest: number,
  limit: number = LIMITS.sequenceNumbers,
): Generator<number> {
  const ranges = normalise(set, largest);
  const count = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (count > limit) throw new WireError('limit', `A set has more than ${limit} messages.`);
  for (const { first, last } of ranges) for (let number = first; number <= last; number++) yield number;
}

/** The shortest set of numbers, in order. The numbers come in order, from 1 to 2^32 - 1. */
export function setOf(numbers: Iterable<number>): readonly SequenceRange[] {
  const set: { first: number; last?: number }[] = [];
  let open: { first: number; last?: number } | undefined;
  for (const number of numbers) {
    if (open !== undefined && number === (open.last ?? open.first) + 1) open.last = number;
    else set.push((open = { first: number }));
  }
  return set;
}
