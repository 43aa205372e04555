import type { Directory } from './directory.js';
import { LOCK_NAME } from './lock.js';

/** A mailbox below the folder that the user named. */
export interface Folder {
  /** As a client shows it: `INBOX`, `Archive.2024` (Maildir++), `Archive/2024` (Dovecot's LAYOUT=fs). */
  readonly name: string;
  /** Path below the user's folder; empty for the folder itself. */
  readonly path: string;
}

/** How deep mailboxes are looked for. Maildir++ needs 1, LAYOUT=fs one for each level of the mailbox's name. */
const MAX_DEPTH = 32;

/** What a search for mailboxes finds. */
export interface FoundFolders {
  readonly folders: readonly Folder[];
  /** Symbolic links that are not followed. */
  readonly links: readonly string[];
}

/** The mailboxes in a folder and below it: each folder with a `cur`. Symbolic links are not followed. */
export async function findFolders(root: Directory): Promise<FoundFolders> {
  const folders: Folder[] = [];
  const links: string[] = [];
  const visit = async (directory: Directory, path: string, depth: number): Promise<void> => {
    const entries = await directory.entries();
    const isMailbox = entries.some((entry) => entry.name === 'cur' && entry.isDirectory());
    if (isMailbox) folders.push({ name: mailboxName(path), path });
    for (const entry of entries) {
      if (isMailbox && ['cur', 'new', 'tmp'].includes(entry.name)) continue;
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isSymbolicLink() && !entry.name.startsWith(LOCK_NAME)) links.push(below);
      if (!entry.isDirectory() || depth >= MAX_DEPTH) continue;
      const child = await directory.open(entry.name);
      try {
        await visit(child, below, depth + 1);
      } finally {
        await child.close();
      }
    }
  };
  await visit(root, '', 0);
  return { folders: folders.sort((a, b) => (a.path < b.path ? -1 : 1)), links };
}

/** The folders that the user asked for, by the name a client shows, with `.` or `/` between levels, or by path. */
export function pickFolders(folders: readonly Folder[], name: string): readonly Folder[] {
  const plain = (text: string): string => text.replaceAll('/', '.');
  return folders.filter((folder) =>
    folder.path === '' ? name.toUpperCase() === 'INBOX' : folder.path === name || plain(folder.name) === plain(name),
  );
}

/** The mailbox's name for its path: without Maildir++'s dot, and decoded (RFC 3501 §5.1.3) where it is encoded. */
function mailboxName(path: string): string {
  if (path === '') return 'INBOX';
  return decodeUTF7(path.startsWith('.') ? path.slice(1) : path);
}

/** Modified UTF-7 (RFC 3501 §5.1.3): `Entw&APw-rfe`. What is not in that form stays as it is. */
function decodeUTF7(text: string): string {
  return text.replace(/&([A-Za-z0-9+,]*)-/g, (whole, encoded: string) => {
    if (encoded === '') return '&';
    const bytes = Buffer.from(encoded.replaceAll(',', '/'), 'base64');
    return bytes.length % 2 === 0 ? bytes.swap16().toString('utf16le') : whole;
  });
}
