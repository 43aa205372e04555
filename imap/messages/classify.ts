import { Header } from '#lib/mime/header';
import { WireError } from '../wire/error.js';
import type { FetchItem } from '../wire/fetchcommand.js';
import { readFetchValue } from '../wire/fetchdata.js';
import type { RawItem } from '../wire/fetchreader.js';
import { requestKey } from '../wire/itemname.js';
import type { Asking } from './asking.js';
import {
  FIELDS_ITEM,
  HEADER_ITEM,
  SIZE_ITEM,
  STRUCTURE_ITEM,
  TEXT_ITEM,
  encodingOf,
  sortByHeader,
  structureIsMangled,
  textIsArmored,
} from './discovery.js';
import type { Located } from './located.js';
import type { MailboxMessages, Messages } from './messages.js';
import type { Fetched } from './provider.js';
import { type Known, type Shown, digestOf, fingerprintOf } from './shown.js';

/** A command that may be answered, message by message, while it is found out what they are: the provider then opens each of them once. */
export interface Listing {
  /** What of it only the provider can answer. */
  readonly free: readonly FetchItem[];
  /** All that is asked for, which the provider answers where a message is shown as it is stored. */
  readonly all: readonly FetchItem[];
  /** Answers for a message of which this is known, if that and what the provider has said suffice. */
  readonly answer: (message: Fetched, known: Known) => Promise<void> | undefined;
}

/**
 * Finds out what kind of message each of these is, in a number of commands that does not grow with them. A listing is given what is found
 * out at first sight.
 */
export async function classify(
  asking: Asking,
  messages: Messages,
  mailbox: MailboxMessages,
  located: readonly Located[],
  listing?: Listing,
): Promise<Map<number, Known>> {
  const all = new Map<number, Known>();
  await mailbox.find(
    located.map(({ uid }) => uid),
    (uid, known) => all.set(uid, known),
  );
  const unknown = located.filter(({ uid }) => !all.has(uid));
  if (unknown.length === 0) return all;
  const found = await new Discovery(asking, messages, listing).run(unknown);
  mailbox.note([...found].map(([uid, known]) => ({ uid, known })));
  for (const [uid, known] of found) all.set(uid, known);
  return all;
}

type Wait = Promise<void> | undefined;

const PLAIN: Known = { kind: 'plain' };
/** So many messages tell what most of a mailbox are. */
const SAMPLE = 100;

/** Of the header no more is kept: there may be thousands. */
interface Candidate extends Located {
  readonly size: number;
  readonly fingerprint: Buffer;
  readonly encoding: string;
}

class Discovery {
  readonly #asking: Asking;
  readonly #messages: Messages;
  readonly #listing: Listing | undefined;
  readonly #found = new Map<number, Known>();
  #plainCount = 0;
  #summaryCount = 0;
  /** What the header does not decide. */
  readonly #texts = new Map<number, Candidate>();
  readonly #structures = new Map<number, Candidate>();
  /** What has to be opened, unless it is found where it was before. */
  readonly #open: Candidate[] = [];

  constructor(asking: Asking, messages: Messages, listing: Listing | undefined) {
    this.#asking = asking;
    this.#messages = messages;
    this.#listing = listing;
  }

  async run(located: readonly Located[]): Promise<Map<number, Known>> {
    // Of few messages all is asked at once, so that they are answered in their order, as servers do.
    await this.#look(located.slice(0, SAMPLE), [...this.#headerItems(), TEXT_ITEM, STRUCTURE_ITEM], this.#sort);
    await this.#look(located.slice(SAMPLE), this.#headerItems(), this.#sort);
    await this.#look([...this.#texts.values()], [TEXT_ITEM], this.#sortText);
    await this.#look([...this.#structures.values()], [STRUCTURE_ITEM], this.#sortStructure);
    await this.#recall(this.#open.sort((a, b) => a.number - b.number));
    return this.#found;
  }

  /** A header with a summary has little else, and to give it whole costs the provider less than to look for fields. */
  #headerItems(): readonly FetchItem[] {
    const isSummarised = 2 * this.#summaryCount > this.#found.size;
    return [SIZE_ITEM, isSummarised ? HEADER_ITEM : FIELDS_ITEM];
  }

  /** Asks for items of messages, and along with them for what the client wants to know. */
  async #look(
    located: readonly Located[],
    items: readonly FetchItem[],
    sort: (message: Fetched, listing: Listing | undefined) => Wait,
  ): Promise<void> {
    const listing = this.#listing;
    if (listing === undefined) {
      await this.#asking.fetch(located, items, (message) => sort(message, undefined));
      return;
    }
    // What is not of the header is of no use where a message is encrypted, and costs the provider much.
    const wanted = 2 * this.#plainCount > this.#found.size ? listing.all : listing.free;
    const both = new Map([...items, ...wanted].map((item) => [requestKey(item), item]));
    both.delete('UID');
    const left = await this.#asking.fetch(located, [...both.values()], (message) => sort(message, listing));
    // Some providers leave out an item that they have been asked for.
    await this.#asking.fetch(left, items, (message) => sort(message, undefined));
  }

  readonly #sort = (message: Fetched, listing: Listing | undefined): Wait => {
    const { number, uid, items } = message;
    const size = sizeOf(items);
    const header = Header.parse(contentOf(items, FIELDS_ITEM) ?? contentOf(items, HEADER_ITEM) ?? NOTHING);
    const candidate = (): Candidate => ({
      number,
      uid,
      size,
      fingerprint: fingerprintOf(header),
      encoding: encodingOf(header),
    });
    switch (sortByHeader(header)) {
      case 'plain':
        return this.#settle(message, listing, PLAIN);
      case 'text':
        this.#texts.set(uid, candidate());
        return contentOf(items, TEXT_ITEM) === undefined ? undefined : this.#sortText(message, listing);
      case 'structure':
        // The client may have asked for it.
        if (items.some(isStructure)) return this.#decide(message, listing, candidate(), isMangled(items));
        this.#structures.set(uid, candidate());
        return undefined;
      case 'open': {
        const known = this.#messages.summarised(header, size);
        if (known === undefined) {
          this.#open.push(candidate());
          return undefined;
        }
        this.#summaryCount += 1;
        return this.#settle(message, listing, known);
      }
    }
  };

  readonly #sortText = (message: Fetched, listing: Listing | undefined): Wait => {
    const candidate = this.#texts.get(message.uid);
    if (candidate === undefined) return undefined;
    this.#texts.delete(message.uid);
    const isArmored = textIsArmored(candidate.encoding, contentOf(message.items, TEXT_ITEM) ?? NOTHING);
    const decide = (is: boolean): Wait => this.#decide(message, listing, candidate, is);
    return typeof isArmored === 'boolean' ? decide(isArmored) : isArmored.then(decide);
  };

  readonly #sortStructure = (message: Fetched, listing: Listing | undefined): Wait => {
    const candidate = this.#structures.get(message.uid);
    return candidate && this.#decide(message, listing, candidate, isMangled(message.items));
  };

  #decide(message: Fetched, listing: Listing | undefined, candidate: Candidate, isOpen: boolean): Wait {
    if (!isOpen) return this.#settle(message, listing, PLAIN);
    this.#open.push(candidate);
    return undefined;
  }

  #settle(message: Fetched, listing: Listing | undefined, known: Known): Wait {
    if (known.kind === 'plain') this.#plainCount += 1;
    this.#found.set(message.uid, known);
    return listing?.answer(message, known);
  }

  /** Finds what is known of messages from where they were before. */
  async #recall(candidates: readonly Candidate[]): Promise<void> {
    const remembered = new Map<number, Shown>();
    for (const { uid, size, fingerprint } of candidates) {
      this.#found.set(uid, { kind: 'unopened', storedSize: size, fingerprint });
      const before = await this.#messages.remembered(fingerprint);
      if (before !== undefined) remembered.set(uid, before);
    }
    const uncertain = candidates.filter(({ uid }) => remembered.has(uid));
    await this.#asking.fetch(uncertain, [HEADER_ITEM], ({ uid, items }) => {
      const before = remembered.get(uid);
      const header = contentOf(items, HEADER_ITEM);
      if (header !== undefined && before?.headerDigest.equals(digestOf(header)) === true) this.#found.set(uid, before);
      return undefined;
    });
  }
}

const NOTHING = Buffer.alloc(0);
function contentOf(items: readonly RawItem[], asked: FetchItem): Buffer | undefined {
  const key = requestKey(asked);
  const item = items.find((each) => each.section !== undefined && each.key === key);
  const data = item && readFetchValue(item);
  return data?.kind === 'body' ? (data.content?.bytes ?? NOTHING) : undefined;
}

function sizeOf(items: readonly RawItem[]): number {
  const item = items.find(({ name }) => name === 'RFC822.SIZE');
  const data = item && readFetchValue(item);
  return data?.kind === 'size' ? data.octets : 0;
}

function isStructure({ name, section }: RawItem): boolean {
  return section === undefined && (name === 'BODYSTRUCTURE' || name === 'BODY');
}

/** Structures that cannot be read come from real servers: such a message is left as it is. */
function isMangled(items: readonly RawItem[]): boolean {
  const item = items.find(isStructure);
  try {
    const data = item && readFetchValue(item);
    return data?.kind === 'structure' && structureIsMangled(data.body);
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}
