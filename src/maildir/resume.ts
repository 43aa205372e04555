import { lstat, rename } from 'node:fs/promises';
import { isSystemError } from '#lib/bytes/systemerror';
import type { Entry, Mailbox } from './mailbox.js';
import { flagsOf, isConverted, originOf, parseName, sizeField, stemOf, successorOf } from './name.js';
import { type Conversion, type Named, removeOriginal, withdraw } from './replace.js';

/** An original and what an interrupted run was about to replace it by. */
interface Pair {
  readonly original: Named;
  readonly successor: Named;
}

/** What came of the pairs. */
export interface Finished {
  /** Octets before and after of each message whose conversion was finished here. */
  readonly converted: readonly { readonly before: number; readonly after: number }[];
  /** Pairs that could not be finished: nothing may be done to either of the two. */
  readonly failures: readonly { readonly entries: readonly [Entry, Entry]; readonly error: unknown }[];
}

/**
 * Finishes what a killed run has left: a message that is there in both forms. The original goes if the other is whole and has the
 * form that is wanted; else the other goes, and the message is converted like any.
 */
export async function finishInterrupted(
  mailbox: Mailbox,
  entries: readonly Entry[],
  conversion: Conversion,
): Promise<Finished> {
  const converted: { before: number; after: number }[] = [];
  const failures: { entries: readonly [Entry, Entry]; error: unknown }[] = [];
  for (const { original, successor } of await findPairs(mailbox, entries)) {
    try {
      if (!(await isWhole(mailbox, original.entry, successor.entry, conversion))) {
        await withdraw(mailbox, successor);
      } else if (await removeOriginal(mailbox, await mergeFlags(mailbox, original, successor), successor)) {
        converted.push({ before: Number(original.file.size), after: Number(successor.file.size) });
      }
    } catch (error) {
      failures.push({ entries: [original.entry, successor.entry], error });
    }
  }
  return { converted, failures };
}

async function findPairs(mailbox: Mailbox, entries: readonly Entry[]): Promise<readonly Pair[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const origin = originOf(parseName(entry.name).base);
    const group = groups.get(origin);
    if (group === undefined) groups.set(origin, [entry]);
    else group.push(entry);
  }
  const pairs: Pair[] = [];
  for (const group of groups.values()) {
    if (group.length < 2 || !group.some(({ name }) => isConverted(parseName(name).base))) continue;
    // By number: a file that is renamed during the listing stands in it twice, and would be gone when it is its turn again.
    const files = new Map<bigint, Named>();
    for (const named of await Promise.all(group.map((entry) => identify(mailbox, entry)))) {
      if (named !== undefined) files.set(named.file.ino, named);
    }
    for (const original of files.values()) {
      const base = successorOf(original.entry.name, original.file);
      const successor = [...files.values()].find(({ entry }) => parseName(entry.name).base === base);
      if (successor !== undefined) pairs.push({ original, successor });
    }
  }
  return pairs;
}

async function identify(mailbox: Mailbox, entry: Entry): Promise<Named | undefined> {
  try {
    return { entry, file: await lstat(mailbox.path(entry), { bigint: true }) };
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** True where the successor is all there and has the wanted form. What cannot be judged is not: the original is still at hand. */
async function isWhole(mailbox: Mailbox, original: Entry, successor: Entry, conversion: Conversion): Promise<boolean> {
  const file = await mailbox.openMessage(successor);
  try {
    if (sizeField(parseName(successor.name), 'S') !== file.source.size) return false;
    const converted = await conversion.convert(file.source);
    if (converted !== 'skip') {
      if (typeof converted !== 'string') await converted.close?.();
      return false;
    }
    const from = await mailbox.openMessage(original);
    try {
      await conversion.verify?.(from.source, file.source);
      return true;
    } finally {
      await from.handle.close();
    }
  } catch {
    return false;
  } finally {
    await file.handle.close();
  }
}

/** Gives the original the flags of both, since a client may have changed either; the successor takes them over. */
async function mergeFlags(mailbox: Mailbox, original: Named, successor: Named): Promise<Named> {
  const { entry } = original;
  const flags = (name: string): string => flagsOf(parseName(name).info) ?? '';
  const own = flags(entry.name);
  const both = [...new Set(own + flags(successor.entry.name))].sort().join('');
  if (entry.where === 'new' || both === own) return original;
  const merged: Entry = { where: 'cur', name: `${stemOf(entry.name)}:2,${both}` };
  await rename(mailbox.path(entry), mailbox.path(merged));
  return { entry: merged, file: original.file };
}
