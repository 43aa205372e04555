import type { FetchItem } from '../wire/fetchcommand.js';
import { type Located, setsOf } from './located.js';
import type { Fetched, Provider } from './provider.js';

/** Asks the provider about messages. */
export class Asking {
  readonly provider: Provider;
  /** With UIDs, because the client's own command has them. */
  readonly uid: boolean;
  /** The last completion that was OK, and the first that was not. */
  success: string | undefined;
  failure: string | undefined;

  constructor(provider: Provider, uid: boolean) {
    this.provider = provider;
    this.uid = uid;
  }

  /**
   * Asks for items of messages, which come in the provider's order. Resolves to those of which nothing came. `take` and `changed` are as
   * with OwnFetch.
   */
  async fetch(
    located: readonly Located[],
    items: readonly FetchItem[],
    take: (message: Fetched) => Promise<void> | undefined,
    changed?: (message: Fetched) => void,
  ): Promise<readonly Located[]> {
    const left = new Map(located.map((message) => [message.uid, message]));
    for (const set of setsOf(located, this.uid)) {
      const { completion, line } = await this.provider.fetch({
        uid: this.uid,
        set,
        // Once it has come, what is said of it besides is for the client.
        has: ({ uid }) => left.has(uid),
        items,
        take: (message) => {
          left.delete(message.uid);
          return take(message);
        },
        ...(changed && { changed }),
      });
      if (completion === 'OK') this.success = textOf(line);
      else this.failure ??= textOf(line);
    }
    return [...left.values()];
  }
}

/** What follows the tag in a tagged response. */
export function textOf(line: Buffer): string {
  const text = line.toString('latin1').trimEnd();
  return text.slice(text.indexOf(' ') + 1);
}
