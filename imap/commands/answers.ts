import type { Fetched } from '../messages/provider.js';
import type { Context } from '../pipe/context.js';
import type { ViewContent } from '../view/answer.js';
import { ViewError } from '../view/error.js';
import type { ViewRecord } from '../view/record.js';
import type { FetchCommand, FetchItem } from '../wire/fetchcommand.js';
import { requestKey } from '../wire/itemname.js';
import { viewFailure } from './fetchfailure.js';
import { type Response, relayed, respond, respondAtOnce, writeResponse } from './respond.js';

type Wait = Promise<void> | undefined;

/**
 * How a response gets to the client: `within` the response of the provider that tells of the message, which has the way to the client; on a way that
 * is `reserved`; or on one of its `own`.
 */
type Way = 'within' | 'reserved' | 'own';

/** What answers for a message. */
export interface View {
  readonly record: ViewRecord;
  readonly content: ViewContent;
}

/** What the client is told in answer to a FETCH. */
export class Answers {
  readonly #context: Context;
  /** The client's, with all that its command implies. */
  readonly #items: readonly FetchItem[];
  readonly #byUID: boolean;
  /** What the provider says of flags without being asked, by UID, until the client is told. */
  readonly #changes = new Map<number, Fetched>();
  /** The first completion of a message that could not be answered. */
  failure: string | undefined;

  /** `items` are the client's, macros expanded. */
  constructor(context: Context, { uid }: FetchCommand, items: readonly FetchItem[]) {
    this.#context = context;
    this.#items = uid ? withUID(items) : items;
    this.#byUID = uid;
  }

  /** Notes what the provider says of flags besides an answer. It is told along with the answer: some clients read only the first response. */
  changed(message: Fetched): void {
    this.#changes.set(message.uid, message);
  }

  /** Answers for a message from its view and from what the provider said of it. */
  show(message: Fetched, view: View, way: Way = 'within'): Wait {
    const ready = respondAtOnce(this.#items, message, view.record, this.#changesOf(message));
    return ready !== undefined && way !== 'own' ? this.#write(message, ready, way) : this.#show(message, view, way);
  }

  async #show(message: Fetched, { record, content }: View, way: Way): Promise<void> {
    const { toClient } = this.#context;
    try {
      const response = await respond(this.#items, message, record, content, this.#changesOf(message));
      if (way === 'own') await this.#context.reserveClient();
      await this.#write(message, response, way);
      if (way !== 'own') return;
      toClient.release();
      toClient.flush();
    } catch (error) {
      if (!(error instanceof ViewError)) throw error;
      this.failure ??= viewFailure(error);
    }
  }

  /** Answers, within its response, with what the provider said. False where that lacks something. */
  relay(message: Fetched): Wait | false {
    const response = relayed(this.#items, message, this.#changesOf(message));
    return response === undefined ? false : this.#write(message, response, 'within');
  }

  /** Tells of changes to messages that were not answered. */
  async tellChanges(): Promise<void> {
    if (this.#changes.size === 0) return;
    await this.#context.reserveClient();
    for (const message of this.#changes.values()) {
      const { uid, items } = message;
      const data = this.#byUID ? [{ kind: 'uid' as const, uid }, ...items] : items;
      await this.#write(message, { data, streams: [] }, 'reserved');
    }
    this.#context.toClient.release();
  }

  #changesOf({ uid }: Fetched): Fetched['items'] {
    return this.#changes.get(uid)?.items ?? [];
  }

  #write({ number, uid }: Fetched, response: Response, way: Way): Wait {
    const { toClient } = this.#context;
    this.#changes.delete(uid);
    return writeResponse(this.#context, number, response, (bytes) => {
      if (way === 'within') toClient.add(bytes);
      else toClient.put(bytes);
    });
  }
}

/** UID FETCH asks for the UID (RFC 9051 §6.4.9). */
function withUID(items: readonly FetchItem[]): readonly FetchItem[] {
  return items.some((item) => requestKey(item) === 'UID') ? items : [{ kind: 'plain', name: 'UID' }, ...items];
}
