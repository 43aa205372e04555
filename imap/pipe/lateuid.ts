import { WireError } from '../wire/error.js';
import { readFetchData } from '../wire/fetchdata.js';
import { FetchReader } from '../wire/fetchreader.js';
import type { Fragment } from '../wire/framer.js';

/** Looks for the UID of a FETCH response where its first line does not have it: behind a literal, or in another piece of a long line. */
export class LateUID {
  /** Undefined when there is nothing more to look for. */
  #reader: FetchReader | undefined = new FetchReader();

  /** Takes the next fragment, from the first on. Returns the UID behind the one that completes it. */
  take(fragment: Fragment): number | undefined {
    // The octets of literals are of no interest.
    if (this.#reader === undefined || fragment.kind !== 'line') return undefined;
    try {
      const item = this.#reader.push(fragment)?.items.find(({ name }) => name === 'UID');
      if (item === undefined) return undefined;
      this.#reader = undefined;
      const data = readFetchData(item);
      return data.kind === 'uid' ? data.uid : undefined;
    } catch (error) {
      // The client judges what is malformed.
      if (!(error instanceof WireError)) throw error;
      this.#reader = undefined;
      return undefined;
    }
  }
}
