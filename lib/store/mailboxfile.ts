import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm, utimes } from 'node:fs/promises';
import { FRAME_HEAD_SIZE, FrameCodec, type FrameHead, groupIntoFrames } from './frame.js';
import type { IndexKeys } from './keys.js';
import { LIMITS } from './limits.js';
import { LARGEST_UID, type IndexedMessage, type UIDRange, decodeEntries, overlaps } from './message.js';
import { WindowReader, readAt, unlessMissing, writeWhole } from './pieces.js';

/** How often a file is looked through again for what stands inside broken frames. */
const ATTEMPTS = 4;

const EVERYTHING: readonly UIDRange[] = [{ first: 1, last: LARGEST_UID }];

interface Frame extends FrameHead {
  readonly at: number;
}

/** What is in a file. */
interface Known {
  /** Two files never have the same. */
  readonly identity: string;
  readonly frames: readonly Frame[];
  /** The file has been looked through up to here. What is behind it is not whole, or not yet. */
  readonly end: number;
}

interface Opened extends Known {
  readonly file: FileHandle;
}

/**
 * The file of one mailbox: frames, one behind the other, the newest at the end. Anybody may append at any time, also another
 * process, and the file may be replaced by a tidier one, or be gone. So it is opened for each use, and only where frames begin
 * is kept in memory. What is no frame, because somebody was killed in the middle of writing or because the file is damaged, is
 * passed over. All methods reject with the system's errors.
 */
export class MailboxFile {
  readonly name: string;
  readonly #path: string;
  readonly #codec: FrameCodec;
  #known: Known = { identity: '', frames: [], end: 0 };
  /** The identity of a file in which something was found that is no frame. */
  #damaged: string | undefined;
  /** Where in the known file something begins that looks like a frame and does not open. */
  readonly #broken = new Set<number>();

  constructor(path: string, keys: IndexKeys, name: string) {
    this.#path = path;
    this.name = name;
    this.#codec = new FrameCodec(keys, name);
  }

  /** Whether something is in the file that is no frame. */
  get isDamaged(): boolean {
    return this.#damaged !== undefined && this.#damaged === this.#known.identity;
  }

  /**
   * What is known of the messages in these ranges, which are sorted: frame by frame, from the newest, because of a UID the newest
   * counts. UIDs in `seen` are left out, and those found are added to it.
   */
  async *read(ranges: readonly UIDRange[], seen: Set<number>): AsyncGenerator<readonly IndexedMessage[], void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const broken = this.#broken.size;
      yield* this.#readOnce(ranges, seen);
      // Whole frames may stand where the rest of a broken one should be.
      if (this.#broken.size === broken) return;
    }
  }

  async *#readOnce(ranges: readonly UIDRange[], seen: Set<number>): AsyncGenerator<readonly IndexedMessage[], void> {
    const opened = await this.#open();
    if (opened === undefined) return;
    try {
      const wanted = opened.frames.filter((frame) => overlaps(ranges, frame).length > 0);
      for (const run of runsFromTheEnd(wanted)) {
        const start = run[0]?.at ?? 0;
        const octets = await readAt(opened.file, start, endOf(run.at(-1)) - start);
        for (const frame of run.toReversed()) {
          const content = this.#entriesOf(opened, frame.at, octets.subarray(frame.at - start, endOf(frame) - start));
          if (content === undefined) continue;
          const messages = decodeEntries(content, ranges).filter(({ uid }) => !seen.has(uid));
          for (const { uid } of messages) seen.add(uid);
          if (messages.length > 0) yield messages;
        }
      }
    } finally {
      await opened.file.close();
    }
  }

  /** All messages of the frames that this UID may be in, a frame at a time, from the newest. */
  async *around(uid: number): AsyncGenerator<readonly IndexedMessage[], void> {
    const opened = await this.#open();
    if (opened === undefined) return;
    try {
      const frames = opened.frames.filter(({ first, last }) => first <= uid && uid <= last);
      for (const frame of frames.slice(-LIMITS.candidates).toReversed()) {
        const content = this.#entriesOf(opened, frame.at, await readAt(opened.file, frame.at, frame.size));
        if (content !== undefined) yield decodeEntries(content, EVERYTHING);
      }
    } finally {
      await opened.file.close();
    }
  }

  /** Seals messages that belong into one frame (frame.ts), and appends it. Resolves to the octets written. */
  async append(messages: readonly IndexedMessage[]): Promise<number> {
    const frame = this.#codec.seal(messages);
    const file = await open(this.#path, 'a', 0o600);
    try {
      // In one piece, so that the system does not mix it with what others append.
      await writeWhole(file, frame);
    } finally {
      await file.close();
    }
    return frame.length;
  }

  /** Marks the file, if there is one, as used now. */
  async touch(): Promise<void> {
    const now = new Date();
    await utimes(this.#path, now, now).catch(unlessMissing);
  }

  /** Writes the file anew where that joins many small frames, or leaves damage behind. */
  async tidy(): Promise<void> {
    await this.#rewrite((frames) => {
      const groups = groupsOf(frames);
      const isScattered = frames.length >= LIMITS.fewFrames && frames.length >= 2 * groups.length;
      return isScattered || this.isDamaged ? groups : undefined;
    });
  }

  /** Writes the file anew with its newest frames alone, of so many octets at most. */
  async shrink(size: number): Promise<void> {
    await this.#rewrite((frames) => {
      const start = endOf(frames.at(-1)) - size;
      return groupsOf(frames.filter(({ at }) => at >= start));
    });
  }

  /** The file, looked through to its end. Undefined where there is none. */
  async #open(): Promise<Opened | undefined> {
    const file = await open(this.#path, 'r').catch(unlessMissing);
    if (file === undefined) return undefined;
    try {
      const { ino, birthtimeMs, size } = await file.stat();
      const identity = `${ino} ${birthtimeMs}`;
      const isKnown = identity === this.#known.identity && size >= this.#known.end;
      if (identity !== this.#known.identity) this.#broken.clear();
      const known = await this.#look(file, size, isKnown ? this.#known : { identity, frames: [], end: 0 });
      this.#known = known;
      return { ...known, file };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Finds the frames behind those that are known. */
  async #look(file: FileHandle, size: number, known: Known): Promise<Known> {
    if (size === known.end) return known;
    const reader = new WindowReader(file, size);
    const frames = [...known.frames];
    let at = known.end;
    while (at < size) {
      const head = this.#codec.openHead(await reader.at(at, FRAME_HEAD_SIZE));
      if (head !== undefined && (await this.#isWhole(file, reader, { ...head, at }, size))) {
        frames.push({ ...head, at });
        at += head.size;
        continue;
      }
      const next = await reader.find(this.#codec.marker, at + 1);
      // Nothing behind it: it may be what somebody is writing just now.
      if (next === undefined) break;
      this.#damaged = known.identity;
      at = next;
    }
    return { ...known, frames, end: at };
  }

  /** Whether the frame has been written to its end. If it has not, others may stand where its octets should be. */
  async #isWhole(file: FileHandle, reader: WindowReader, frame: Frame, size: number): Promise<boolean> {
    const end = endOf(frame);
    if (this.#broken.has(frame.at)) return false;
    if (end >= size) return end === size;
    const behind = await reader.at(end, this.#codec.marker.length);
    if (behind.equals(this.#codec.marker.subarray(0, behind.length))) return true;
    return this.#codec.openEntries(await readAt(file, frame.at, frame.size)) !== undefined;
  }

  #entriesOf({ identity }: Opened, at: number, frame: Buffer): Buffer | undefined {
    const content = this.#codec.openEntries(frame);
    if (content === undefined) {
      this.#damaged = identity;
      // What is remembered of the file may be wrong.
      if (this.#known.identity === identity) {
        this.#known = { identity, frames: [], end: 0 };
        this.#broken.add(at);
      }
    }
    return content;
  }

  /** `choose` tells which frames go into a new file, and which of them together; undefined where none is wanted. */
  async #rewrite(choose: (frames: readonly Frame[]) => readonly (readonly Frame[])[] | undefined): Promise<void> {
    const opened = await this.#open();
    if (opened === undefined) return;
    const temporary = `${this.#path}.${randomBytes(8).toString('hex')}${UNFINISHED}`;
    try {
      const groups = choose(opened.frames);
      if (groups === undefined) return;
      const to = await open(temporary, 'wx', 0o600);
      try {
        for (const group of groups) await this.#copy(opened, group, to);
        // What others have appended meanwhile. What comes between this and the new name is lost, and will be found out again.
        const { size } = await opened.file.stat();
        if (size > opened.end) await writeWhole(to, await readAt(opened.file, opened.end, size - opened.end));
      } finally {
        await to.close();
      }
      await rename(temporary, this.#path);
    } finally {
      await opened.file.close();
      await rm(temporary, { force: true });
    }
  }

  /** One frame as it is; the messages of several as one frame. What cannot be opened is left out. */
  async #copy(opened: Opened, group: readonly Frame[], to: FileHandle): Promise<void> {
    const messages = new Map<number, IndexedMessage>();
    for (const frame of group) {
      const octets = await readAt(opened.file, frame.at, frame.size);
      const content = this.#entriesOf(opened, frame.at, octets);
      if (content === undefined) continue;
      if (group.length === 1) await writeWhole(to, octets);
      else for (const message of decodeEntries(content, EVERYTHING)) messages.set(message.uid, message);
    }
    const sorted = [...messages.values()].sort((a, b) => a.uid - b.uid);
    for (const frame of groupIntoFrames(sorted)) await writeWhole(to, this.#codec.seal(frame));
  }
}

/** How the names of files end that are not finished. */
export const UNFINISHED = '.new';

function endOf(frame: Frame | undefined): number {
  return frame === undefined ? 0 : frame.at + frame.size;
}

/** Neighbours that fit into one frame together. Their order stays, so that of a UID the newest still counts. */
function groupsOf(frames: readonly Frame[]): readonly (readonly Frame[])[] {
  const groups: Frame[][] = [];
  let size = 0;
  for (const frame of frames) {
    size += frame.size;
    const group = groups.at(-1);
    if (group !== undefined && size <= LIMITS.frame) {
      group.push(frame);
    } else {
      groups.push([frame]);
      size = frame.size;
    }
  }
  return groups;
}

/** Frames that stand side by side, up to what is read at once, from the end of the file to its beginning. */
function runsFromTheEnd(frames: readonly Frame[]): readonly (readonly Frame[])[] {
  const runs: Frame[][] = [];
  let size = 0;
  for (const frame of frames.toReversed()) {
    const run = runs.at(-1);
    size += frame.size;
    if (run !== undefined && endOf(frame) === run[0]?.at && size <= LIMITS.read) {
      run.unshift(frame);
    } else {
      runs.push([frame]);
      size = frame.size;
    }
  }
  return runs;
}
