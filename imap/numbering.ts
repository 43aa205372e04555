import type { NumberRange } from './wire/sequenceset.js';

const MAX_UID = 0xffff_ffff;

/** Places (number - 1) around some whose UIDs are not known: of a message whose UID is, or before the first or behind the last message. */
interface Run {
  readonly from: number;
  readonly to: number;
}

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
  /** Found last, for the UIDs of a mailbox are told one after another. */
  #run: Run | undefined;

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
    this.#run = undefined;
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
    if (number < 1 || number > this.#count || uid < 1 || uid > MAX_UID) return false;
    const uids = (this.#uids ??= new Uint32Array(this.#count + ROOM));
    const at = number - 1;
    const known = uids[at];
    if (known === uid) return true;
    const run = this.#runAround(at, uids);
    const lower = uids[run.from] ?? 0;
    const upper = run.to < this.#count ? (uids[run.to] ?? 0) : MAX_UID + 1;
    // Each message between has a UID of its own.
    if (known !== 0 || uid - lower < at - run.from || upper - uid < run.to - at) {
      this.forget();
      return false;
    }
    uids[at] = uid;
    // The longer part is more likely to be told next.
    this.#run = at - run.from > run.to - at ? { from: run.from, to: at } : { from: at, to: run.to };
    return true;
  }

  /** Forgets which UIDs the messages have. */
  forget(): void {
    this.#uids = undefined;
    this.#run = undefined;
  }

  #runAround(at: number, uids: Uint32Array): Run {
    const run = this.#run;
    if (run !== undefined && run.from < at && at < run.to) return run;
    let from = at - 1;
    while (from >= 0 && uids[from] === 0) from -= 1;
    let to = at + 1;
    while (to < this.#count && uids[to] === 0) to += 1;
    return { from, to };
  }

  #setCount(count: number): void {
    this.#uids?.fill(0, count, this.#count);
    this.#count = count;
    this.#run = undefined;
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
