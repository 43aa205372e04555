import type { Source } from '#lib/bytes/source';
import type { FetchItem } from '../wire/fetchcommand.js';
import { readFetchValue } from '../wire/fetchdata.js';
import type { Section } from '../wire/section.js';
import type { Located } from './located.js';
import type { Fetched, OwnFetch, Provider } from './provider.js';

/** A message at the provider, and how it is asked for. */
export interface Target extends Located {
  /** By its UID. See OwnFetch. */
  readonly byUID: boolean;
}

/** The provider did not give what it has announced: nothing of it can be shown. The message is for the client. */
export class ContentError extends Error {
  override readonly name = 'ContentError';
}

const WHOLE: Section = { part: [], text: undefined, fields: [] };
/** `BODY.PEEK[]`, or `BODY[]`, which sets \Seen. */
export function wholeItem(peek: boolean): FetchItem {
  return { kind: 'body', peek, section: WHOLE, partial: undefined };
}

/** Octets of the first blocks that are asked for, and of all later ones. One is held while the next is on its way. */
const BLOCKS = [128 * 1024, 256 * 1024] as const;
const BLOCK = 1024 * 1024;
/**
 * Octets at the beginning and at the end that are kept, because they are looked at several times before a message is opened. The beginning has
 * the header and the first chunk of 64 KiB, encoded, and what is read ahead with it.
 */
const HEAD = 128 * 1024;
const TAIL = 8 * 1024;

/**
 * The stored form of a message as a source: each range is asked for in blocks. Reading rejects with ContentError where the provider gives
 * less than it said. `size` is RFC822.SIZE as the provider tells it, which some providers only estimate: who reads must not rely on it.
 */
export class StoredMessage implements Source {
  readonly size: number;
  readonly #provider: Provider;
  #target: Target;
  #head: Promise<Buffer> | undefined;
  #tail: Promise<Buffer> | undefined;

  /** `tail` is what `tail()` gave before, where that is known. */
  constructor(provider: Provider, target: Target, size: number, tail?: Buffer) {
    this.#provider = provider;
    this.#target = target;
    this.size = size;
    if (tail?.length === size - this.#tailStart) this.#tail = Promise.resolve(tail);
  }

  /** How it is asked for from now on: its number may have changed, and the client's command decides whether EXPUNGE may come. */
  aim(target: Target): void {
    this.#target = target;
  }

  async *stream(start = 0, end = this.size): AsyncGenerator<Buffer, void> {
    let at = start;
    const to = Math.min(end, this.size);
    if (at < HEAD && at < to) {
      const head = await (this.#head ??= this.#block(0, Math.min(HEAD, this.size)));
      const piece = head.subarray(at, Math.min(to, HEAD));
      at += piece.length;
      yield Buffer.from(piece);
    }
    const tailStart = this.#tailStart;
    if (at >= tailStart && at < to) {
      yield Buffer.from((await this.tail()).subarray(at - tailStart, to - tailStart));
      return;
    }
    yield* this.#blocks(at, to);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The end of it, to be remembered. */
  tail(): Promise<Buffer> {
    return (this.#tail ??= this.#block(this.#tailStart, this.size));
  }

  get #tailStart(): number {
    return Math.max(HEAD, this.size - TAIL);
  }

  /** Hands the whole message to `take` as it comes, in one command. Its size is what comes. */
  async download(take: (octets: Buffer) => Promise<void> | undefined): Promise<void> {
    let came = 0;
    const answer = await this.#provider.fetch({
      ...this.#asked,
      items: [wholeItem(true)],
      stream: take,
      take: (message) => {
        this.#check(message);
        came += 1;
        if (came > 1) throw new ContentError('The mail provider gave the message twice. Try again.');
        const { items } = message;
        // A short message may come as a string.
        const [data] = items.filter(({ section }) => section !== undefined).map(readFetchValue);
        const bytes = data?.kind === 'body' ? data.content?.bytes : undefined;
        return bytes === undefined ? undefined : take(bytes);
      },
    });
    if (came === 0) throw missing(answer.completion);
  }

  /** In a long run the next block is asked for before the one at hand is used up. Those who look for little must not pay for more. */
  async *#blocks(start: number, end: number): AsyncGenerator<Buffer, void> {
    let count = 0;
    let at = start;
    const next = (): Promise<Buffer> | undefined => {
      if (at >= end) return undefined;
      const from = at;
      at = Math.min(end, from + (BLOCKS[count++] ?? BLOCK));
      const block = this.#block(from, at);
      // It is met where it is awaited; until then it counts as handled.
      block.catch(() => undefined);
      return block;
    };
    for (let block = next(); block !== undefined;) {
      const octets = await block;
      block = count > BLOCKS.length ? next() : undefined;
      yield octets;
      block ??= next();
    }
  }

  async #block(start: number, end: number): Promise<Buffer> {
    let octets: Buffer | undefined;
    const partial = { offset: start, count: end - start };
    const answer = await this.#provider.fetch({
      ...this.#asked,
      items: [{ kind: 'body', peek: true, section: WHOLE, partial }],
      take: (message) => {
        this.#check(message);
        const { items } = message;
        const [data] = items.filter(({ section }) => section !== undefined).map(readFetchValue);
        if (data?.kind === 'body') octets = data.content?.bytes ?? Buffer.alloc(0);
        return undefined;
      },
    });
    if (octets === undefined) throw missing(answer.completion);
    if (octets.length !== end - start) {
      throw new ContentError('The mail provider gave less of the message than it has announced. Try again.');
    }
    return octets;
  }

  get #asked(): Pick<OwnFetch, 'uid' | 'set' | 'has'> {
    const { byUID, uid, number } = this.#target;
    return { uid: byUID, set: String(byUID ? uid : number), has: (message) => message.uid === uid };
  }

  /** A number may mean another message than it did, at a provider that deletes where it must not. */
  #check({ uid }: Fetched): void {
    if (uid !== this.#target.uid) throw new ContentError('The mail provider gave another message. Try again.');
  }
}

function missing(completion: string): ContentError {
  return new ContentError(
    completion === 'OK'
      ? 'The message is gone from the mail provider.'
      : 'The mail provider refuses to give the message. Try again.',
  );
}
