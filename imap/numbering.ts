import type { NumberRange } from './wire/sequenceset.js';

/** Room for how many more messages is made at least. */
const ROOM = 256;

/**
 * The message numbers of the selected mailbox, and which UID each stands for, as far as responses have told. UIDs ascend strictly
 * with the numbers (RFC 9051 §2.3.1.1). A message whose UID has not been told is known by its number alone.
 */
export class Numbering {
  /** UIDs by number - 1; 0 where it is not known. Made when the first UID is told: many sessions never see one. */
  #uids: Uint32Array | undefined;
  #count = 0;

  /** How many messages there are. */
  get count(): number {
    return this.#count;
  }

  /** The UID of a message, or undefined where it is not known. */
  uid(number: number): number | undefined {
    const uid = number >= 1 && number <= this.#count ? this.#uids?.[number - 1] : undefined;
    return uid === 0 ? undefined : uid;
  }

  /** The number of a message, or undefined where no message is known to have this UID. */
  number(uid: number): number | undefined {
    const at = uid > 0 ? (this.#uids?.subarray(0, this.#count).indexOf(uid) ?? -1) : -1;
    return at < 0 ? undefined : at + 1;
  }

  /** `* count EXISTS`. False where it is less than before, against RFC 9051 §7.4.1; then nothing is known any more. */
  exists(count: number): boolean {
    const grows = count >= this.#count;
    if (!grows) this.#uids = undefined;
    this.#count = count;
    const uids = this.#uids;
    if (uids !== undefined && uids.length < count) {
      this.#uids = new Uint32Array(Math.max(count + ROOM, uids.length * 2));
      this.#uids.set(uids);
    }
    return grows;
  }

  /** `* number EXPUNGE`: what comes after it has lower numbers from here on. False where there is no such message. */
  expunge(number: number): boolean {
    if (number < 1 || number > this.#count) return false;
    this.#uids?.copyWithin(number - 1, number, this.#count);
    this.#setCount(this.#count - 1);
    return true;
  }

  /**
   * `* VANISHED uids`, without EARLIER (RFC 7162 §3.2.10). A message whose UID is not known lies between two that are, and as many of those
   * go as UIDs between the two have vanished. The ranges are in order and do not overlap. Returns how many messages went.
   */
  vanish(ranges: readonly NumberRange[]): number {
    const before = this.#count;
    const uids = this.#uids;
    if (uids === undefined) {
      this.#count -= Math.min(before, countBetween(ranges, 0, Infinity));
      return before - this.#count;
    }
    let kept = 0;
    let unknown = 0;
    let lower = 0;
    // One more than there are: the end closes the last run of unknown ones.
    for (let at = 0; at <= before; at++) {
      const uid = at < before ? (uids[at] ?? 0) : Infinity;
      if (uid === 0) {
        unknown += 1;
        continue;
      }
      const staying = unknown - Math.min(unknown, countBetween(ranges, lower, uid));
      uids.fill(0, kept, kept + staying);
      kept += staying;
      unknown = 0;
      lower = uid;
      if (at < before && countBetween(ranges, uid - 1, uid + 1) === 0) uids[kept++] = uid;
    }
    this.#setCount(kept);
    return before - kept;
  }

  /**
   * `* number FETCH (UID uid)`. False where that cannot be, since it contradicts what was told before: a change was missed, and
   * nothing is known any more.
   */
  learn(number: number, uid: number): boolean {
    if (number < 1 || number > this.#count || uid < 1 || uid > 0xffffffff) return false;
    const uids = (this.#uids ??= new Uint32Array(this.#count + ROOM));
    const at = number - 1;
    const known = uids[at];
    if (known === uid) return true;
    const previous = at > 0 ? (uids[at - 1] ?? 0) : 0;
    const next = (at + 1 < this.#count ? uids[at + 1] : 0) ?? 0;
    if (known === 0 && previous < uid && (next === 0 || uid < next)) {
      uids[at] = uid;
      return true;
    }
    uids.fill(0);
    return false;
  }

  /** Forgets all: another mailbox, or none. */
  clear(): void {
    this.#uids = undefined;
    this.#count = 0;
  }

  #setCount(count: number): void {
    this.#uids?.fill(0, count, this.#count);
    this.#count = count;
  }
}

/** How many of the UIDs lie strictly between the two. */
function countBetween(ranges: readonly NumberRange[], lower: number, upper: number): number {
  // The first range that reaches above `lower`.
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.last ?? Infinity) <= lower) low = middle + 1;
    else high = middle;
  }
  let count = 0;
  for (let at = low; at < ranges.length; at++) {
    const { first, last } = ranges[at] ?? { first: Infinity, last: Infinity };
    if (first >= upper) break;
    count += Math.min(last, upper - 1) - Math.max(first, lower + 1) + 1;
  }
  return count;
}
