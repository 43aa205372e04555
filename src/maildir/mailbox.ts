import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, unlink } from 'node:fs/promises';
import { fileSource } from '#lib/bytes/file';
import type { Source } from '#lib/bytes/source';
import { isSystemError } from '#lib/bytes/systemerror';
import { Exit, Failure } from '../exit.js';
import type { Directory } from './directory.js';
import type { Folder } from './folder.js';
import { type FileIdentity, parseName, sizeField, stemOf } from './name.js';

/** A message file, as a listing found it. */
export interface Entry {
  readonly where: 'cur' | 'new';
  readonly name: string;
}

/** The state of a file with all its digits: seconds as a number would lose some. */
export interface FileState extends FileIdentity {
  readonly mode: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly atimeNs: bigint;
}

/** An open message file. */
export interface MessageFile {
  readonly handle: FileHandle;
  readonly state: FileState;
  readonly source: Source;
}

/** How our files in `tmp` begin. */
const TEMPORARY = 'postern-maildir.';

/** How often a listing is repeated before a name counts as gone: one may miss a file that is renamed meanwhile (readdir(3p)). */
const LISTINGS = 3;

/** How often a client may rename one message while we try to lay hands on it. */
export const ATTEMPTS = 20;

/** First octets of files that hold no message but what a Dovecot plugin made of one, and which plugin. */
const WRAPPED: readonly (readonly [magic: Buffer, what: string])[] = [
  [Buffer.from('1f8b', 'hex'), 'compressed (gzip)'],
  [Buffer.from('BZh'), 'compressed (bzip2)'],
  [Buffer.from('fd377a585a00', 'hex'), 'compressed (xz)'],
  [Buffer.from('Dovecot-LZ4\r*\x9b\xc5', 'latin1'), 'compressed (LZ4)'],
  [Buffer.from('28b52ffd', 'hex'), 'compressed (Zstandard)'],
  [Buffer.from('CRYPTED\x03\x07', 'latin1'), 'encrypted by Dovecot’s mail-crypt'],
];

/** A mailbox whose `cur` and `new` are held open. */
export class Mailbox {
  readonly folder: Folder;
  readonly top: Directory;
  readonly #cur: Directory;
  readonly #new: Directory | undefined;
  /** Opened once for all that convert messages side by side. */
  #tmp: Promise<Directory> | undefined;
  #temporaries = 0;

  private constructor(folder: Folder, top: Directory, cur: Directory, fresh: Directory | undefined) {
    this.folder = folder;
    this.top = top;
    this.#cur = cur;
    this.#new = fresh;
  }

  /** Opens a mailbox below `root`, one level after the other, following no symbolic link. */
  static async open(root: Directory, folder: Folder): Promise<Mailbox> {
    let top = await root.open('.');
    try {
      for (const name of folder.path === '' ? [] : folder.path.split('/')) {
        const next = await top.open(name);
        await top.close();
        top = next;
      }
      const cur = await top.open('cur');
      try {
        return new Mailbox(folder, top, cur, await openIfThere(top, 'new'));
      } catch (error) {
        await cur.close();
        throw error;
      }
    } catch (error) {
      await top.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    // Where it could not be opened, who asked for it has been told.
    await (await this.#tmp?.catch(() => undefined))?.close();
    await this.#new?.close();
    await this.#cur.close();
    await this.top.close();
  }

  /** The message files, oldest first by their names. `new` comes first in a listing: files move from there to `cur`. */
  async list(): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (const where of ['new', 'cur'] as const) {
      for (const entry of (await this.#at(where)?.entries()) ?? []) {
        if (entry.isFile() && !entry.name.startsWith('.')) entries.push({ where, name: entry.name });
      }
    }
    const time = ({ name }: Entry): number => Number.parseInt(name, 10) || 0;
    return entries.sort((a, b) => time(a) - time(b) || (a.name < b.name ? -1 : 1));
  }

  /** The path of a message file, good while the mailbox is open. */
  path(entry: Entry): string {
    return this.#folderOf(entry).path(entry.name);
  }

  /** Opens a message file. ENOENT where it is gone, ELOOP where it is a symbolic link; a Failure (65) where it holds no message. */
  async openMessage(entry: Entry): Promise<MessageFile> {
    const handle = await open(this.path(entry), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const state = await handle.stat({ bigint: true });
      if (!state.isFile()) throw new Failure(Exit.dataError, 'It is not a regular file.');
      const head = Buffer.alloc(16);
      const { bytesRead } = await handle.read(head, 0, head.length, 0);
      const wrapped = WRAPPED.find(([magic]) => head.subarray(0, bytesRead).indexOf(magic) === 0);
      if (wrapped !== undefined) {
        throw new Failure(Exit.dataError, `It is ${wrapped[1]}. Let Dovecot store it as it is first (doveadm sync).`);
      }
      return { handle, state, source: fileSource(handle, Number(state.size)) };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The same for a file whose flags may have changed since the listing; undefined where it is gone. */
  async openAnywhere(entry: Entry): Promise<{ readonly file: MessageFile; readonly at: Entry } | undefined> {
    let at: Entry | undefined = entry;
    for (let i = 0; at !== undefined && i < ATTEMPTS; i++) {
      try {
        return { file: await this.openMessage(at), at };
      } catch (error) {
        if (!isSystemError(error, 'ENOENT')) throw error;
        const gone: Entry = at;
        at = await this.#search(gone, () => Promise.resolve(true));
      }
    }
    return undefined;
  }

  /** The file's size: what its name says, or what the disk says. */
  async size(entry: Entry): Promise<number> {
    return sizeField(parseName(entry.name), 'S') ?? (await lstat(this.path(entry))).size;
  }

  /** True while the entry is the name of this very file. */
  async isAt(entry: Entry, file: FileIdentity): Promise<boolean> {
    try {
      return (await lstat(this.path(entry), { bigint: true })).ino === file.ino;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** The file's present name: clients change flags by renaming, and Dovecot moves from `new` to `cur`. Undefined where it is gone. */
  async find(last: Entry, file: FileIdentity): Promise<Entry | undefined> {
    if (await this.isAt(last, file)) return last;
    return this.#search(last, (entry) => this.isAt(entry, file));
  }

  async #search(last: Entry, test: (entry: Entry) => Promise<boolean>): Promise<Entry | undefined> {
    const stem = stemOf(last.name);
    for (let i = 0; i < LISTINGS; i++) {
      for (const where of ['new', 'cur'] as const) {
        for (const { name } of (await this.#at(where)?.entries()) ?? []) {
          if (stemOf(name) === stem && (await test({ where, name }))) return { where, name };
        }
      }
    }
    return undefined;
  }

  /** Names added to and removed from `cur` or `new` so far are on the disk afterwards. */
  sync(where: Entry['where']): Promise<void> {
    return this.#folderOf({ where }).sync();
  }

  /** The same for both. */
  async syncAll(): Promise<void> {
    await this.#cur.sync();
    await this.#new?.sync();
  }

  /** The path of a new file in `tmp`, which is made where it is missing. */
  async temporary(): Promise<string> {
    const tmp = await (this.#tmp ??= this.#openTmp());
    return tmp.path(`${TEMPORARY}${process.pid}.${this.#temporaries++}`);
  }

  /** Removes what a killed run has left in `tmp`. Only for who holds the mailbox's lock. */
  async sweep(): Promise<void> {
    const tmp = await openIfThere(this.top, 'tmp');
    try {
      for (const entry of (await tmp?.entries()) ?? []) {
        if (tmp !== undefined && entry.isFile() && entry.name.startsWith(TEMPORARY)) await unlink(tmp.path(entry.name));
      }
    } finally {
      await tmp?.close();
    }
  }

  async #openTmp(): Promise<Directory> {
    const there = await openIfThere(this.top, 'tmp');
    if (there !== undefined) return there;
    await mkdir(this.top.path('tmp'), 0o700);
    return this.top.open('tmp');
  }

  #at(where: Entry['where']): Directory | undefined {
    return where === 'cur' ? this.#cur : this.#new;
  }

  #folderOf({ where }: Pick<Entry, 'where'>): Directory {
    const directory = this.#at(where);
    if (directory === undefined) throw new Error('The mailbox has no folder “new”.');
    return directory;
  }
}

async function openIfThere(top: Directory, name: string): Promise<Directory | undefined> {
  try {
    return await top.open(name);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
