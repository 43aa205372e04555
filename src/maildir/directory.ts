import { constants, existsSync, type Dirent } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';

/** Where the system lets a path start at an open folder. */
const OPEN_FOLDERS = '/proc/self/fd';
const HAS_OPEN_FOLDERS = existsSync(OPEN_FOLDERS);

/**
 * A folder that is held open. Paths below it start at the open folder and not at its name, so that nobody can put a symbolic link in
 * its place between two steps of ours: the conversion often runs as root over folders that belong to others.
 */
export class Directory {
  readonly #handle: FileHandle;
  readonly #path: string;

  private constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = HAS_OPEN_FOLDERS ? `${OPEN_FOLDERS}/${handle.fd}` : path;
  }

  /** Opens the folder that the user named; a symbolic link is followed here only. */
  static async open(path: string): Promise<Directory> {
    return new Directory(await open(path, constants.O_RDONLY | constants.O_DIRECTORY), path);
  }

  /** Opens a folder in this one. ELOOP or ENOTDIR where it is a symbolic link or no folder. */
  async open(name: string): Promise<Directory> {
    const path = this.path(name);
    return new Directory(await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW), path);
  }

  /** The path of an entry, good while this folder is open. */
  path(name: string): string {
    return `${this.#path}/${name}`;
  }

  entries(): Promise<Dirent[]> {
    return readdir(this.#path, { withFileTypes: true });
  }

  stat(): ReturnType<FileHandle['stat']> {
    return this.#handle.stat();
  }

  /** Names added and removed so far are on the disk afterwards. */
  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
