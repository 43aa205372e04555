import type { Source } from '#lib/bytes/source';
import { explain } from '../explain.js';
import { Directory } from './directory.js';
import { Mailbox } from './mailbox.js';
import { chooseFolders, type Count } from './run.js';

/** Whom a message is encrypted to: a key of ours, keys of others only, or nobody. */
export type Holder = 'ours' | 'others' | 'plain';

/** A folder's messages by whom they are encrypted to. */
export interface FolderStatus extends Record<Holder, Count> {
  readonly name: string;
  /** Messages that could not be read. */
  readonly unreadable: Count;
}

export interface StatusOptions {
  readonly root: string;
  readonly names?: readonly string[];
  readonly classify: (message: Source) => Promise<Holder>;
  readonly onFailure?: (file: string, reason: string) => void;
}

/** Counts the messages of a Maildir and its folders. Nothing is changed. */
export async function maildirStatus(options: StatusOptions): Promise<readonly FolderStatus[]> {
  const root = await Directory.open(options.root);
  try {
    const { folders } = await chooseFolders(root, options.root, options.names ?? []);
    const rows: FolderStatus[] = [];
    for (const folder of folders) {
      const mailbox = await Mailbox.open(root, folder);
      try {
        rows.push(await countFolder(mailbox, options));
      } finally {
        await mailbox.close();
      }
    }
    return rows;
  } finally {
    await root.close();
  }
}

async function countFolder(mailbox: Mailbox, { classify, onFailure }: StatusOptions): Promise<FolderStatus> {
  const status = emptyStatus(mailbox.folder.name);
  for (const entry of await mailbox.list()) {
    try {
      const file = (await mailbox.openAnywhere(entry))?.file;
      if (file === undefined) continue;
      try {
        add(status[await classify(file.source)], file.source.size);
      } finally {
        await file.handle.close();
      }
    } catch (error) {
      add(status.unreadable, await mailbox.size(entry));
      onFailure?.(`${mailbox.folder.name}: ${entry.where}/${entry.name}`, explain(error, true).message);
    }
  }
  return status;
}

/** The sum of all folders. */
export function totalStatus(rows: readonly FolderStatus[]): FolderStatus {
  const total = emptyStatus('total');
  for (const row of rows) {
    for (const kind of ['ours', 'others', 'plain', 'unreadable'] as const) {
      total[kind].messages += row[kind].messages;
      total[kind].octets += row[kind].octets;
    }
  }
  return total;
}

function emptyStatus(name: string): FolderStatus {
  const none = (): Count => ({ messages: 0, octets: 0 });
  return { name, ours: none(), others: none(), plain: none(), unreadable: none() };
}

function add(count: Count, octets: number): void {
  count.messages++;
  count.octets += octets;
}
