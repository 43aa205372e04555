/**
 * imap/messages: what a session knows of the messages of the selected mailbox, and how they are opened. discovery.ts sorts messages by what the
 * provider tells of them, stored.ts reads their stored form, opener.ts opens it, shown.ts is what is remembered.
 */
import { type SummaryKey, openSummary } from '#lib/message/summary';
import type { Header } from '#lib/mime/header';
import { isRecord } from '../view/codec.js';
import type { MailboxIndex, MessageIndex, IndexedMessage, UIDRange } from '#lib/store/messageindex';
import type { Selected } from '../selected.js';
import { setOf } from '../wire/sequenceset.js';
import { type Opened, Opener, type OpeningKeys } from './opener.js';
import { type Known, type Shown, type Unopened, decodeShown, encodeShown } from './shown.js';

/** What a session needs to show messages. */
export interface MessageAccess extends OpeningKeys {
  readonly summaryKey: SummaryKey;
  /** Opens what is remembered between sessions. */
  readonly openIndex?: () => Promise<MessageIndex>;
  /** Tells the mailboxes of one account from those of another in the index. */
  readonly account: string;
}

const NOTHING = Buffer.alloc(0);

/** Octets of opened messages that a session keeps, because clients read a message in several steps. */
const CACHE_OCTETS = 4 * 1024 * 1024;
/** Octets of records that a session keeps. Beyond that they are in the index. */
const RECORD_OCTETS = 8 * 1024 * 1024;

/** The messages of a session. */
export class Messages {
  readonly opener: Opener;
  readonly #access: MessageAccess;
  #index: Promise<MessageIndex> | undefined;
  #mailbox:
    | { readonly selected: Selected; readonly uidValidity: number | undefined; readonly messages: MailboxMessages }
    | undefined;

  constructor(access: MessageAccess) {
    this.#access = access;
    this.opener = new Opener(access);
  }

  /** What is known of the messages of this mailbox. */
  async of(selected: Selected): Promise<MailboxMessages> {
    const { mailbox, uidValidity } = selected;
    const current = this.#mailbox;
    if (current?.selected === selected && current.uidValidity === uidValidity) return current.messages;
    await current?.messages.close();
    const index = await this.#openIndex();
    const isNamed = index !== undefined && mailbox !== undefined && uidValidity !== undefined;
    const messages = new MailboxMessages(isNamed ? index.mailbox(this.#nameOf(mailbox), uidValidity) : undefined);
    this.#mailbox = { selected, uidValidity, messages };
    return messages;
  }

  /** Remembers messages that have just been saved in a mailbox. */
  async saved(
    mailbox: string,
    uidValidity: number,
    messages: readonly { readonly uid: number; readonly known: Shown }[],
  ): Promise<void> {
    const index = await this.#openIndex();
    index?.mailbox(this.#nameOf(mailbox), uidValidity).put(messages.map(indexed));
  }

  /** What the summary in a header tells, where it is one of ours. */
  summarised(header: Header, storedSize: number): Shown | undefined {
    const record = openSummary(this.#access.summaryKey, header);
    if (record === undefined || !isRecord(record)) return undefined;
    return {
      kind: 'shown',
      storedSize,
      fingerprint: NOTHING,
      headerDigest: NOTHING,
      tail: NOTHING,
      sessionKey: undefined,
      record,
    };
  }

  /** What is remembered of a message that was seen elsewhere. Whether it is the same one, its header tells. */
  async remembered(fingerprint: Buffer): Promise<Shown | undefined> {
    const message = await (await this.#openIndex())?.byFingerprint(fingerprint);
    const shown = message?.kind === 'encrypted' ? decodeShown(message.record, fingerprint) : undefined;
    return shown === undefined || shown.headerDigest.length === 0 ? undefined : shown;
  }

  #nameOf(mailbox: string): string {
    return `${this.#access.account}\n${mailbox}`;
  }

  async #openIndex(): Promise<MessageIndex | undefined> {
    return (this.#index ??= this.#access.openIndex?.());
  }

  async close(): Promise<void> {
    await this.#mailbox?.messages.close();
    this.#mailbox = undefined;
    await (await this.#index)?.close();
  }
}

/** What is known of the messages of one mailbox, by UID. */
export class MailboxMessages {
  readonly #index: MailboxIndex | undefined;
  readonly #known = new Map<number, Known>();
  #recordOctets = 0;
  /** Opened ones; those used last at the end. */
  readonly #opened = new Map<number, Opened>();
  #openedOctets = 0;

  constructor(index: MailboxIndex | undefined) {
    this.#index = index;
  }

  /** Notes what has been found out, and remembers it. */
  note(messages: readonly { readonly uid: number; readonly known: Known }[]): void {
    for (const { uid, known } of messages) this.#set(uid, known);
    const lasting = messages.flatMap(({ uid, known }): IndexedMessage[] => {
      if (known.kind === 'unopened') return [];
      if (known.kind === 'plain') return [{ uid, kind: 'plain', fingerprint: NOTHING, record: NOTHING }];
      return [indexed({ uid, known })];
    });
    if (lasting.length > 0) this.#index?.put(lasting);
  }

  /** For this session: what may be found otherwise when other keys are there. */
  noteForNow(uid: number, known: Known): void {
    this.#set(uid, known);
  }

  /** Gives what is known of a message to `found`, of each of these that anything is known of. The UIDs are in order. */
  async find(uids: readonly number[], found: (uid: number, known: Known) => void): Promise<void> {
    const missing = uids.filter((uid) => {
      const known = this.#known.get(uid);
      if (known !== undefined) found(uid, known);
      return known === undefined;
    });
    if (missing.length === 0 || this.#index === undefined) return;
    for await (const messages of this.#index.load(rangesOf(missing))) {
      for (const { uid, kind, fingerprint, record } of messages) {
        if (kind === 'unopened') continue;
        const known: Known | undefined = kind === 'plain' ? { kind } : decodeShown(record, fingerprint);
        if (known === undefined || (known.kind === 'shown' && !isRecord(known.record))) continue;
        this.#set(uid, known);
        found(uid, known);
      }
    }
  }

  /** A message is not what it was taken for: it has to be opened anew. Other sessions are told, too. */
  async forget(uid: number, { storedSize, fingerprint }: Shown | Unopened): Promise<void> {
    this.#set(uid, { kind: 'unopened', storedSize, fingerprint });
    this.#index?.put([{ uid, kind: 'unopened', fingerprint, record: NOTHING }]);
    await this.#close(uid);
  }

  opened(uid: number): Opened | undefined {
    const opened = this.#opened.get(uid);
    if (opened !== undefined) {
      this.#opened.delete(uid);
      this.#opened.set(uid, opened);
    }
    return opened;
  }

  /** Keeps an opened message at hand, and closes those that have not been used for longest. One on the disk counts as all of the room. */
  async keep(uid: number, opened: Opened): Promise<void> {
    await this.#close(uid);
    this.#opened.set(uid, opened);
    this.#openedOctets += costOf(opened);
    for (const other of this.#opened.keys()) {
      if (this.#openedOctets <= CACHE_OCTETS || other === uid) break;
      await this.#close(other);
    }
  }

  async close(): Promise<void> {
    for (const uid of [...this.#opened.keys()]) await this.#close(uid);
    this.#known.clear();
  }

  async #close(uid: number): Promise<void> {
    const opened = this.#opened.get(uid);
    if (opened === undefined) return;
    this.#opened.delete(uid);
    this.#openedOctets -= costOf(opened);
    await opened.close();
  }

  #set(uid: number, known: Known): void {
    this.#drop(uid);
    this.#known.set(uid, known);
    if (known.kind !== 'shown') return;
    this.#recordOctets += known.record.length;
    if (this.#recordOctets <= RECORD_OCTETS) return;
    for (const [other, { kind }] of this.#known) {
      if (this.#recordOctets <= RECORD_OCTETS / 2) break;
      if (kind === 'shown' && other !== uid) this.#drop(other);
    }
  }

  #drop(uid: number): void {
    const known = this.#known.get(uid);
    if (known?.kind === 'shown') this.#recordOctets -= known.record.length;
    this.#known.delete(uid);
  }
}

function indexed({ uid, known }: { readonly uid: number; readonly known: Shown }): IndexedMessage {
  return { uid, kind: 'encrypted', fingerprint: known.fingerprint, record: encodeShown(known) };
}

function rangesOf(uids: readonly number[]): readonly UIDRange[] {
  return setOf(uids).map(({ first, last = first }) => ({ first: Number(first), last: Number(last) }));
}

function costOf({ octets }: Opened): number {
  return octets === 0 ? CACHE_OCTETS : octets;
}
