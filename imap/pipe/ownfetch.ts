import { commandRow } from '../commands/table.js';
import type { Fetched, OwnFetch, Provider } from '../messages/provider.js';
import { WireError } from '../wire/error.js';
import { type FetchItem, writeFetchItem } from '../wire/fetchcommand.js';
import { readFetchValue, writeFetchResponse } from '../wire/fetchdata.js';
import { FetchReader, type RawItem } from '../wire/fetchreader.js';
import type { Fragment, LineFragment, LiteralFragment } from '../wire/framer.js';
import { type ItemName, requestKey } from '../wire/itemname.js';
import { isLiteral, joinParts, joined, type Part } from '../wire/part.js';
import { Writer } from '../wire/writer.js';
import type { Context } from './context.js';
import { PIPE_LIMITS } from './limits.js';
import type { Answer, OwnCommands } from './own.js';
import type { Sink, Wait } from './queue.js';
import { ProviderViolation } from './violation.js';

/** A FETCH of ours that has not been answered. */
interface Outstanding {
  /** What each of its responses has. */
  readonly wanted: readonly string[];
  readonly fetch: OwnFetch;
  readonly guarded: (action: () => Wait) => Promise<void>;
}

/**
 * The provider for who reads messages. A provider may work on several of our commands at once and mix their responses (RFC 9051 §5.5), so
 * that each response is matched with what was asked for, and one FETCH is sent after the other is answered: two of them may ask for the
 * same item. What does not belong to an answer passes to the client.
 */
export function providerOf(own: OwnCommands, context: Context): Provider {
  const outstanding: Outstanding[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const send = async (asked: OwnFetch): Promise<Answer> => {
    const { uid, set, items, modifiers } = asked;
    const name = uid ? 'UID FETCH' : 'FETCH';
    const tail = modifiers === undefined ? '' : ` (${modifiers})`;
    const command = `${name} ${set} (${['UID', ...items.map(spelled)].join(' ')})${tail}`;
    let failure: Error | undefined;
    const guarded = async (action: () => Wait): Promise<void> => {
      if (failure !== undefined) return;
      try {
        await action();
      } catch (error) {
        if (error instanceof WireError) failure = unreadable();
        else failure = error instanceof Error ? error : new Error('Something else than an error was thrown.');
      }
    };
    const entry = { wanted: items.map(requestKey), fetch: asked, guarded };
    outstanding.push(entry);
    try {
      const answer = await own.ask(command, commandRow(name), (line) =>
        isFetch(line) ? (locatedSink(context, outstanding, line) ?? responseSink(context, outstanding)) : undefined,
      );
      if (failure !== undefined) throw failure;
      return answer;
    } finally {
      outstanding.splice(outstanding.indexOf(entry), 1);
    }
  };
  return {
    fetch: (asked) => {
      const answer = last.then(() => send(asked));
      last = answer.catch(() => undefined);
      return answer;
    },
  };
}

function spelled(item: FetchItem): string {
  const writer = new Writer();
  writeFetchItem(writer, item);
  return joinParts(writer.parts).toString('latin1');
}

const isFetch = ({ bytes }: LineFragment): boolean => /^\* [0-9]+ FETCH /i.test(bytes.toString('latin1', 0, 32));

/** A response of which there are thousands when it is asked which messages there are. */
const LOCATED = /^\* ([1-9][0-9]{0,8}) FETCH \(UID ([1-9][0-9]{0,8})\)\r\n$/i;
const LOCATED_OCTETS = 40;

/** The short way for a response that has a UID and nothing else, where that was asked for. */
function locatedSink(context: Context, outstanding: readonly Outstanding[], { bytes }: LineFragment): Sink | undefined {
  const owner = outstanding.find(({ wanted }) => wanted.length === 0);
  if (owner === undefined || bytes.length > LOCATED_OCTETS) return undefined;
  const [, number, uid] = LOCATED.exec(bytes.toString('latin1')) ?? [];
  if (uid === undefined) return undefined;
  const message = { number: Number(number), uid: Number(uid), items: [] };
  if (!owner.fetch.has(message)) return undefined;
  return () => {
    context.selected.numbering.learn(message.number, message.uid);
    return owner.guarded(() => owner.fetch.take(message));
  };
}

/** Gathers one FETCH response, and gives it to whom it belongs. */
function responseSink(context: Context, outstanding: readonly Outstanding[]): Sink {
  const streaming = outstanding.find(({ fetch }) => fetch.stream !== undefined);
  const response = new GatheredFetch(streaming !== undefined);
  return (fragment) => {
    const streamed = pushed(context, response, fragment);
    if (streamed !== undefined) return streaming?.guarded(() => streaming.fetch.stream?.(streamed));
    if (fragment.kind !== 'line' || !fragment.last || response.isSkipped) return undefined;
    const { number, uid, items } = response;
    if (uid !== undefined) context.selected.numbering.learn(number, uid);
    const message = { number, uid: uid ?? 0, items };
    // A notice of a change looks like the answer to a question about flags. It is one if that was about this message.
    const isNotice = items.every(({ name }) => NOTICE.has(name));
    const owner = outstanding.find(
      ({ wanted, fetch }) =>
        wanted.every((key) => items.some((item) => item.key === key)) && (!isNotice || fetch.has(message)),
    );
    if (uid === undefined || owner === undefined) {
      response.pass(context);
      return undefined;
    }
    passFlags(context, owner, message);
    return owner.guarded(() => owner.fetch.take(message));
  };
}

/** What a provider tells of a message without being asked (RFC 9051 §7.5.2, RFC 7162 §3.2). */
const NOTICE: ReadonlySet<string> = new Set(['UID', 'FLAGS', 'MODSEQ']);

/** Passes on what a response says of flags although it was not asked for them: the client knows of no change otherwise. */
function passFlags(context: Context, { wanted, fetch }: Outstanding, message: Fetched): void {
  const { held, toClient } = context;
  if (wanted.includes('FLAGS') || !message.items.some(({ name }) => name === 'FLAGS')) return;
  const items = message.items.filter(({ name }) => NOTICE.has(name) && name !== 'UID' && !wanted.includes(name));
  if (fetch.changed !== undefined) {
    fetch.changed({ ...message, items });
    return;
  }
  const told = fetch.uid ? [{ kind: 'uid' as const, uid: message.uid }, ...items] : items;
  for (const part of writeFetchResponse(held.clientNumber(message.number), told))
    if (!isLiteral(part)) toClient.add(part);
}

/** Of a response that breaks the protocol the client has nothing yet, so that it can be told. */
function pushed(context: Context, response: GatheredFetch, fragment: Fragment): Buffer | undefined {
  try {
    return response.push(fragment);
  } catch (error) {
    context.midResponse = false;
    throw error;
  }
}

/** Takes a FETCH response apart and keeps all of it, of which the contents may be large. */
class GatheredFetch {
  readonly #reader = new FetchReader();
  readonly #streams: boolean;
  /** As it came. */
  readonly octets: Buffer[] = [];
  #size = 0;
  /** The pieces of the literal that is an item's value, where one is coming. */
  #value: Buffer[] | undefined;
  #isStreamed = false;
  #values: Buffer[] = [];
  readonly items: RawItem[] = [];
  number = 0;
  uid: number | undefined;
  /** It has more in it than is taken apart, an envelope with thousands of people for instance. Whoever asked gets no answer about this message. */
  isSkipped = false;

  constructor(streams: boolean) {
    this.#streams = streams;
  }

  /** Returns octets that are to be streamed. */
  push(fragment: Fragment): Buffer | undefined {
    if (this.isSkipped) return undefined;
    if (fragment.kind === 'overlong') throw unreadable();
    if (fragment.kind === 'literal' && this.#value !== undefined) return this.#content(fragment, this.#value);
    this.#hold(fragment.bytes);
    try {
      const step = this.#reader.push(fragment);
      if (step === undefined) return undefined;
      this.number = step.number;
      for (const item of step.items) this.#complete(item);
      if (step.next?.isValue === true) {
        this.#value = [];
        this.#isStreamed = this.#streams && isWhole(step.next.name);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      if (error.code !== 'limit') throw unreadable();
      this.isSkipped = true;
    }
    return undefined;
  }

  #content(fragment: LiteralFragment, pieces: Buffer[]): Buffer | undefined {
    if (!this.#isStreamed) {
      this.#hold(fragment.bytes);
      pieces.push(fragment.bytes);
    }
    if (fragment.last) {
      this.#values.push(joined(pieces));
      this.#value = undefined;
    }
    return this.#isStreamed ? fragment.bytes : undefined;
  }

  #complete(item: RawItem): void {
    const filled = { ...item, item: this.#fill(item.item), value: this.#fill(item.value) };
    this.items.push(filled);
    this.#values = [];
    if (item.name !== 'UID') return;
    const data = readFetchValue(filled);
    if (data.kind === 'uid') this.uid = data.uid;
  }

  /** Puts the contents where they belong. */
  #fill(parts: readonly Part[]): readonly Part[] {
    const [bytes] = this.#values;
    if (bytes === undefined || this.#isStreamed) return parts;
    return parts.map((part) => (isLiteral(part) && part.bytes === undefined ? { ...part, bytes } : part));
  }

  /** Gives it to the client as it came, with the number that the message has for it. */
  pass({ held, toClient }: Context): void {
    const [head = Buffer.alloc(0), ...rest] = this.octets;
    toClient.add(Buffer.from(`* ${held.clientNumber(this.number)}`));
    toClient.add(head.subarray(head.indexOf(' ', 2)));
    for (const bytes of rest) toClient.add(bytes);
  }

  #hold(bytes: Buffer): void {
    this.#size += bytes.length;
    if (this.#size > PIPE_LIMITS.fetchedOctets) {
      throw new ProviderViolation('The mail provider sent more of a message than it was asked for.');
    }
    this.octets.push(bytes);
  }
}

function isWhole({ name, section }: ItemName): boolean {
  return name === 'BODY' && section?.part.length === 0 && section.text === undefined;
}

function unreadable(): ProviderViolation {
  return new ProviderViolation('The mail provider sent a FETCH response that cannot be read.');
}
