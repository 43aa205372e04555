/**
 * One message is converted. The order of steps is what makes it safe to be killed between any two of them:
 *
 * 1. The new form is written to `tmp`, with the original's owner, mode and times, and reaches the disk (fsync).
 * 2. It is verified.
 * 3. It is renamed to its own new name beside the original, and the folder reaches the disk.
 * 4. The original is removed under exactly the name whose flags the new one was given. If a client has changed them meanwhile this
 *    fails, they are changed in the new one too, and it is tried again.
 *
 * Killed before 3, the original is untouched, and the next run sweeps `tmp`. Killed between 3 and 4, both are there, and the next
 * run finishes step 4 (`resume.ts`): the name of the new one follows from the original.
 *
 * So a flag that has reached a file's name is never lost. One that Dovecot has in its index only may be: it writes a STORE there, and
 * then renames the file; if the original has gone by then, that is to Dovecot a message which somebody has expunged. Its lock,
 * `dovecot-uidlist.lock`, would not help: it takes it after it has written the index and looked whether `cur` has changed (2.3.19:
 * `cmd_store`, `maildir_sync_context`), and what is removed before is missed, whoever held the lock. And a client that has not
 * looked since changes flags of a message that went long ago.
 */
import { type FileHandle, open, rename, rm, unlink } from 'node:fs/promises';
import { fileSource } from '#lib/bytes/file';
import type { ByteStream, Source } from '#lib/bytes/source';
import { isSystemError } from '#lib/bytes/systemerror';
import { Exit, Failure } from '../exit.js';
import { ATTEMPTS, type Entry, type FileState, type Mailbox, type MessageFile } from './mailbox.js';
import { changeInfo, composeName, type FileIdentity, parseName, stemOf, successorOf } from './name.js';

/** What a message becomes. */
export interface Converted {
  /** Octets of the stream, where they are known before it is read. */
  readonly size?: number;
  stream(): ByteStream;
  /** Lets go of what stands behind it. */
  close?(): Promise<void>;
}

/** What is done to each message. */
export interface Conversion {
  /** The new form; 'skip' where the message has the form that is wanted; 'foreign' where it is encrypted and has to stay so. */
  convert(message: Source): Promise<Converted | 'skip' | 'foreign'>;
  /** Throws unless what was written is a true conversion of the original. Where it is missing, size and fsync have to do. */
  verify?(original: Source, written: Source): Promise<void>;
}

export type Outcome =
  | { readonly kind: 'converted'; readonly before: number; readonly after: number; readonly name: string }
  | { readonly kind: 'skip' | 'foreign'; readonly before: number }
  /** Somebody else has removed it. */
  | { readonly kind: 'gone' };

export interface ReplaceOptions {
  readonly conversion: Conversion;
  /** Says what would be done, and writes nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/** Converts one message file. On any error the mailbox is as before. */
export async function replaceMessage(mailbox: Mailbox, entry: Entry, options: ReplaceOptions): Promise<Outcome> {
  const found = await mailbox.openAnywhere(entry);
  if (found === undefined) return { kind: 'gone' };
  const { file, at } = found;
  try {
    const before = Number(file.state.size);
    const converted = await options.conversion.convert(file.source);
    if (typeof converted === 'string') return { kind: converted, before };
    try {
      const base = successorOf(at.name, file.state);
      if (options.dryRun === true) return { kind: 'converted', before, after: converted.size ?? before, name: base };
      const written = await write(mailbox, file, converted, options);
      return await swap(mailbox, at, file.state, written, base);
    } finally {
      await converted.close?.();
    }
  } finally {
    await file.handle.close();
  }
}

/** A new form that is on the disk, but not yet in the mailbox. */
interface Written {
  readonly path: string;
  readonly state: FileIdentity;
  readonly size: number;
  /** Octets with CRLF line ends, as IMAP counts. */
  readonly virtualSize: number;
}

async function write(
  mailbox: Mailbox,
  original: MessageFile,
  converted: Converted,
  { conversion, signal }: ReplaceOptions,
): Promise<Written> {
  const path = await mailbox.temporary();
  const handle = await open(path, 'wx+', 0o600);
  try {
    const { size, virtualSize } = await fill(handle, converted.stream(), signal);
    if (converted.size !== undefined && converted.size !== size) {
      throw new Failure(Exit.software, `It has become ${size} octets long where ${converted.size} were announced.`);
    }
    await takeOverState(handle, original.state);
    await handle.sync();
    const state = await handle.stat({ bigint: true });
    if (Number(state.size) !== size) throw new Failure(Exit.ioError, 'What was written is not what is on the disk.');
    await conversion.verify?.(original.source, fileSource(handle, size));
    const now = await original.handle.stat({ bigint: true });
    if (now.size !== original.state.size || now.mtimeNs !== original.state.mtimeNs)
      throw new Failure(Exit.tempFail, 'It was changed while it was read.');
    return { path, state, size, virtualSize };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Writes the stream, and counts. */
async function fill(
  handle: FileHandle,
  stream: ByteStream,
  signal: AbortSignal | undefined,
): Promise<{ readonly size: number; readonly virtualSize: number }> {
  let size = 0;
  let bare = 0;
  let last = 0;
  for await (const chunk of stream) {
    signal?.throwIfAborted();
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
      if ((at > 0 ? chunk[at - 1] : last) !== CR) bare++;
    }
    last = chunk.at(-1) ?? last;
    for (let done = 0; done < chunk.length;) {
      const { bytesWritten } = await handle.write(chunk, done, chunk.length - done);
      done += bytesWritten;
    }
    size += chunk.length;
  }
  return { size, virtualSize: size + bare };
}

const LF = 10;
const CR = 13;

/** Owner, mode and times of the original; the modification time is what Dovecot answers as INTERNALDATE. */
async function takeOverState(handle: FileHandle, like: FileState): Promise<void> {
  const own = await handle.stat({ bigint: true });
  if (own.uid !== like.uid || own.gid !== like.gid) {
    try {
      await handle.chown(Number(like.uid), Number(like.gid));
    } catch (cause) {
      if (!isSystemError(cause, 'EPERM')) throw cause;
      const message = 'It belongs to another user or group, who could not be kept. Run this as root or as that user.';
      throw new Failure(Exit.noPermission, message, { cause });
    }
  }
  await handle.chmod(Number(like.mode & 0o7777n));
  await handle.utimes(seconds(like.atimeNs), seconds(like.mtimeNs));
}

/** Cut to microseconds: what a number holds without rounding up to the next second. */
function seconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n) / 1e6;
}

/** Steps 3 and 4. */
async function swap(
  mailbox: Mailbox,
  entry: Entry,
  original: FileState,
  written: Written,
  base: string,
): Promise<Outcome> {
  let ours: Entry;
  try {
    const at = await mailbox.find(entry, original);
    if (at === undefined) {
      await rm(written.path, { force: true });
      return { kind: 'gone' };
    }
    const name = composeName(base, written.size, written.virtualSize, parseName(at.name).info);
    ours = { where: at.where, name };
    await rename(written.path, mailbox.path(ours));
  } catch (error) {
    await rm(written.path, { force: true });
    throw error;
  }
  try {
    await mailbox.sync(ours.where);
    const removed = await removeOriginal(mailbox, { entry, file: original }, { entry: ours, file: written.state });
    if (!removed) return { kind: 'gone' };
  } catch (error) {
    await withdraw(mailbox, { entry: ours, file: written.state });
    throw error;
  }
  return { kind: 'converted', before: Number(original.size), after: written.size, name: ours.name };
}

/** A file and the name that it was last seen under. */
export interface Named {
  readonly entry: Entry;
  readonly file: FileIdentity;
}

/**
 * Step 4: removes the original and leaves the new one with the flags that the original had last. False where somebody else has
 * removed the original, and so meant the message to go: the new one is withdrawn.
 */
export async function removeOriginal(mailbox: Mailbox, original: Named, ours: Named): Promise<boolean> {
  let mine = ours.entry;
  let given = { where: mine.where, info: parseName(mine.name).info };
  for (let i = 0; i < ATTEMPTS; i++) {
    const at = await mailbox.find(original.entry, original.file);
    if (at === undefined) {
      await withdraw(mailbox, { entry: mine, file: ours.file });
      return false;
    }
    const { info } = parseName(at.name);
    if (at.where !== given.where || info !== given.info) {
      mine = await follow(mailbox, { entry: mine, file: ours.file }, given.info, { where: at.where, info });
      given = { where: at.where, info };
    }
    try {
      await unlink(mailbox.path(at));
      return true;
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
    }
  }
  throw new Failure(Exit.tempFail, 'Its flags change again and again.');
}

/** Gives the new one the place of the original, and makes the change of its flags; a client may have changed the new one's, too. */
async function follow(
  mailbox: Mailbox,
  ours: Named,
  before: string,
  { where, info }: { readonly where: Entry['where']; readonly info: string },
): Promise<Entry> {
  let { entry } = ours;
  for (let i = 0; i < ATTEMPTS; i++) {
    const at = await mailbox.find(entry, ours.file);
    if (at === undefined) throw new Failure(Exit.tempFail, 'It was changed while it was converted.');
    // What a client has seen in `cur` does not go back to `new`.
    if (at.where === 'cur' && where === 'new') return at;
    entry = { where, name: stemOf(at.name) + changeInfo(parseName(at.name).info, before, info) };
    try {
      await rename(mailbox.path(at), mailbox.path(entry));
      await mailbox.sync(entry.where);
      return entry;
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
    }
  }
  throw new Failure(Exit.tempFail, 'Its flags change again and again.');
}

/** Removes the new one. */
export async function withdraw(mailbox: Mailbox, ours: Named): Promise<void> {
  for (;;) {
    const at = await mailbox.find(ours.entry, ours.file);
    if (at === undefined) return;
    try {
      await unlink(mailbox.path(at));
      return;
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
    }
  }
}
