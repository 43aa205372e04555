import { VIEW_LIMITS } from './limits.js';

/** How many elements of lists one text may still have. */
export class Allowance {
  #left: number = VIEW_LIMITS.elements;

  /** Whether one more may be taken, which is counted. */
  take(): boolean {
    this.#left--;
    return this.#left >= 0;
  }
}
