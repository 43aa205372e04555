/** imap/append: what APPEND needs beside its handler (imap/commands/append.ts). This file: a message as it comes from the client. */
import { type ByteStream, type Source, slices } from '#lib/bytes/source';
import { BUFFER_LIMIT, spoolStream } from '#lib/bytes/spool';
import type { SealedMessage } from '#lib/message/seal';
import type { Account } from '../account.js';
import type { Shown } from '../messages/shown.js';
import { summarise } from '../messages/summarise.js';
import type { Commands } from '../pipe/commands.js';
import { Learning } from './learning.js';

/** A message in its stored form, which can be streamed while the client still sends it. */
export interface IncomingSealed {
  readonly sealed: SealedMessage;
  /** What has been learnt of a large message when all of it has been streamed; undefined where nothing is. */
  readonly learnt?: () => Promise<Shown>;
  /** Overwrites what was held of the message, and lets go of it. */
  readonly close: () => Promise<void>;
}

/** More of the message has to be seen than is at hand. */
class NotAtHand extends Error {
  override readonly name = 'NotAtHand';
}

/** The octets of the literal that comes next from the client, to its end. */
export async function* literalOctets(commands: Commands): AsyncGenerator<Buffer, void> {
  for (let last = false; !last;) {
    const fragment = await commands.rest();
    if (fragment.kind !== 'literal') throw new Error('A literal was to come.');
    yield fragment.bytes;
    ({ last } = fragment);
  }
}

/**
 * Takes a message of so many octets from the client and brings it into its stored form. Up to BUFFER_LIMIT it is held; of a larger one
 * the beginning is, and the rest comes while the sealed message is streamed. Where the beginning does not tell whether the message
 * is encrypted already, all of it waits in a spool. Rejects as `seal` does, and when the client is gone.
 */
export async function sealIncoming(size: number, commands: Commands, seal: Account['seal']): Promise<IncomingSealed> {
  const octets = literalOctets(commands);
  const head = Buffer.allocUnsafeSlow(Math.min(size, BUFFER_LIMIT));
  let more: Buffer = Buffer.alloc(0);
  for (let at = 0; at < head.length;) {
    const next = await octets.next();
    if (next.done === true) throw new Error('A literal ended early.');
    const copied = next.value.copy(head, at);
    more = next.value.subarray(copied);
    at += copied;
  }
  const rest = (): ByteStream => followed(more, octets);
  try {
    return await sealed(size, head, rest, seal);
  } catch (error) {
    head.fill(0);
    throw error;
  }
}

async function sealed(
  size: number,
  head: Buffer,
  rest: () => ByteStream,
  seal: Account['seal'],
): Promise<IncomingSealed> {
  const incoming = new IncomingSource(size, head, rest);
  try {
    const isLarge = size > BUFFER_LIMIT;
    const record = isLarge ? undefined : await summarise(head);
    const message = await seal(incoming, { record });
    const learning = isLarge && (await Learning.suits(head)) ? new Learning() : undefined;
    incoming.flow(learning);
    const close = (): Promise<void> => {
      // What is kept goes out as it lies here, when there is room.
      if (!message.kept) head.fill(0);
      return Promise.resolve();
    };
    const { sessionKey } = message;
    if (learning === undefined || sessionKey === undefined) return { sealed: message, close };
    const stream = (): ByteStream =>
      told(message.stream(), (octets) => {
        learning.stored(octets);
      });
    return { sealed: { ...message, stream }, learnt: () => learning.end(sessionKey), close };
  } catch (error) {
    if (!(error instanceof NotAtHand)) throw error;
  }
  const spooled = await spoolStream(followed(head, rest()));
  head.fill(0);
  const close = (): Promise<void> => spooled.close();
  try {
    return { sealed: await seal(spooled), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The beginning can be read any number of times, and the rest once, behind it, when it may flow. */
class IncomingSource implements Source {
  readonly size: number;
  readonly #head: Buffer;
  readonly #rest: () => ByteStream;
  #flows = false;
  #learning: Learning | undefined;

  constructor(size: number, head: Buffer, rest: () => ByteStream) {
    this.size = size;
    this.#head = head;
    this.#rest = rest;
  }

  async *stream(start = 0, end = this.size): AsyncGenerator<Buffer, void> {
    const learning = this.#learning;
    for await (const octets of this.#read(start, end)) {
      learning?.message(octets);
      yield octets;
    }
  }

  async *#read(start: number, end: number): AsyncGenerator<Buffer, void> {
    yield* slices(this.#head.subarray(start, end));
    if (end <= this.#head.length) return;
    if (!this.#flows) throw new NotAtHand('The rest of the message has not come.');
    yield* this.#rest();
  }

  /** The rest may be asked for, from the beginning and once. `learning` is told of what is read from now on. */
  flow(learning: Learning | undefined): void {
    this.#flows = true;
    this.#learning = learning;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function* told(stream: ByteStream, tell: (octets: Buffer) => void): AsyncGenerator<Buffer, void> {
  for await (const octets of stream) {
    tell(octets);
    yield octets;
  }
}

async function* followed(first: Buffer, then: ByteStream): AsyncGenerator<Buffer, void> {
  if (first.length > 0) yield first;
  yield* then;
}
