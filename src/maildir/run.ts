import { isSystemError } from '#lib/bytes/systemerror';
import { Exit, type ExitCode, Failure } from '../exit.js';
import { explain } from '../explain.js';
import { Directory } from './directory.js';
import { findFolders, type Folder, type FoundFolders, pickFolders } from './folder.js';
import { lockFolder } from './lock.js';
import { type Entry, Mailbox } from './mailbox.js';
import { stemOf } from './name.js';
import { type Conversion, type Outcome, replaceMessage } from './replace.js';
import { finishInterrupted } from './resume.js';

/** A message that could not be converted and was left as it was. */
export interface MessageFailure {
  /** Path below the user's folder. */
  readonly file: string;
  /** Why, as a sentence. */
  readonly reason: string;
  readonly exitCode: ExitCode;
}

/** Messages and their octets. */
export interface Count {
  messages: number;
  octets: number;
}

/** What a run has done. */
export interface RunResult {
  readonly folders: number;
  readonly converted: Count;
  /** Octets of the converted messages in their new form. */
  readonly octetsAfter: number;
  /** Had the form that is wanted already. */
  readonly skipped: Count;
  /** Are encrypted and stay so. */
  readonly foreign: Count;
  readonly failures: readonly MessageFailure[];
  /** Symbolic links that were not followed. */
  readonly links: readonly string[];
  /** The signal came, or the disk was full, before the end. */
  readonly unfinished: false | 'interrupted' | 'full';
}

export interface RunOptions {
  /** The user's folder: a Maildir, or a folder of Maildirs. */
  readonly root: string;
  /** Names of the folders to work on; all where it is empty. */
  readonly names?: readonly string[];
  readonly conversion: Conversion;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  /** Told the whole of the work before it begins. */
  readonly onTotal?: (total: Readonly<Count>) => void;
  /** Told the octets of each message that has been dealt with. */
  readonly onMessage?: (octets: number) => void;
  readonly onFailure?: (failure: MessageFailure) => void;
}

/** Messages under way at a time: while one waits for the disk to confirm, another is worked on. */
const LANES = 4;

/** Listings of all folders: what is moved or delivered during the run is met in the next. */
const ROUNDS = 3;

/** After so many messages in a row for which the disk was full, the rest is not tried. */
const FULL_LIMIT = 10;

/**
 * Converts all messages in a Maildir and its folders. A message that fails is left as it was, and the rest goes on.
 * @throws Failure where the folder is no Maildir, a named folder is missing or another run is at work.
 */
export async function runConversion(options: RunOptions): Promise<RunResult> {
  const root = await Directory.open(options.root);
  try {
    const { folders, links } = await chooseFolders(root, options.root, options.names ?? []);
    if (options.dryRun === true) return await new Run(root, folders, links, options).all();
    const unlock = await lockFolder(root, options.root);
    try {
      return await new Run(root, folders, links, options).all();
    } finally {
      await unlock();
    }
  } finally {
    await root.close();
  }
}

/** The folders to work on. */
export async function chooseFolders(root: Directory, shown: string, names: readonly string[]): Promise<FoundFolders> {
  const { folders, links } = await findFolders(root);
  if (folders.length === 0)
    throw new Failure(Exit.noInput, `${shown} is no Maildir: neither it nor a folder below it has a folder “cur”.`);
  if (names.length === 0) return { folders, links };
  const chosen = new Set<Folder>();
  for (const name of names) {
    const picked = pickFolders(folders, name);
    if (picked.length === 0) {
      const known = folders.map((folder) => folder.name).join(', ');
      throw new Failure(Exit.noInput, `${shown} has no folder “${name}”. It has: ${known}.`);
    }
    for (const folder of picked) chosen.add(folder);
  }
  return { folders: [...chosen], links };
}

class Run {
  readonly #root: Directory;
  readonly #folders: readonly Folder[];
  readonly #links: readonly string[];
  readonly #options: RunOptions;
  readonly #converted: Count = { messages: 0, octets: 0 };
  readonly #skipped: Count = { messages: 0, octets: 0 };
  readonly #foreign: Count = { messages: 0, octets: 0 };
  readonly #failures: MessageFailure[] = [];
  /** For each folder's path the names, without flags, that need no look any more. */
  readonly #seen = new Map<string, Set<string>>();
  /** Folders that could not be worked on. */
  readonly #broken = new Set<Folder>();
  #octetsAfter = 0;
  #full = 0;

  constructor(root: Directory, folders: readonly Folder[], links: readonly string[], options: RunOptions) {
    this.#root = root;
    this.#folders = folders;
    this.#links = links;
    this.#options = options;
  }

  async all(): Promise<RunResult> {
    if (this.#options.onTotal !== undefined) this.#options.onTotal(await this.#measure());
    for (let round = 0; round < ROUNDS; round++) {
      let fresh = 0;
      for (const folder of this.#folders) {
        if (this.#isStopped()) break;
        fresh += await this.#folder(folder, round === 0);
      }
      if (fresh === 0 || this.#isStopped() || this.#options.dryRun === true) break;
    }
    return {
      folders: this.#folders.length,
      converted: this.#converted,
      octetsAfter: this.#octetsAfter,
      skipped: this.#skipped,
      foreign: this.#foreign,
      failures: this.#failures,
      links: this.#links,
      unfinished: this.#isFull() ? 'full' : this.#isAborted() && 'interrupted',
    };
  }

  #isAborted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  #isFull(): boolean {
    return this.#full >= FULL_LIMIT;
  }

  #isStopped(): boolean {
    return this.#isAborted() || this.#isFull();
  }

  async #measure(): Promise<Count> {
    const total: Count = { messages: 0, octets: 0 };
    for (const folder of this.#folders) {
      const mailbox = await Mailbox.open(this.#root, folder);
      try {
        for (const entry of await mailbox.list()) {
          total.messages++;
          total.octets += await mailbox.size(entry);
        }
      } finally {
        await mailbox.close();
      }
    }
    return total;
  }

  /** Converts one folder's messages that have not been seen yet, and says how many there were. */
  async #folder(folder: Folder, first: boolean): Promise<number> {
    if (this.#broken.has(folder)) return 0;
    let mailbox: Mailbox;
    try {
      mailbox = await Mailbox.open(this.#root, folder);
    } catch (error) {
      // A client has deleted the folder since it was found.
      if (isSystemError(error, 'ENOENT')) return 0;
      return this.#failFolder(folder, error);
    }
    try {
      const unlock =
        folder.path === '' || this.#options.dryRun === true ? undefined : await lockFolder(mailbox.top, folder.path);
      try {
        if (first && this.#options.dryRun !== true) await mailbox.sweep();
        return await this.#messages(mailbox);
      } finally {
        await unlock?.();
      }
    } catch (error) {
      return this.#failFolder(folder, error);
    } finally {
      await mailbox.close();
    }
  }

  async #messages(mailbox: Mailbox): Promise<number> {
    const seen = this.#seen.get(mailbox.folder.path) ?? new Set<string>();
    this.#seen.set(mailbox.folder.path, seen);
    let entries = await mailbox.list();
    if (this.#options.dryRun !== true) {
      const finished = await finishInterrupted(mailbox, entries, this.#options.conversion);
      for (const { before, after } of finished.converted) this.#count(before, after);
      for (const failure of finished.failures) {
        for (const { name } of failure.entries) seen.add(stemOf(name));
        this.#fail(filePath(mailbox.folder, failure.entries[0]), failure.error);
      }
      entries = await mailbox.list();
    }
    const fresh = entries.filter(({ name }) => !seen.has(stemOf(name)));
    const next = byStem(fresh).values();
    const lane = async (): Promise<void> => {
      for (const entries of next) {
        for (const entry of entries) {
          if (this.#isStopped()) return;
          seen.add(stemOf(entry.name));
          const outcome = await this.#message(mailbox, entry);
          if (outcome?.kind === 'converted') seen.add(stemOf(outcome.name));
        }
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    if (this.#options.dryRun !== true) await mailbox.syncAll();
    return fresh.length;
  }

  async #message(mailbox: Mailbox, entry: Entry): Promise<Outcome | undefined> {
    try {
      const { conversion, dryRun = false, signal } = this.#options;
      const outcome = await replaceMessage(mailbox, entry, { conversion, dryRun, ...(signal && { signal }) });
      if (outcome.kind === 'converted') this.#count(outcome.before, outcome.after);
      if (outcome.kind === 'skip' || outcome.kind === 'foreign') {
        const count = outcome.kind === 'skip' ? this.#skipped : this.#foreign;
        count.messages++;
        count.octets += outcome.before;
      }
      this.#full = 0;
      this.#options.onMessage?.(outcome.kind === 'gone' ? 0 : outcome.before);
      return outcome;
    } catch (error) {
      if (this.#isAborted()) return undefined;
      this.#fail(filePath(mailbox.folder, entry), error);
      this.#full = ['ENOSPC', 'EDQUOT', 'EROFS'].some((code) => isSystemError(error, code)) ? this.#full + 1 : 0;
      return undefined;
    }
  }

  #count(before: number, after: number): void {
    this.#converted.messages++;
    this.#converted.octets += before;
    this.#octetsAfter += after;
  }

  #failFolder(folder: Folder, error: unknown): 0 {
    this.#broken.add(folder);
    this.#fail(folder.path === '' ? '.' : folder.path, error);
    return 0;
  }

  #fail(file: string, error: unknown): void {
    const { message: reason, exitCode } = explain(error, true);
    const failure: MessageFailure = { file, reason, exitCode };
    this.#failures.push(failure);
    this.#options.onFailure?.(failure);
  }
}

/**
 * The entries that share a name but for the flags. One lane takes them one after the other: a file that is renamed during the listing
 * stands in it twice, and of two lanes at one message each would take the other's removal of the original for a deletion.
 */
function byStem(entries: readonly Entry[]): Map<string, readonly Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const group = groups.get(stemOf(entry.name));
    if (group === undefined) groups.set(stemOf(entry.name), [entry]);
    else group.push(entry);
  }
  return groups;
}

function filePath({ path }: Folder, { where, name }: Entry): string {
  return path === '' ? `${where}/${name}` : `${path}/${where}/${name}`;
}

/** The exit code of a run: 65 where what failed will fail again, 75 where trying again makes sense. */
export function exitCodeOf({ failures, unfinished }: RunResult): ExitCode {
  if (unfinished !== false) return Exit.tempFail;
  if (failures.length === 0) return Exit.ok;
  return failures.every(({ exitCode }) => exitCode === Exit.dataError) ? Exit.dataError : Exit.tempFail;
}
