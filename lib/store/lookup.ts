import { type Entry, FingerprintTable } from './fingerprints.js';
import type { IndexFolder } from './folder.js';
import type { IndexKeys } from './keys.js';
import { LIMITS } from './limits.js';
import type { MailboxFile } from './mailboxfile.js';
import type { IndexedMessage } from './message.js';

/** The messages of a frame, by UID. */
interface Decrypted {
  readonly file: MailboxFile;
  readonly messages: ReadonlyMap<number, IndexedMessage>;
}

/** Finds messages by fingerprint. The methods throw and reject with the system's errors. */
export class Lookup {
  readonly #folder: IndexFolder;
  readonly #table: FingerprintTable;
  readonly #file: (name: string) => MailboxFile;
  /** Names of mailbox files by what the table has of them. Empty for those that are gone. */
  readonly #names = new Map<string, string>();
  /** Messages that are looked up one after the other mostly stood in one mailbox, side by side. */
  #decrypted: Decrypted[] = [];

  /** `file` gives the mailbox file of that name. */
  constructor(folder: IndexFolder, keys: IndexKeys, file: (name: string) => MailboxFile) {
    this.#folder = folder;
    this.#table = new FingerprintTable(folder.table, keys);
    this.#file = file;
  }

  async find(fingerprint: Buffer): Promise<IndexedMessage | undefined> {
    const place = this.#table.get(fingerprint);
    if (place === undefined) return undefined;
    const { mailbox, uid } = place;
    const name = this.#names.get(mailbox) ?? (await this.#nameOf(mailbox));
    if (name === '') return undefined;
    const file = this.#file(name);
    const fits = (message: IndexedMessage | undefined): message is IndexedMessage =>
      message?.fingerprint.equals(fingerprint) === true;
    for (const known of this.#decrypted) {
      const message = known.file === file ? known.messages.get(uid) : undefined;
      if (fits(message)) return message;
    }
    for await (const frame of file.around(uid)) {
      const messages = new Map(frame.map((message) => [message.uid, message]));
      if (!messages.has(uid)) continue;
      this.#decrypted = [{ file, messages }, ...this.#decrypted.slice(0, LIMITS.decrypted - 1)];
      const message = messages.get(uid);
      return fits(message) ? message : undefined;
    }
    return undefined;
  }

  /** That these messages are in this file now, for `add`. */
  entries(file: MailboxFile, messages: readonly IndexedMessage[]): readonly Entry[] {
    const mailbox = nameInTable(file.name);
    return messages
      .filter(({ fingerprint }) => fingerprint.length > 0)
      .map(({ fingerprint, uid }) => this.#table.entry(fingerprint, { mailbox, uid }));
  }

  /** Notes where messages of this file are. */
  async add(file: MailboxFile, entries: readonly Entry[]): Promise<void> {
    this.#names.set(nameInTable(file.name), file.name);
    this.forget();
    await this.#table.put(entries);
  }

  /** Forgets what was decrypted: a mailbox is gone, or says something else now. */
  forget(): void {
    this.#decrypted = [];
  }

  close(): void {
    this.#table.close();
    this.forget();
  }

  async #nameOf(mailbox: string): Promise<string> {
    for (const { name } of await this.#folder.files()) this.#names.set(nameInTable(name), name);
    const name = this.#names.get(mailbox) ?? '';
    this.#names.set(mailbox, name);
    return name;
  }
}

/** What the table has of the name of a mailbox's file: digits of the mark for mailbox and UIDVALIDITY. */
function nameInTable(name: string): string {
  return name.slice(33, 33 + 12);
}
