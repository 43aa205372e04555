import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileAtomic, makeFolder } from '#lib/bytes/atomic';
import { isSystemError } from '#lib/bytes/systemerror';
import { KeyringError } from './error.js';

const FILE = 'origin.key';
const KEY_SIZE = 32;

/**
 * The origin key of a state folder: 32 octets under which lib/message marks mail as encrypted by us. Undefined where there is
 * none yet; then nothing carries a mark. Rejects with KeyringError `state` where the file is damaged.
 */
export async function readOriginKey(home: string): Promise<Buffer | undefined> {
  const path = join(home, FILE);
  let text: string;
  try {
    text = await readFile(path, 'latin1');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_SIZE || key.toString('base64') !== text.trim()) {
    throw new KeyringError(
      'state',
      `${path} does not hold 32 octets in base64. Restore it, or move it away for a new one.`,
    );
  }
  return key;
}

/** As `readOriginKey`, and makes the key where there is none. Of several processes that do so at once, all get the same key. */
export async function originKey(home: string): Promise<Buffer> {
  const existing = await readOriginKey(home);
  if (existing !== undefined) return existing;
  await makeFolder(home, 0o700);
  const key = randomBytes(KEY_SIZE);
  const created = await createFileAtomic(join(home, FILE), Buffer.from(`${key.toString('base64')}\n`), 0o600);
  return created ? key : originKey(home);
}
