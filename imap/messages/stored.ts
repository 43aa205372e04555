import type { Source } from '#lib/bytes/source';
import type { FetchItem } from '../wire/fetchcommand.js';
import { readFetchValue } from '../wire/fetchdata.js';
import type { Section } from '../wire/section.js';
import type { Located } from './located.js';
import type { Fetched, OwnFetch, Provider } from './provider.js';
import { Passage } from './passage.js';
import { joined } from '../wire/part.js';

type Wait = Promise<void> | undefined;

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

/** Octets of the blocks that are asked for first, because who looks for little must not pay for more. Then all the rest is. */
const BLOCKS = [128 * 1024, 256 * 1024, 1024 * 1024] as const;
/**
 * Octets at the beginning and at the end that are kept, because they are looked at several times before a message is opened. The beginning has
 * the header and the first chunk of 64 KiB, encoded, and what is read ahead with it.
 */
const HEAD = 128 * 1024;
const TAIL = 8 * 1024;

/** Octets of a stored form of this size that `StoredMessage.tail` gives. */
export function tailSize(size: number): number {
  return size - Math.max(HEAD, size - TAIL);
}

/**
 * The stored form of a message as a source. Reading rejects with ContentError where the provider gives
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
    return this.size - tailSize(this.size);
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
        const bytes = stringOf(message);
        return bytes === undefined ? undefined : take(bytes);
      },
    });
    if (came === 0) throw missing(answer.completion);
  }

  async *#blocks(start: number, end: number): AsyncGenerator<Buffer, void> {
    let at = start;
    for (const size of BLOCKS) {
      if (at >= end) return;
      const block = await this.#block(at, Math.min(end, at + size));
      at += block.length;
      yield block;
    }
    if (at < end) yield* this.#run(at, end);
  }

  /** A range as it comes, in one command. */
  async *#run(start: number, end: number): AsyncGenerator<Buffer, void> {
    const passage = new Passage();
    this.#ask(start, end, (octets) => passage.put(octets)).then(
      () => {
        passage.end();
      },
      (error: unknown) => {
        passage.end(error instanceof Error ? error : new Error('Something else than an error was thrown.'));
      },
    );
    yield* passage.read();
  }

  async #block(start: number, end: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    await this.#ask(start, end, (octets) => {
      pieces.push(octets);
      return undefined;
    });
    return joined(pieces);
  }

  /** Asks for a range, and hands it to `take` as it comes. */
  async #ask(start: number, end: number, take: (octets: Buffer) => Wait): Promise<void> {
    const size = end - start;
    let left = size;
    let answers = 0;
    const counted = (octets: Buffer): Wait => {
      left -= octets.length;
      if (left < 0)
        throw new ContentError('The mail provider gave more of the message than it was asked for. Try again.');
      return take(octets);
    };
    const answer = await this.#provider.fetch({
      ...this.#asked,
      items: [{ kind: 'body', peek: true, section: WHOLE, partial: { offset: start, count: size } }],
      stream: counted,
      take: (message) => {
        this.#check(message);
        answers += 1;
        const bytes = stringOf(message);
        return bytes === undefined ? undefined : counted(bytes);
      },
    });
    if (answers === 0) throw missing(answer.completion);
    if (left > 0) {
      throw new ContentError('The mail provider gave less of the message than it has announced. Try again.');
    }
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

/** The content, where it came as a string and not as a literal: it may, if it is short. */
function stringOf({ items }: Fetched): Buffer | undefined {
  const [data] = items.filter(({ section }) => section !== undefined).map(readFetchValue);
  return data?.kind === 'body' ? data.content?.bytes : undefined;
}

function missing(completion: string): ContentError {
  return new ContentError(
    completion === 'OK'
      ? 'The message is gone from the mail provider.'
      : 'The mail provider refuses to give the message. Try again.',
  );
}
