import { type Stats, statSync } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { writeFileAtomic } from '#lib/bytes/atomic';
import { isSystemError } from '#lib/bytes/systemerror';

/** What is known of a file of a folder without reading it again. */
export interface CatalogueEntry {
  readonly file: string;
  /** Octets, and milliseconds since 1970: a file with others has changed. */
  readonly size: number;
  readonly time: number;
  /** Of the primary key and the subkeys, upper-case hexadecimal. Empty where the file is damaged. */
  readonly fingerprints: readonly string[];
  /** Folded addresses of all user IDs, valid or not. */
  readonly addresses: readonly string[];
  /** What is wrong with the file. */
  readonly problem?: string;
}

/** What a file holds, as the catalogue's owner reads it. */
export type Describe = (path: string) => Promise<Pick<CatalogueEntry, 'fingerprints' | 'addresses' | 'problem'>>;

/** The form of the stored catalogue; a file with another number is made anew. */
const VERSION = 1;

/** Milliseconds. A folder changed this recently may change again without its time telling: clocks of file systems tick slowly. */
const RACY = 100;

/** Files looked at before others get their turn. */
const BATCH = 250;

interface Stored {
  readonly version: typeof VERSION;
  /** The folder's modification time when it was read, 0 where that tells nothing. */
  readonly folderTime: number;
  readonly entries: readonly CatalogueEntry[];
}

const NOTHING: Stored = { version: VERSION, folderTime: 0, entries: [] };

/**
 * What the files of a folder are, kept beside it, so that a look-up among thousands reads only the ones that it needs. It is a
 * cache: the folder is the truth, files may be put there or taken away by hand, and the catalogue follows.
 */
export class Catalogue {
  readonly #folder: string;
  readonly #path: string;
  readonly #describe: Describe;
  readonly #mode: number;
  #stored: Stored | undefined;
  #frozen = false;

  /** `path` is where the catalogue is stored, outside the folder, and `mode` who may read it. */
  constructor(folder: string, path: string, mode: number, describe: Describe) {
    this.#folder = folder;
    this.#path = path;
    this.#mode = mode;
    this.#describe = describe;
  }

  /**
   * The entries as of the folder's last change. Every atomic write changes a folder's time; a file that was edited in place goes
   * unnoticed here, so who finds nothing asks `scan`.
   */
  async entries(): Promise<readonly CatalogueEntry[]> {
    this.#stored ??= await this.#load();
    if (this.#frozen) return this.#stored.entries;
    const time = await folderTime(this.#folder);
    if (time === undefined) return [];
    return time === this.#stored.folderTime ? this.#stored.entries : this.scan();
  }

  /** The entries after a look at each file; those with another size or time are read. */
  async scan(): Promise<readonly CatalogueEntry[]> {
    this.#stored ??= await this.#load();
    if (this.#frozen) return this.#stored.entries;
    const known = new Map(this.#stored.entries.map((entry) => [entry.file, entry]));
    const time = await folderTime(this.#folder);
    if (time === undefined) return [];
    const entries: CatalogueEntry[] = [];
    for (const [i, file] of (await readdir(this.#folder)).sort().entries()) {
      if (i % BATCH === BATCH - 1) await setImmediate();
      const entry = isKeyFile(file) ? await this.#look(file, known.get(file)) : undefined;
      if (entry !== undefined) entries.push(entry);
    }
    const stored: Stored = { version: VERSION, folderTime: Date.now() - time > RACY ? time : 0, entries };
    const changed = stored.folderTime !== this.#stored.folderTime || !isSameList(entries, this.#stored.entries);
    this.#stored = stored;
    if (changed) await this.#store(stored);
    return entries;
  }

  /** From now on only `put` and `drop` change the entries: for who writes many files and is alone in doing so. */
  async freeze(): Promise<void> {
    await this.scan();
    this.#frozen = true;
  }

  /** Follows the folder again. */
  async thaw(): Promise<void> {
    this.#frozen = false;
    await this.scan();
  }

  /** Takes note of a file that has been written. */
  async put(file: string): Promise<void> {
    const entry = await this.#look(file, undefined);
    this.drop(file);
    if (entry !== undefined) this.#stored = { ...this.#known, folderTime: 0, entries: [...this.#known.entries, entry] };
  }

  /** Takes note of a file that is gone. */
  drop(file: string): void {
    const entries = this.#known.entries.filter((entry) => entry.file !== file);
    this.#stored = { ...this.#known, folderTime: 0, entries };
  }

  get #known(): Stored {
    return this.#stored ?? NOTHING;
  }

  async #look(file: string, known: CatalogueEntry | undefined): Promise<CatalogueEntry | undefined> {
    const path = join(this.#folder, file);
    // A thousand waits for the thread pool take ten times as long as a thousand system calls.
    const stats: Stats | undefined = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    // What could not be read is tried again: only its permissions may have changed.
    const isKnown = known?.size === stats.size && known.time === stats.mtimeMs && known.problem === undefined;
    if (isKnown) return known;
    return { file, size: stats.size, time: stats.mtimeMs, ...(await this.#describe(path)) };
  }

  async #load(): Promise<Stored> {
    try {
      const stored: unknown = JSON.parse(await readFile(this.#path, 'utf8'));
      return isStored(stored) ? stored : NOTHING;
    } catch (error) {
      // None yet, not ours to read, or damaged: it is made anew from the folder.
      if (error instanceof SyntaxError || isSystemError(error)) return NOTHING;
      throw error;
    }
  }

  async #store(stored: Stored): Promise<void> {
    try {
      await writeFileAtomic(this.#path, Buffer.from(JSON.stringify(stored)), this.#mode);
    } catch (error) {
      // A delivery filter may read the state folder and not write it, or its disk is full: then it only takes longer.
      if (!isSystemError(error)) throw error;
    }
  }
}

/** Files that hold a certificate or key. Others, and those that are being written, begin with a dot or are none of ours. */
export function isKeyFile(name: string): boolean {
  return !name.startsWith('.') && /\.(?:asc|pgp|gpg)$/.test(name);
}

async function folderTime(folder: string): Promise<number | undefined> {
  try {
    return (await stat(folder)).mtimeMs;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isSameList(one: readonly CatalogueEntry[], other: readonly CatalogueEntry[]): boolean {
  return one.length === other.length && one.every((entry, i) => entry === other[i]);
}

function isStored(value: unknown): value is Stored {
  return (
    isRecord(value) &&
    value['version'] === VERSION &&
    typeof value['folderTime'] === 'number' &&
    Array.isArray(value['entries']) &&
    value['entries'].every(isEntry)
  );
}

function isEntry(value: unknown): value is CatalogueEntry {
  return (
    isRecord(value) &&
    typeof value['file'] === 'string' &&
    typeof value['size'] === 'number' &&
    typeof value['time'] === 'number' &&
    isTexts(value['fingerprints']) &&
    isTexts(value['addresses']) &&
    ['string', 'undefined'].includes(typeof value['problem'])
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}
