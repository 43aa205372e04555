import { BUFFER_LIMIT } from '#lib/bytes/spool';
import { OpenPGPError } from '#lib/openpgp/error';
import { Asking, textOf } from '../messages/asking.js';
import { type Listing, classify } from '../messages/classify.js';
import { SEEN_ITEM, expand, isContent, isForLists, setsSeen } from '../messages/items.js';
import { type Located, setsOf } from '../messages/located.js';
import type { MailboxMessages, Messages } from '../messages/messages.js';
import type { Opened } from '../messages/opener.js';
import type { Fetched } from '../messages/provider.js';
import type { Known, Shown, Unopened } from '../messages/shown.js';
import { ContentError, StoredMessage, wholeItem } from '../messages/stored.js';
import type { Commands } from '../pipe/commands.js';
import type { Context } from '../pipe/context.js';
import type { OwnCommands } from '../pipe/own.js';
import { type ViewContent, isAnsweredBy } from '../view/answer.js';
import { decodeRecord } from '../view/codec.js';
import { type FetchCommand, type FetchItem, writeFetchItem } from '../wire/fetchcommand.js';
import { readFetchValue } from '../wire/fetchdata.js';
import { requestKey } from '../wire/itemname.js';
import { joinParts } from '../wire/part.js';
import { writeSequenceSet } from '../wire/sequenceset.js';
import { Writer } from '../wire/writer.js';
import { Answers, type View } from './answers.js';
import { contentFailure, interrupted } from './fetchfailure.js';
import { isIn, locate } from './fetchset.js';
import { type CommandRow, commandRow } from './table.js';

/** Messages that are worked on at once: what is known of them is held. */
const BATCH = 10_000;
/** Octets of a stored form that is opened in memory: a message of BUFFER_LIMIT, encrypted. */
const SMALL_OCTETS = Math.ceil(BUFFER_LIMIT * 1.4);

/** A message that is shown otherwise than it is stored, or may be. */
interface Locked extends Located {
  readonly known: Shown | Unopened;
}

/** A message that is answered without asking the provider for its content. */
interface Listed extends Located {
  readonly view: View;
}

/** For what the record alone answers. */
const NOTHING: ViewContent = {
  read: () => {
    throw new Error('The record was said to answer this.');
  },
};

/** A FETCH that is answered here. */
export class FetchRun {
  readonly #context: Context;
  readonly #own: OwnCommands;
  readonly #messages: Messages;
  readonly #command: FetchCommand;
  readonly #items: readonly FetchItem[];
  readonly #asking: Asking;
  readonly #answers: Answers;
  /** Where messages may be answered while it is found out what they are. */
  readonly #listing: Listing | undefined;
  /** Of the messages at hand the UIDs of those that are answered. */
  readonly #answered = new Set<number>();
  /** The provider has answered the client's items for some message in answer to a question of ours. */
  #isRelayed = false;
  /** Of the client's items those that the provider answers, and those that tell of the content. */
  readonly #free: readonly FetchItem[];
  readonly #contents: readonly FetchItem[];
  /** The client's command sets \Seen. */
  readonly #seen: boolean;
  /** The completion where all goes well: the provider's own, where it has answered the client's items. */
  #success = 'OK Fetch completed.';
  /** The completion otherwise. */
  #failure: string | undefined;

  constructor({ context, own, provider }: Commands, messages: Messages, command: FetchCommand) {
    this.#context = context;
    this.#own = own;
    this.#messages = messages;
    this.#command = command;
    this.#items = withModSeq({ ...command, items: expand(command.items) });
    this.#free = this.#items.filter((item) => !isContent(item) && requestKey(item) !== 'UID');
    this.#contents = this.#items.filter(isContent);
    this.#seen = this.#items.some(setsSeen);
    this.#asking = new Asking(provider, command.uid);
    this.#answers = new Answers(context, command, this.#items);
    const keys = new Set(this.#items.map(requestKey));
    const isListing = this.#items.every((item) => isForLists(item) && !spelled([item]).includes('\n'));
    // Two ranges from one place have one name in the response.
    if (isListing && keys.size === this.#items.length) {
      this.#listing = { free: this.#free, all: this.#items, answer: (message, known) => this.#answer(message, known) };
    }
  }

  /** Waits for its turn, answers, and gives the completion: what follows the tag. Rejects where the session cannot go on. */
  async answer(row: CommandRow): Promise<string> {
    // Commands before it that came in the same chunk.
    this.#context.toProvider.flush();
    await this.#context.queue.atMost(0);
    this.#context.inHand = row;
    try {
      if (!this.#command.uid && !this.#context.held.none) {
        return 'NO [EXPUNGEISSUED] Some of the messages are gone; NOOP tells which.';
      }
      const mailbox = await this.#messages.of(this.#context.selected);
      const wanted = await this.#locate();
      for (let at = 0; at < wanted.length; at += BATCH) await this.#batch(mailbox, wanted.slice(at, at + BATCH));
      return this.#asking.failure ?? this.#failure ?? this.#answers.failure ?? this.#success;
    } catch (error) {
      if (this.#context.toClient.reserved) throw interrupted(error);
      await this.#answers.tellChanges();
      return contentFailure(error);
    } finally {
      this.#context.inHand = undefined;
    }
  }

  /** The messages of the client's set, as the provider tells where we do not know. */
  async #locate(): Promise<readonly Located[]> {
    const { set, uid, modifiers } = this.#command;
    const known = modifiers.length === 0 ? locate(set, uid, this.#context.selected.numbering) : undefined;
    if (known !== undefined) return known;
    const located: Located[] = [];
    const writer = new Writer();
    writeSequenceSet(writer, set);
    const { completion, line } = await this.#asking.provider.fetch({
      uid,
      set: joinParts(writer.parts).toString('latin1'),
      has: (message) => isIn(set, uid, message, this.#context.selected.numbering),
      items: [],
      ...(modifiers.length === 0 ? {} : { modifiers: modifiersText(this.#command) }),
      take: (message) => {
        located.push({ number: message.number, uid: message.uid });
        return undefined;
      },
    });
    if (completion !== 'OK') this.#failure = textOf(line);
    return located.sort((a, b) => a.number - b.number);
  }

  async #batch(mailbox: MailboxMessages, located: readonly Located[]): Promise<void> {
    this.#answered.clear();
    const known = await classify(this.#asking, this.#messages, mailbox, located, this.#listing);
    if (this.#isRelayed) this.#success = this.#asking.success ?? this.#success;
    const plain: Located[] = [];
    const listed: Listed[] = [];
    const small: Locked[] = [];
    const large: Locked[] = [];
    for (const message of located) {
      if (this.#answered.has(message.uid)) continue;
      const what = known.get(message.uid);
      if (what === undefined) {
        this.#missing(message);
        continue;
      }
      if (what.kind === 'plain') {
        plain.push(message);
        continue;
      }
      const view = this.#viewAtHand(what, mailbox.opened(message.uid));
      if (view !== undefined) listed.push({ ...message, view });
      else if (what.storedSize <= SMALL_OCTETS) small.push({ ...message, known: what });
      else large.push({ ...message, known: what });
    }
    await this.#pass(plain);
    await this.#list(listed);
    const asStored: Located[] = [];
    await this.#openSmall(mailbox, small, asStored);
    for (const message of large) {
      await this.#attempt(mailbox, message, () => this.#openLarge(mailbox, message, asStored));
    }
    // Before anything newer is said of them.
    await this.#answers.tellChanges();
    await this.#pass(asStored);
  }

  /** Answers for a message that the provider has just told of, where nothing more has to be asked. */
  #answer(message: Fetched, known: Known): Promise<void> | undefined {
    if (known.kind === 'plain') {
      const relaying = this.#answers.relay(message);
      if (relaying === false) return undefined;
      this.#answered.add(message.uid);
      this.#isRelayed = true;
      return relaying;
    }
    const view = this.#viewAtHand(known, undefined);
    if (view === undefined) return undefined;
    this.#answered.add(message.uid);
    return this.#answers.show(message, view);
  }

  /** The provider has told nothing of a message. Where it is not gone, that must not look as if it were. */
  #missing({ uid }: Located): void {
    if (this.#context.selected.numbering.number(uid) === undefined) return;
    this.#failure ??= 'NO The mail provider did not tell of all messages. Try again.';
  }

  /** Does something with one message. If that fails, the client gets the others all the same. */
  async #attempt(mailbox: MailboxMessages, message: Locked, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (error instanceof OpenPGPError || error instanceof ContentError) {
        await mailbox.forget(message.uid, message.known);
      }
      if (this.#context.toClient.reserved) throw error;
      this.#failure ??= contentFailure(error);
    }
  }

  /** What answers for a message without asking the provider for its content. */
  #viewAtHand(known: Shown | Unopened, opened: Opened | undefined): View | undefined {
    if (opened !== undefined && opened.octets > 0) return opened;
    const record = known.kind === 'shown' ? decodeRecord(known.record) : undefined;
    if (record === undefined || !this.#contents.every((item) => isAnsweredBy(record, item))) return undefined;
    return { record, content: NOTHING };
  }

  /** Has the provider answer the client's items. */
  async #pass(located: readonly Located[]): Promise<void> {
    const name = this.#command.uid ? 'UID FETCH' : 'FETCH';
    const items = spelled(this.#items);
    if (items.includes('\n')) {
      this.#failure ??= 'BAD A header field cannot have this name.';
      return;
    }
    for (const set of setsOf(located, this.#command.uid)) {
      const { completion, line } = await this.#own.ask(`${name} ${set} ${items}`, commandRow(name));
      if (completion === 'OK') this.#success = textOf(line);
      else this.#failure ??= textOf(line);
    }
  }

  /** Answers from records, and from messages that are open in memory. */
  async #list(located: readonly Listed[]): Promise<void> {
    if (located.length === 0) return;
    if (this.#free.length > 0 || this.#seen) {
      const byUID = new Map(located.map((message) => [message.uid, message]));
      await this.#ask(located, this.#freeOrSeen, (message) => {
        const view = byUID.get(message.uid)?.view;
        return view && this.#answers.show(message, view);
      });
      return;
    }
    await this.#context.reserveClient();
    for (const message of located) await this.#answers.show({ ...message, items: [] }, message.view, 'reserved');
    this.#context.toClient.release();
    this.#context.toClient.flush();
  }

  /** Opens messages in memory, one after the other as they come. */
  async #openSmall(mailbox: MailboxMessages, located: readonly Locked[], asStored: Located[]): Promise<void> {
    if (located.length === 0) return;
    const whole = wholeItem(!this.#seen);
    const key = requestKey(whole);
    const byUID = new Map(located.map((message) => [message.uid, message]));
    await this.#ask(located, [...this.#free, whole], (message) => {
      const asked = byUID.get(message.uid);
      if (asked === undefined) return undefined;
      const item = message.items.find((raw) => raw.key === key);
      const data = item && readFetchValue(item);
      const stored = (data?.kind === 'body' ? data.content?.bytes : undefined) ?? Buffer.alloc(0);
      return this.#attempt(mailbox, asked, async () => {
        const opened = await this.#messages.opener.openBytes(stored, shownOf(asked.known));
        if (await noteOpened(mailbox, asked, opened)) {
          if (opened !== undefined) await this.#answers.show(message, opened);
        } else asStored.push(message);
      });
    });
  }

  /** Opens a large message, or goes on with one that is open, and streams what is asked for. */
  async #openLarge(mailbox: MailboxMessages, message: Locked, asStored: Located[]): Promise<void> {
    const { known } = message;
    const target = { ...message, byUID: this.#command.uid };
    let opened = mailbox.opened(message.uid);
    opened?.stored?.aim(target);
    if (opened === undefined) {
      const stored = new StoredMessage(this.#asking.provider, target, known.storedSize, shownOf(known)?.tail);
      opened = await this.#messages.opener.openLarge(stored, shownOf(known));
      if (!(await noteOpened(mailbox, message, opened))) asStored.push(message);
    }
    if (opened === undefined) return;
    let fetched: Fetched = { ...message, items: [] };
    if (this.#free.length > 0 || this.#seen) {
      await this.#ask([message], this.#freeOrSeen, (told) => {
        fetched = told;
        return undefined;
      });
    }
    await this.#answers.show(fetched, opened, 'own');
  }

  /** What the provider is asked for where the view answers the rest. */
  get #freeOrSeen(): readonly FetchItem[] {
    return this.#seen ? [...this.#free, SEEN_ITEM] : this.#free;
  }

  async #ask(
    located: readonly Located[],
    items: readonly FetchItem[],
    take: (message: Fetched) => Promise<void> | undefined,
  ): Promise<void> {
    const left = await this.#asking.fetch(located, items, take, (changed) => {
      this.#answers.changed(changed);
    });
    for (const message of left) this.#missing(message);
  }
}

/**
 * Notes what has become of a message. False where it is shown as it is stored. Throws ContentError where the provider has another one in its
 * place.
 */
async function noteOpened(
  mailbox: MailboxMessages,
  { uid, known }: Locked,
  opened: Opened | undefined,
): Promise<boolean> {
  const before = shownOf(known);
  if (before?.sessionKey !== undefined && opened?.found.sessionKey === undefined) {
    await opened?.close();
    throw new ContentError('The mail provider has put other octets in the place of the message. Try again.');
  }
  if (opened === undefined) {
    mailbox.noteForNow(uid, { kind: 'plain' });
    return false;
  }
  const { found } = opened;
  if (!opened.lasting) mailbox.noteForNow(uid, found);
  else if (before?.sessionKey === undefined) mailbox.note([{ uid, known: found }]);
  await mailbox.keep(uid, opened);
  return true;
}

function shownOf(known: Shown | Unopened): Shown | undefined {
  return known.kind === 'shown' ? known : undefined;
}

/** RFC 7162 §3.1.4.1: CHANGEDSINCE asks for MODSEQ. */
function withModSeq({ items, modifiers }: FetchCommand): readonly FetchItem[] {
  const isAsked =
    !modifiers.some(({ kind }) => kind === 'changedsince') || items.some((item) => requestKey(item) === 'MODSEQ');
  return isAsked ? items : [...items, { kind: 'plain', name: 'MODSEQ' }];
}

/** Items as a command has them. */
function spelled(items: readonly FetchItem[]): string {
  const writer = new Writer();
  writer.list(items, (item) => {
    writeFetchItem(writer, item);
  });
  return joinParts(writer.parts).toString('latin1');
}

function modifiersText({ modifiers }: FetchCommand): string {
  return modifiers
    .map((modifier) => (modifier.kind === 'changedsince' ? `CHANGEDSINCE ${modifier.modseq}` : 'VANISHED'))
    .join(' ');
}
