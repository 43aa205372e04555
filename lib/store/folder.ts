import { createHash } from 'node:crypto';
import { readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileAtomic, makeFolder } from '#lib/bytes/atomic';
import { type IndexKeys, isFileName } from './keys.js';
import { LIMITS } from './limits.js';
import { UNFINISHED } from './mailboxfile.js';
import { unlessMissing } from './pieces.js';

const CHECK = 'check';
/** The version of everything that is in the folder. */
const VERSION = 'postern index 1';

export interface FileFacts {
  readonly name: string;
  readonly path: string;
  /** Octets. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly used: number;
}

/** A user's folder: it has a file for each mailbox, the table of fingerprints, and a file that tells version and key. */
export class IndexFolder {
  readonly path: string;
  readonly #keys: IndexKeys;

  constructor(folder: string, user: string, keys: IndexKeys) {
    // A name from the network never becomes a path.
    this.path = join(folder, createHash('sha256').update(user).digest('hex').slice(0, 32));
    this.#keys = keys;
  }

  get table(): string {
    return join(this.path, 'fingerprints');
  }

  /**
   * Makes the folder where there is none. One of another version or key, or with a damaged check, is renamed to `….aside`, and a
   * new one is made. Resolves to true where that was done. Rejects with the system's errors.
   */
  async prepare(): Promise<boolean> {
    await makeFolder(this.path, 0o700);
    const expected = `${VERSION} ${this.#keys.mark('check', VERSION).toString('hex')}\n`;
    const check = join(this.path, CHECK);
    const found = await readFile(check, 'latin1').catch(unlessMissing);
    if (found === expected) return false;
    if (found === undefined && (await createFileAtomic(check, Buffer.from(expected), 0o600))) return false;
    if (found === undefined) return this.prepare();
    const aside = `${this.path}.aside`;
    await rm(aside, { recursive: true, force: true });
    // Where another process has just done the same, what it has made is put aside in turn: that costs work, and nothing else.
    await rename(this.path, aside);
    await this.prepare();
    return true;
  }

  /** The path of a mailbox's file. */
  pathOf(name: string): string {
    return join(this.path, name);
  }

  /** The files of mailboxes. What a crash has left unfinished is removed. */
  async files(): Promise<readonly FileFacts[]> {
    const files: FileFacts[] = [];
    for (const name of (await readdir(this.path).catch(unlessMissing)) ?? []) {
      const path = join(this.path, name);
      if (!isFileName(name) && !name.endsWith(UNFINISHED)) continue;
      const facts = await stat(path).catch(() => undefined);
      if (facts === undefined) continue;
      if (isFileName(name)) files.push({ name, path, size: facts.size, used: facts.mtimeMs });
      else if (facts.mtimeMs < Date.now() - LIMITS.leftover) await rm(path, { force: true });
    }
    return files;
  }
}
