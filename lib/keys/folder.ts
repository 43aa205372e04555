import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolder, syncFolder, writeFileAtomic } from '#lib/bytes/atomic';
import { isSystemError } from '#lib/bytes/systemerror';
import type { Key } from '#lib/openpgp/library';
import { addressOfUserID } from './address.js';
import { Catalogue, type CatalogueEntry } from './catalogue.js';
import { KeyringError } from './error.js';
import { readSingleKey } from './keyfile.js';

/** A file that should hold a certificate or key and does not. */
export interface DamagedFile {
  readonly path: string;
  readonly problem: string;
}

/** A key or certificate as it lies in its file. */
export interface FiledKey {
  readonly key: Key;
  readonly path: string;
  /** The file's text, for what its armor's header says. */
  readonly text: string;
}

/** A folder with one key or certificate in each file, found through its catalogue. */
export class KeyFolder {
  readonly path: string;
  readonly #catalogue: Catalogue;
  readonly #isPrivate: boolean;

  constructor(home: string, name: string, isPrivate: boolean) {
    this.path = join(home, name);
    this.#isPrivate = isPrivate;
    this.#catalogue = new Catalogue(
      this.path,
      join(home, `${name}.catalogue`),
      isPrivate ? 0o600 : 0o644,
      async (path) => {
        try {
          const { key } = await this.#read(path);
          const addresses = key.getUserIDs().flatMap((userID) => addressOfUserID(userID)?.folded ?? []);
          return { fingerprints: fingerprintsOf(key), addresses: [...new Set(addresses)] };
        } catch (error) {
          return { fingerprints: [], addresses: [], problem: error instanceof Error ? error.message : String(error) };
        }
      },
    );
  }

  /** The keys in the files whose entries pass the test. A second look is taken where the first finds nothing. */
  async find(test: (entry: CatalogueEntry) => boolean): Promise<readonly FiledKey[]> {
    const found = await this.#readAll((await this.#catalogue.entries()).filter(test));
    return found.length > 0 ? found : this.#readAll((await this.#catalogue.scan()).filter(test));
  }

  /** All keys of the folder. */
  async all(): Promise<readonly FiledKey[]> {
    return this.#readAll(await this.#catalogue.scan());
  }

  /** The files that cannot be read, with the reason. */
  async damaged(): Promise<readonly DamagedFile[]> {
    return (await this.#catalogue.scan()).flatMap(({ file, problem }) =>
      problem === undefined ? [] : [{ path: join(this.path, file), problem }],
    );
  }

  /** Writes a key to `path`, or where that is undefined to a new file with a name after it. Returns the path. */
  async write(key: Key, text: string, path?: string): Promise<string> {
    await makeFolder(this.path, this.#isPrivate ? 0o700 : 0o755);
    const to = path ?? join(this.path, await this.#newName(key));
    await writeFileAtomic(to, Buffer.from(text), this.#isPrivate ? 0o600 : 0o644);
    await this.#catalogue.put(basename(to));
    return to;
  }

  async remove(path: string): Promise<void> {
    await rm(path);
    await syncFolder(this.path);
    this.#catalogue.drop(basename(path));
  }

  /** Does many things while nobody else writes to the folder: it is looked at once before and once after. */
  async batch<Result>(action: () => Promise<Result>): Promise<Result> {
    await this.#catalogue.freeze();
    try {
      return await action();
    } finally {
      await this.#catalogue.thaw();
    }
  }

  async #readAll(entries: readonly CatalogueEntry[]): Promise<readonly FiledKey[]> {
    const keys: FiledKey[] = [];
    for (const { file, problem } of entries) {
      if (problem !== undefined) continue;
      try {
        keys.push(await this.#read(join(this.path, file)));
      } catch (error) {
        // Taken away, or damaged since the catalogue was made: `damaged` tells, the others stay.
        if (!(error instanceof KeyringError) && !isSystemError(error, 'ENOENT')) throw error;
      }
    }
    return keys;
  }

  async #read(path: string): Promise<FiledKey> {
    const bytes = await readFile(path);
    const key = await readSingleKey(bytes);
    if (key.isPrivate() !== this.#isPrivate) {
      throw new KeyringError(
        'data',
        this.#isPrivate
          ? 'It holds a certificate and no private key.'
          : 'It holds a private key; "postern key import" puts it where it belongs.',
      );
    }
    return { key, path, text: bytes.toString('latin1') };
  }

  /** `alice@example.com-1A2B3C4D5E6F7081.asc`; with the whole fingerprint where another key has that name. */
  async #newName(key: Key): Promise<string> {
    const base = safeName(key.getUserIDs()[0] ?? '');
    const short = `${base}-${key.getKeyID().toHex().toUpperCase()}.asc`;
    const taken = (await this.#catalogue.scan()).some(({ file }) => file === short);
    return taken ? `${base}-${key.getFingerprint().toUpperCase()}.asc` : short;
  }
}

/** The fingerprints of the primary key and the subkeys, upper-case hexadecimal. */
export function fingerprintsOf(key: Key): readonly string[] {
  return key.getKeys().map((each) => each.getFingerprint().toUpperCase());
}

/**
 * A part of a file name made from a user ID: its address, else its text; letters, digits and a few marks only, no leading dot or
 * dash, at most 100 octets.
 */
export function safeName(userID: string): string {
  const text = addressOfUserID(userID)?.text ?? userID;
  const clean = text
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}@._+=-]+/gu, '_')
    .replace(/^[.-]+|\.{2,}/g, '_');
  let name = '';
  for (const character of clean) {
    if (Buffer.byteLength(name + character) > 100) break;
    name += character;
  }
  return name === '' ? 'unnamed' : name;
}
