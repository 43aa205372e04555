/** The origin key that a command marks and recognises messages with (lib/message/origin.ts). */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError } from '#lib/bytes/systemerror';
import { ORIGIN_KEY_SIZE } from '#lib/message/origin';
import { Exit, Failure } from './exit.js';

/** What the system says where the state folder is not for this user, or cannot be there at all. */
const NO_FOLDER: readonly string[] = ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR'];

/**
 * The key to mark messages with: of the file that is named, else the state folder's, which is made if need be. Undefined where
 * the state folder is closed to us or cannot be made: a delivery filter runs as whoever the mail server likes, and a message
 * without the mark is as well encrypted. A key that is there and cannot be read is a mistake that somebody must mend.
 */
export async function markingKey(home: string, file: string | undefined): Promise<Buffer | undefined> {
  if (file !== undefined) return readKeyFile(file);
  const { originKey } = await import('#lib/keys/origin');
  try {
    return await originKey(home);
  } catch (error) {
    if (!isSystemError(error) || !NO_FOLDER.includes(error.code ?? '')) throw error;
    const path = join(home, 'origin.key');
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (!isThere) return undefined;
    throw new Failure(
      Exit.config,
      `The origin key ${path} cannot be read (${error.code ?? ''}). Let this user read it, or name another one with --origin-key.`,
      { cause: error },
    );
  }
}

/** The key to recognise marks with. Undefined where there is none: no message is taken for ours then. */
export async function recognisingKey(home: string, file: string | undefined): Promise<Buffer | undefined> {
  if (file !== undefined) return readKeyFile(file);
  const { readOriginKey } = await import('#lib/keys/origin');
  return readOriginKey(home);
}

async function readKeyFile(path: string): Promise<Buffer> {
  const text = (await readFile(path, 'latin1')).trim();
  const key = Buffer.from(text, 'base64');
  if (key.length === ORIGIN_KEY_SIZE && key.toString('base64') === text) return key;
  throw new Failure(
    Exit.config,
    `The origin key file ${path} does not hold ${ORIGIN_KEY_SIZE} octets in base64. Copy origin.key from the state folder.`,
  );
}
