/** What opens a vault, from a command line: a password, the recovery code or a key file. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { createFileAtomic } from '#lib/bytes/atomic';
import { printable } from '#lib/keys/certificatename';
import { VaultError } from '#lib/vault/error';
import { LIMITS } from '#lib/vault/limits';
import { hasVault, noVault } from '#lib/vault/listing';
import type { OpenVault } from '#lib/vault/openvault';
import { KEY_FILE_SIZE, type Unlock } from '#lib/vault/unlock';
import { openVault } from '#lib/vault/vault';
import type { Context } from './command.js';
import { Exit, Failure } from './exit.js';
import { type SecretKind, TRIES, addSecretOptions, askSecret, placeOf, readSecret } from './secretinput.js';

export const PASSWORD: SecretKind = { option: 'password', what: 'password', limit: LIMITS.secret };
const RECOVERY: SecretKind = { option: 'recovery-code', what: 'recovery code', limit: 256 };

/** The options that `addUnlockOptions` gives a command, less those for secrets. */
export interface UnlockOptions {
  readonly keyFile?: string;
}

/** Gives a command the options for what opens a vault. */
export function addUnlockOptions(command: Command): Command {
  addSecretOptions(command, PASSWORD);
  addSecretOptions(command, RECOVERY);
  return command.option('--key-file <file>', 'open the vault with this key file');
}

/**
 * Runs `action` with a user's vault, which is opened with what the options lead to, else with a password that is asked for, and
 * closed in the end. Rejects with VaultError `not-found` where there is none: whoever may read the state folder may know.
 */
export async function withVault<Result>(
  context: Context,
  user: string,
  options: UnlockOptions,
  action: (vault: OpenVault) => Promise<Result>,
): Promise<Result> {
  const vault = await openUser(context, user, options);
  try {
    return await action(vault);
  } finally {
    vault.close();
  }
}

async function openUser(context: Context, user: string, options: UnlockOptions): Promise<OpenVault> {
  const home = context.home();
  const given = await givenUnlock(options);
  if (!(await hasVault(home, user))) throw noVault(user);
  if (given !== undefined) return openVault(home, user, given);
  for (let tries = 1; ; tries += 1) {
    const password = await askSecret(PASSWORD, printable(user));
    try {
      return await openVault(home, user, { kind: 'password', password });
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== 'denied' || tries >= TRIES) throw error;
    }
  }
}

/** Writes a new key file: 32 octets in base64. Rejects with a Failure where there is a file already. */
export async function writeKeyFile(path: string, key: Buffer): Promise<void> {
  if (await createFileAtomic(path, Buffer.from(`${key.toString('base64')}\n`), 0o600)) return;
  throw new Failure(Exit.cannotCreate, `${path} exists already; name another file for the key.`);
}

async function givenUnlock(options: UnlockOptions): Promise<Unlock | undefined> {
  const places = { password: placeOf(options, PASSWORD), recovery: placeOf(options, RECOVERY) };
  const given = [places.password, places.recovery].filter(({ fd, file }) => fd !== undefined || file !== undefined);
  if (given.length + (options.keyFile === undefined ? 0 : 1) > 1) {
    throw new Failure(Exit.usage, 'Give one of password, recovery code and key file to open the vault, not several.');
  }
  if (options.keyFile !== undefined) return { kind: 'key-file', key: await readKeyFile(options.keyFile) };
  const code = await readSecret(places.recovery, RECOVERY);
  if (code !== undefined) return { kind: 'recovery', code };
  const password = await readSecret(places.password, PASSWORD);
  return password && { kind: 'password', password };
}

async function readKeyFile(path: string): Promise<Buffer> {
  const text = (await readFile(path, 'latin1')).trim();
  const key = Buffer.from(text, 'base64');
  if (key.length === KEY_FILE_SIZE && key.toString('base64') === text) return key;
  throw new Failure(
    Exit.dataError,
    `${path} is no key file: it does not hold ${KEY_FILE_SIZE} octets in base64. "postern user key-file add" makes one.`,
  );
}
