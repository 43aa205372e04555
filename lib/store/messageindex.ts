/**
 * lib/store: what is remembered of a user's messages, so that nobody has to fetch and decrypt them again. Nothing here is needed:
 * whoever removes, damages or forges a file of it makes work, and gets no wrong record believed.
 *
 * index/HASH OF THE USER/      one folder a user (folder.ts)
 *   check                      version, and a mark by which the key is known
 *   MAILBOX-UIDVALIDITY        frames of sealed records (frame.ts, mailboxfile.ts); both names are HMACs
 *   fingerprints               where the message with a fingerprint is (fingerprints.ts)
 *
 * There is no database. The encryption of libsql (0.5.29) is AES-CBC without authentication, so that all had to be sealed here anyway;
 * its disk and its locks are waited for on the event loop, and what it closes stays open until the garbage is collected. A
 * memory that may forget needs no transactions: a write is one append, and there are no locks.
 */
import { rm } from 'node:fs/promises';
import { isSystemError } from '#lib/bytes/systemerror';
import type { Log } from '#lib/log';
import type { Entry } from './fingerprints.js';
import { IndexFolder } from './folder.js';
import { groupIntoFrames } from './frame.js';
import { IndexKeys } from './keys.js';
import { LIMITS } from './limits.js';
import { Lookup } from './lookup.js';
import { MailboxFile } from './mailboxfile.js';
import { RangeTest, type IndexedMessage, type UIDRange, checkMessage, entrySize, sortRanges } from './message.js';

export type { MessageKind, IndexedMessage, UIDRange } from './message.js';

/**
 * A user's index. Nothing of it rejects or throws but for arguments that are mistakes: what cannot be read is not known, what cannot
 * be written is dropped, and the log has one warning of each.
 */
export interface MessageIndex {
  /** `name` is what tells the user's mailboxes apart, the account included. Costs nothing. */
  mailbox(name: string, uidValidity: number): MailboxIndex;
  /**
   * What is known of a message that has this fingerprint, in whichever mailbox it was put and written: after COPY, MOVE, and a new
   * UIDVALIDITY. Its UID is the one that it has, or had, there.
   */
  byFingerprint(fingerprint: Buffer): Promise<IndexedMessage | undefined>;
  /** Waits until all that was put has been written or dropped. */
  flush(): Promise<void>;
  /** Flushes, and overwrites the keys. Nothing is known after that, and nothing kept. */
  close(): Promise<void>;
}

export interface MailboxIndex {
  /**
   * What is known of the messages in these ranges, in no order, some at a time. Each UID comes once at most. Buffers are parts of larger
   * ones: who keeps few of them for long copies them.
   */
  load(ranges: readonly UIDRange[]): AsyncIterable<readonly IndexedMessage[]>;
  /**
   * Remembers messages, in place of what was known of their UIDs. They are written in the background, and must not be changed before
   * they are. A record of more than 1 MiB is not kept. Throws TypeError for UIDs and fingerprints that cannot be.
   */
  put(messages: readonly IndexedMessage[]): void;
  /** Forgets this mailbox under every other UIDVALIDITY. Until then its messages are found by their fingerprints. */
  forgetOthers(): Promise<void>;
}

/**
 * Opens the index of a user. `folder` is that of all indexes; it is made with mode 0700, and its files with 0600. `indexKey` is that of the
 * vault, 32 octets, and may be overwritten after this. Several may be open for one user, also in other processes.
 */
export async function openIndex(
  folder: string,
  user: string,
  indexKey: Buffer,
  log: Log,
  limits: Partial<IndexLimits> = {},
): Promise<MessageIndex> {
  const keys = new IndexKeys(indexKey);
  const index = new FolderIndex(new IndexFolder(folder, user, keys), keys, log, { ...LIMITS, ...limits });
  await index.prepare();
  return index;
}

/** Units and defaults are in limits.ts. */
export type IndexLimits = Readonly<Record<'size' | 'written' | 'waiting' | 'pause', number>>;

type Waiting = ReadonlyMap<number, IndexedMessage>;

class FolderIndex implements MessageIndex {
  readonly #folder: IndexFolder;
  readonly #keys: IndexKeys;
  readonly #log: Log;
  readonly #limits: IndexLimits;
  readonly #lookup: Lookup;
  readonly #files = new Map<string, MailboxFile>();
  readonly #touched = new Set<MailboxFile>();
  /** What was put and is not being written yet. */
  readonly #waiting = new Map<MailboxFile, Map<number, IndexedMessage>>();
  #waitingSize = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  /** What is being written. */
  #batch: { readonly file: MailboxFile; readonly messages: Waiting } | undefined;
  /** Octets written since the size of all was looked at. At first it has to be looked at. */
  #written = Infinity;
  /** Nothing is written before this time of `performance.now()`. */
  #pausedUntil = 0;
  #state: 'open' | 'unusable' | 'closed' = 'open';
  readonly #warned = new Set<string>();

  constructor(folder: IndexFolder, keys: IndexKeys, log: Log, limits: IndexLimits) {
    this.#folder = folder;
    this.#keys = keys;
    this.#log = log;
    this.#limits = limits;
    this.#lookup = new Lookup(folder, keys, (name) => this.#file(name));
  }

  async prepare(): Promise<void> {
    try {
      if (await this.#folder.prepare()) this.#log.warn('index put aside');
    } catch (error) {
      this.#state = 'unusable';
      this.#warn('index unusable', error);
    }
  }

  mailbox(name: string, uidValidity: number): MailboxIndex {
    const file = this.#file(this.#keys.fileName(name, uidValidity));
    return {
      load: (ranges) => this.#load(file, ranges),
      put: (messages) => {
        this.#put(file, messages);
      },
      forgetOthers: () => this.#forgetOthers(file),
    };
  }

  async byFingerprint(fingerprint: Buffer): Promise<IndexedMessage | undefined> {
    if (this.#state !== 'open') return undefined;
    try {
      return await this.#lookup.find(fingerprint);
    } catch (error) {
      this.#warn('index not read', error);
      return undefined;
    }
  }

  async flush(): Promise<void> {
    while (this.#writing !== undefined || this.#waiting.size > 0) await this.#write();
  }

  async close(): Promise<void> {
    await this.flush();
    this.#state = 'closed';
    this.#keys.close();
    this.#lookup.close();
    this.#files.clear();
  }

  #file(name: string): MailboxFile {
    let file = this.#files.get(name);
    if (file === undefined)
      this.#files.set(name, (file = new MailboxFile(this.#folder.pathOf(name), this.#keys, name)));
    return file;
  }

  async *#load(file: MailboxFile, ranges: readonly UIDRange[]): AsyncGenerator<readonly IndexedMessage[], void> {
    if (this.#state !== 'open') return;
    const sorted = sortRanges(ranges);
    const seen = new Set<number>();
    for (const waiting of [this.#waiting.get(file), this.#batch?.file === file ? this.#batch.messages : undefined]) {
      const wanted = new RangeTest(sorted);
      const messages = [...(waiting?.values() ?? [])].filter(({ uid }) => wanted.has(uid) && !seen.has(uid));
      for (const { uid } of messages) seen.add(uid);
      if (messages.length > 0) yield messages;
    }
    try {
      if (!this.#touched.has(file)) {
        this.#touched.add(file);
        await file.touch().catch(() => undefined);
      }
      yield* file.read(sorted, seen);
    } catch (error) {
      this.#warn('index not read', error);
    }
  }

  #put(file: MailboxFile, messages: readonly IndexedMessage[]): void {
    messages.forEach(checkMessage);
    if (this.#state !== 'open' || performance.now() < this.#pausedUntil) return;
    const waiting = this.#waiting.get(file) ?? new Map<number, IndexedMessage>();
    for (const message of messages) {
      const size = entrySize(message);
      if (message.record.length > LIMITS.record) continue;
      if (this.#waitingSize + size > this.#limits.waiting) {
        this.#warn('index not written', undefined, 'too much at once');
        break;
      }
      this.#waitingSize += size;
      waiting.set(message.uid, message);
    }
    if (waiting.size === 0) return;
    this.#waiting.set(file, waiting);
    this.#writeSoon();
  }

  #writeSoon(): void {
    this.#timer ??= setTimeout(() => void this.#write(), LIMITS.delay).unref();
  }

  /** Writes all that waits. */
  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return (this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.size > 0) this.#writeSoon();
    }));
  }

  async #writeAll(): Promise<void> {
    try {
      for (let next = first(this.#waiting); next !== undefined; next = first(this.#waiting)) {
        const [file, messages] = next;
        this.#waiting.delete(file);
        this.#batch = { file, messages };
        await this.#writeBatch(file, messages);
        this.#batch = undefined;
        if (file.isDamaged) this.#warn('index damaged');
        await file.tidy();
      }
      if (this.#written >= this.#limits.written) await this.#prune();
    } catch (error) {
      this.#pausedUntil = performance.now() + this.#limits.pause;
      this.#waiting.clear();
      this.#warn('index not written', error);
    }
    this.#batch = undefined;
    if (this.#waiting.size === 0) this.#waitingSize = 0;
  }

  /** A frame at a time: between two of them others get their turn. */
  async #writeBatch(file: MailboxFile, messages: Waiting): Promise<void> {
    const sorted = [...messages.values()].sort((a, b) => a.uid - b.uid);
    const entries: Entry[] = [];
    for (const frame of groupIntoFrames(sorted)) {
      this.#written += await file.append(frame).catch(async (error: unknown) => {
        if (!isSystemError(error, 'ENOENT')) throw error;
        // Somebody has removed the folder, which they may.
        await this.#folder.prepare();
        return file.append(frame);
      });
      entries.push(...this.#lookup.entries(file, frame));
      this.#waitingSize -= frame.reduce((sum, message) => sum + entrySize(message), 0);
    }
    await this.#lookup.add(file, entries);
  }

  /** Removes the mailboxes that have not been used for longest, until the rest is within the limit. */
  async #prune(): Promise<void> {
    const files = (await this.#folder.files()).toSorted((a, b) => b.used - a.used);
    let size = files.reduce((sum, file) => sum + file.size, 0);
    while (size > this.#limits.size && files.length > 1) {
      const oldest = files.pop();
      if (oldest === undefined) break;
      await rm(oldest.path, { force: true });
      size -= oldest.size;
    }
    const [last] = files;
    if (size > this.#limits.size && last !== undefined) await this.#file(last.name).shrink(this.#limits.size / 2);
    this.#written = 0;
  }

  async #forgetOthers(mailbox: MailboxFile): Promise<void> {
    if (this.#state !== 'open') return;
    const [owner = ''] = mailbox.name.split('-');
    this.#lookup.forget();
    try {
      for (const { name, path } of await this.#folder.files()) {
        if (name.startsWith(`${owner}-`) && name !== mailbox.name) await rm(path, { force: true });
      }
    } catch (error) {
      this.#warn('index not written', error);
    }
  }

  /** Once each. */
  #warn(event: string, error?: unknown, reason?: string): void {
    if (this.#warned.has(event)) return;
    this.#warned.add(event);
    const code = isSystemError(error) ? error.code : error instanceof Error ? error.name : reason;
    this.#log.warn(event, code === undefined ? {} : { reason: code });
  }
}

function first<Key, Value>(map: ReadonlyMap<Key, Value>): readonly [Key, Value] | undefined {
  return map.entries().next().value;
}
