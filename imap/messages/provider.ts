import type { FetchItem } from '../wire/fetchcommand.js';
import type { RawItem } from '../wire/fetchreader.js';
import type { Located } from './located.js';

/** Undefined, the usual case, costs no turn of the event loop. */
type Wait = Promise<void> | undefined;

/** The provider's side of a session, as far as messages are read from it. */
export interface Provider {
  /**
   * Sends a FETCH of ours and takes what belongs to it: responses with all items that were asked for. Rejects with what `take` and
   * `stream` throw, after the provider's answer.
   */
  fetch(fetch: OwnFetch): Promise<FetchAnswer>;
}

export interface OwnFetch {
  /** UID FETCH: `set` is of UIDs. Only while the client's own command is one too, because EXPUNGE may come with it. */
  readonly uid: boolean;
  readonly set: string;
  /** `UID` is asked for besides. */
  readonly items: readonly FetchItem[];
  /** Whether the set has this message. */
  readonly has: (message: Located) => boolean;
  /** In parentheses behind the items. */
  readonly modifiers?: string;
  /** Takes each message; the next response is not read before that is done. */
  readonly take: (message: Fetched) => Wait;
  /** Takes what a response says of flags besides, before `take`. Without this the client is told at once. */
  readonly changed?: (message: Fetched) => void;
  /** Takes the octets of `BODY[]`, or of a range of it, if that is asked for, as they come. */
  readonly stream?: (octets: Buffer) => Wait;
}

/** A message as the answer to a FETCH of ours tells it. All octets are at hand, but for a content that was streamed. */
export interface Fetched extends Located {
  readonly items: readonly RawItem[];
}

/** How a FETCH of ours ended. */
export interface FetchAnswer {
  readonly completion: 'OK' | 'NO' | 'BAD';
  /** The tagged response. */
  readonly line: Buffer;
}
