import { createHash } from 'node:crypto';
import { Header } from '#lib/mime/header';
import type { FetchItem } from '../wire/fetchcommand.js';
import { WireError } from '../wire/error.js';
import { readFetchData } from '../wire/fetchdata.js';
import type { RawItem } from '../wire/fetchreader.js';
import {
  HEADER_ITEMS,
  STRUCTURE_ITEMS,
  type Sort,
  TEXT_ITEMS,
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
  /** The first completion that was not OK. */
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
      if (completion !== 'OK') this.failure ??= textOf(line);
    }
  }
}

/** What follows the tag in a tagged response. */
export function textOf(line: Buffer): string {
  const text = line.toString('latin1').trimEnd();
  return text.slice(text.indexOf(' ') + 1);
}

/** Finds out what kind of message each of these is, in a number of commands that does not grow with them. */
export async function classify(
  asking: Asking,
  messages: Messages,
  mailbox: MailboxMessages,
  located: readonly Located[],
): Promise<Map<number, Known>> {
  const all = new Map<number, Known>();
  await mailbox.find(
    located.map(({ uid }) => uid),
    (uid, known) => all.set(uid, known),
  );
  const unknown = located.filter(({ uid }) => !all.has(uid));
  if (unknown.length === 0) return all;
  const found = await new Discovery(asking, messages).run(unknown);
  mailbox.note([...found].map(([uid, known]) => ({ uid, known })));
  for (const [uid, known] of found) all.set(uid, known);
  return all;
}

interface Candidate extends Located {
  readonly size: number;
  readonly fingerprint: Buffer;
  readonly header: Header;
}

class Discovery {
  readonly #asking: Asking;
  readonly #messages: Messages;
  readonly #found = new Map<number, Known>();

  constructor(asking: Asking, messages: Messages) {
    this.#asking = asking;
    this.#messages = messages;
  }

  async run(located: readonly Located[]): Promise<Map<number, Known>> {
    const sorted: Record<Sort, Candidate[]> = { plain: [], open: [], text: [], structure: [] };
    await this.#asking.fetch(located, HEADER_ITEMS, ({ number, uid, items }) => {
      const size = sizeOf(items);
      const fields = contentOf(items);
      const candidate = { number, uid, size, fingerprint: fingerprintOf(size, fields), header: Header.parse(fields) };
      sorted[sortByHeader(candidate.header)].push(candidate);
      return undefined;
    });
    for (const { uid } of sorted.plain) this.#found.set(uid, { kind: 'plain' });
    const open = [...sorted.open];
    await this.#look(sorted.text, open, TEXT_ITEMS, ({ header }, came) => textIsArmored(header, contentOf(came)));
    await this.#look(sorted.structure, open, STRUCTURE_ITEMS, (_, came) => Promise.resolve(isMangled(came)));
    await this.#recall(open.sort((a, b) => a.number - b.number));
    return this.#found;
  }

  /** Finds what is known of messages without opening them: from their summaries, or from where they were before. */
  async #recall(candidates: readonly Candidate[]): Promise<void> {
    const remembered = new Map<number, Shown>();
    for (const { uid, header, size, fingerprint } of candidates) {
      const known = this.#messages.summarised(header, size, fingerprint);
      this.#found.set(uid, known ?? { kind: 'unopened', storedSize: size, fingerprint });
      const before = known === undefined ? await this.#messages.remembered(fingerprint) : undefined;
      if (before !== undefined) remembered.set(uid, before);
    }
    const uncertain = candidates.filter(({ uid }) => remembered.has(uid));
    await this.#asking.fetch(uncertain, WHOLE_HEADER_ITEMS, ({ uid, items }) => {
      const before = remembered.get(uid);
      const digest = digestOf(contentOf(items));
      if (before?.headerDigest.equals(digest) === true) this.#found.set(uid, before);
      return undefined;
    });
  }

  /** Looks at what the header leaves open. */
  async #look(
    candidates: readonly Candidate[],
    open: Candidate[],
    items: readonly FetchItem[],
    decide: (candidate: Candidate, came: readonly RawItem[]) => Promise<boolean>,
  ): Promise<void> {
    if (candidates.length === 0) return;
    const byUID = new Map(candidates.map((candidate) => [candidate.uid, candidate]));
    await this.#asking.fetch(candidates, items, async ({ uid, items: came }) => {
      const candidate = byUID.get(uid);
      if (candidate === undefined) return;
      if (await decide(candidate, came)) open.push(candidate);
      else this.#found.set(uid, { kind: 'plain' });
    });
  }
}

function contentOf(items: readonly RawItem[]): Buffer {
  const item = items.find(({ section }) => section !== undefined);
  const data = item && readFetchData(item);
  return (data?.kind === 'body' ? data.content?.bytes : undefined) ?? Buffer.alloc(0);
}

function sizeOf(items: readonly RawItem[]): number {
  const item = items.find(({ name }) => name === 'RFC822.SIZE');
  const data = item && readFetchData(item);
  return data?.kind === 'size' ? data.octets : 0;
}

/** Structures that cannot be read come from real servers: such a message is left as it is. */
function isMangled(items: readonly RawItem[]): boolean {
  const item = items.find(({ name }) => name === 'BODYSTRUCTURE');
  try {
    const data = item && readFetchData(item);
    return data?.kind === 'structure' && structureIsMangled(data.body);
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

/** What a message is found again by after COPY, MOVE or with another UIDVALIDITY: its size and the fields that `HEADER_ITEMS` give. */
export function fingerprintOf(size: number, fields: Buffer): Buffer {
  return createHash('sha256').update(`${size}\n`).update(fields).digest();
}
