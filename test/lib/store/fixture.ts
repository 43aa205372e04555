/** What the tests of lib/store share. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'node:test';
import { type Log, type LogFields, SILENT } from '#lib/log';
import {
  type IndexLimits,
  type MailboxIndex,
  type MessageIndex,
  type IndexedMessage,
  type UIDRange,
  openIndex,
} from '#lib/store/messageindex';

export const indexKey = Buffer.alloc(32, 7);
export const ALL: readonly UIDRange[] = [{ first: 1, last: 0xffff_ffff }];
export const RUNS = Number(process.env['FUZZ_RUNS'] ?? 60);

/** A message whose record and fingerprint tell which one it is: that of a UID in a mailbox. */
export function message(uid: number, mailbox = 'INBOX', size = 100 + ((uid * 37) % 900)): IndexedMessage {
  const seed = createHash('sha512').update(`${mailbox} ${uid}`).digest();
  return { uid, kind: 'encrypted', fingerprint: seed.subarray(0, 32), record: Buffer.alloc(size, seed) };
}

export function messages(first: number, last: number, mailbox = 'INBOX'): IndexedMessage[] {
  return Array.from({ length: last - first + 1 }, (_, i) => message(first + i, mailbox));
}

export function plain(uid: number): IndexedMessage {
  return { uid, kind: 'plain', fingerprint: Buffer.alloc(0), record: Buffer.alloc(0) };
}

/** All that a mailbox knows, by UID. Each may come once only. */
export async function loadAll(mailbox: MailboxIndex, ranges = ALL): Promise<Map<number, IndexedMessage>> {
  const found = new Map<number, IndexedMessage>();
  for await (const batch of mailbox.load(ranges)) {
    for (const known of batch) {
      if (found.has(known.uid)) throw new Error(`UID ${known.uid} came twice.`);
      found.set(known.uid, known);
    }
  }
  return found;
}

/** The messages as `loadAll` gives them. */
export function byUID(list: readonly IndexedMessage[]): Map<number, IndexedMessage> {
  return new Map(list.map((known) => [known.uid, known]));
}

/** A temporary folder for each test, and what was logged in it. */
export interface Place {
  folder: string;
  /** Events that are warnings or worse. */
  warnings: string[];
  open(options?: {
    readonly user?: string;
    readonly key?: Buffer;
    readonly limits?: Partial<IndexLimits>;
  }): Promise<MessageIndex>;
  /** The paths of all files, folders left out. */
  files(): readonly string[];
  /** Those of mailboxes. */
  mailboxes(): readonly string[];
}

export function freshPlace(): Place {
  const opened: MessageIndex[] = [];
  const note = (event: string, fields?: LogFields): void => {
    place.warnings.push(fields?.['reason'] === undefined ? event : `${event}: ${String(fields['reason'])}`);
  };
  const log: Log = { ...SILENT, warn: note, error: note };
  const place: Place = {
    folder: '',
    warnings: [],
    open: async ({ user = 'alice@example.com', key = indexKey, limits = {} } = {}) => {
      const index = await openIndex(join(place.folder, 'index'), user, key, log, limits);
      opened.push(index);
      return index;
    },
    files: () =>
      readdirSync(place.folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    mailboxes: () => place.files().filter((path) => /[0-9a-f]{32}-[0-9a-f]{32}$/.test(path) && !path.includes('aside')),
  };
  beforeEach(() => {
    place.folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
    place.warnings = [];
  });
  afterEach(async () => {
    for (const index of opened.splice(0)) await index.close();
    rmSync(place.folder, { recursive: true });
  });
  return place;
}
