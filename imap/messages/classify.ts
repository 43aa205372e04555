import { createHash } from 'node:crypto';
import { Header } from '#lib/mime/header';
import type { FetchItem } from '../wire/fetchcommand.js';
import { WireError } from '../wire/error.js';
import { readFetchValue } from '../wire/fetchdata.js';
import type { RawItem } from '../wire/fetchreader.js';
import { requestKey, responseKey } from '../wire/itemkey.js';
import {
  FIRST_ITEMS,
  STRUCTURE_ITEMS,
  WHOLE_HEADER_ITEMS,
  sortByHeader,
  structureIsMangled,
  textIsArmored,
} from './discovery.js';
import { type Located, setsOf } from './located.js';
import type { MailboxMessages, Messages } from './messages.js';
import type { Fetched, Provider } from './provider.js';
import { digestOf } from './opener.js';
import type { Known, Shown } from './shown.js';

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

  /** Asks for items of messages, which come in the provider's order. `changed` is as with OwnFetch. */
  async fetch(
    located: readonly Located[],
    items: readonly FetchItem[],
    take: (message: Fetched) => Promise<void> | undefined,
    changed?: (message: Fetched) => void,
  ): Promise<void> {
    const uids = new Set(located.map(({ uid }) => uid));
    const has = ({ uid }: Located): boolean => uids.has(uid);
    for (const set of setsOf(located, this.uid)) {
      const { completion, line } = await this.provider.fetch({
        uid: this.uid,
        set,
        has,
        items,
        take,
        ...(changed && { changed }),
      });
      if (completion === 'OK') this.success = textOf(line);
      else this.failure ??= textOf(line);
    }
  }
}

/** What follows the tag in a tagged response. */
export function textOf(line: Buffer): string {
  const text = line.toString('latin1').trimEnd();
  return text.slice(text.indexOf(' ') + 1);
}

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

const PLAIN: Known = { kind: 'plain' };
/** So many messages tell what most of a mailbox are. */
const SAMPLE = 100;

interface Candidate extends Located {
  readonly size: number;
  readonly fingerprint: Buffer;
}

class Discovery {
  readonly #asking: Asking;
  readonly #messages: Messages;
  readonly #listing: Listing | undefined;
  readonly #found = new Map<number, Known>();
  #plainCount = 0;
  /** What neither the header nor the beginning of the text decides. */
  readonly #unsure = new Map<number, Candidate>();
  /** What has to be opened, unless it is found where it was before. */
  readonly #open: Candidate[] = [];

  constructor(asking: Asking, messages: Messages, listing: Listing | undefined) {
    this.#asking = asking;
    this.#messages = messages;
    this.#listing = listing;
  }

  async run(located: readonly Located[]): Promise<Map<number, Known>> {
    for (const part of [located.slice(0, SAMPLE), located.slice(SAMPLE)]) {
      const came = new Set<number>();
      const sort = (message: Fetched): Promise<void> | undefined => {
        came.add(message.uid);
        return this.#sort(message, this.#listing);
      };
      await this.#asking.fetch(part, this.#firstItems(), sort);
      if (this.#listing === undefined) continue;
      // Some providers leave out an item that they have been asked for.
      const left = part.filter(({ uid }) => !came.has(uid));
      await this.#asking.fetch(left, FIRST_ITEMS, (message) => this.#sort(message, undefined));
    }
    await this.#asking.fetch([...this.#unsure.values()], STRUCTURE_ITEMS, ({ uid, items }) => {
      const candidate = this.#unsure.get(uid);
      if (candidate !== undefined) this.#decide(candidate, isMangled(items));
      return undefined;
    });
    await this.#recall(this.#open.sort((a, b) => a.number - b.number));
    return this.#found;
  }

  /** The structure of an encrypted message is of no use, and costs the provider much: it is asked for where most are shown as they are stored. */
  #firstItems(): readonly FetchItem[] {
    if (this.#listing === undefined) return FIRST_ITEMS;
    const more = 2 * this.#plainCount > this.#found.size ? this.#listing.all : this.#listing.free;
    const items = new Map([...FIRST_ITEMS, ...more].map((item) => [requestKey(item), item]));
    items.delete('UID');
    return [...items.values()];
  }

  /** Nothing of the header is kept: there may be thousands. */
  #sort(message: Fetched, listing: Listing | undefined): Promise<void> | undefined {
    const { number, uid, items } = message;
    const size = sizeOf(items);
    const fields = contentOf(items, FIELDS_KEY);
    const header = Header.parse(fields);
    const settle = (isPlain: boolean): Promise<void> | undefined => {
      if (isPlain) {
        this.#note(uid, PLAIN);
        return listing?.answer(message, PLAIN);
      }
      const fingerprint = fingerprintOf(size, fields);
      const known = this.#messages.summarised(header, size, fingerprint);
      if (known !== undefined) {
        this.#note(uid, known);
        return listing?.answer(message, known);
      }
      this.#open.push({ number, uid, size, fingerprint });
      return undefined;
    };
    switch (sortByHeader(header)) {
      case 'plain':
        return settle(true);
      case 'open':
        return settle(false);
      case 'structure':
        if (items.some(isStructure)) return settle(!isMangled(items));
        this.#unsure.set(uid, { number, uid, size, fingerprint: fingerprintOf(size, fields) });
        return undefined;
      case 'text': {
        const isArmored = textIsArmored(header, contentOf(items, TEXT_KEY));
        return typeof isArmored === 'boolean' ? settle(!isArmored) : isArmored.then((is) => settle(!is));
      }
    }
  }

  #note(uid: number, known: Known): void {
    if (known.kind === 'plain') this.#plainCount += 1;
    this.#found.set(uid, known);
  }

  #decide(candidate: Candidate, isOpen: boolean): void {
    if (isOpen) this.#open.push(candidate);
    else this.#note(candidate.uid, PLAIN);
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
    await this.#asking.fetch(uncertain, WHOLE_HEADER_ITEMS, ({ uid, items }) => {
      const before = remembered.get(uid);
      const digest = digestOf(contentOf(items, HEADER_KEY));
      if (before?.headerDigest.equals(digest) === true) this.#found.set(uid, before);
      return undefined;
    });
  }
}

const [, FIELDS_KEY = '', TEXT_KEY = ''] = FIRST_ITEMS.map(requestKey);
const [HEADER_KEY = ''] = WHOLE_HEADER_ITEMS.map(requestKey);

function contentOf(items: readonly RawItem[], key: string): Buffer {
  const item = items.find((each) => each.section !== undefined && responseKey(each) === key);
  const data = item && readFetchValue(item);
  return (data?.kind === 'body' ? data.content?.bytes : undefined) ?? Buffer.alloc(0);
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

/** What a message is found again by after COPY, MOVE or with another UIDVALIDITY: its size and the fields that `FIRST_ITEMS` give. */
export function fingerprintOf(size: number, fields: Buffer): Buffer {
  return createHash('sha256').update(`${size}\n`).update(fields).digest();
}
