/** Passphrases of private keys, from outside (secretinput.ts). */
import { fstatSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { isSystemError } from '#lib/bytes/systemerror';
import type { Secret } from '#lib/keys/secret';
import { OpenPGPError } from '#lib/openpgp/error';
import type { PrivateKey } from '#lib/openpgp/library';
import { Exit, Failure } from './exit.js';
import {
  type SecretKind,
  type SecretPlace,
  TRIES,
  addSecretOptions,
  askNewSecret,
  askSecret,
  placeOf,
  readSecret,
  requireFilled,
} from './secretinput.js';

const PASSPHRASE: SecretKind = { option: 'passphrase', what: 'passphrase', limit: 4096 };

/** The options that `addPassphraseOptions` gives a command, as commander hands them over. */
export interface PassphraseOptions {
  readonly passphraseFd?: number;
  readonly passphraseFile?: string;
}

/** Where a command's passphrases come from. */
export interface Passphrases {
  /** How often `ask` may be called for one key. */
  readonly tries: number;
  /** The passphrase of a key that exists. `whose` ends the sentence "Passphrase for …". */
  readonly ask: (whose: string) => Promise<Secret>;
  /** A passphrase for a key that is to be locked: typed twice on a terminal, and never empty. */
  readonly askNew: (whose: string) => Promise<Secret>;
}

/** Gives a command the options `--passphrase-fd` and `--passphrase-file`. */
export function addPassphraseOptions(command: Command): Command {
  return addSecretOptions(command, PASSPHRASE);
}

/**
 * The passphrases that a command line's options lead to. One from a descriptor or a file is read when first asked for, and is
 * the answer to every question; otherwise the terminal is asked each time. Rejects with a Failure that says what to do. Where
 * standard input holds the message, it is refused as a place for the passphrase: its line could end up in the message.
 */
export function passphrasesFrom(options: PassphraseOptions, standardInput: 'free' | 'message' = 'free'): Passphrases {
  const place = placeOf(options, PASSPHRASE);
  if (standardInput === 'message' && isStandardInput(place)) {
    throw new Failure(
      Exit.usage,
      'The passphrase cannot come from standard input, where the message comes from; give another descriptor or a file.',
    );
  }
  if (place.fd === undefined && place.file === undefined) {
    return {
      tries: TRIES,
      ask: (whose) => askSecret(PASSPHRASE, whose),
      askNew: (whose) => askNewSecret(PASSPHRASE, whose),
    };
  }
  let line: Promise<Secret | undefined> | undefined;
  const ask = async (): Promise<Secret> => {
    const secret = await (line ??= readSecret(place, PASSPHRASE));
    if (secret === undefined) throw new TypeError('There is a place, and nothing was read.');
    return secret;
  };
  return { tries: 1, ask, askNew: async () => requireFilled(await ask(), place, PASSPHRASE) };
}

/**
 * Unlocks a private key, asking for its passphrase where it has one. Rejects with OpenPGPError `passphrase` when the passphrase
 * is wrong, on a terminal after the third time.
 */
export async function unlockKey(key: PrivateKey, passphrases: Passphrases): Promise<PrivateKey> {
  const { isLocked, unlock } = await import('#lib/keys/passphrase');
  if (!isLocked(key)) return key;
  const whose = `${key.getUserIDs()[0] ?? 'the key'} (${key.getKeyID().toHex().toUpperCase()})`;
  for (let tries = 1; ; tries += 1) {
    const passphrase = await passphrases.ask(whose);
    try {
      return await unlock(key, passphrase);
    } catch (error) {
      const wrong = error instanceof OpenPGPError && error.code === 'passphrase';
      if (!wrong || tries >= passphrases.tries) throw error;
    }
  }
}

/** Whether a place is standard input under whatever name. */
function isStandardInput({ fd, file }: SecretPlace): boolean {
  if (fd === 0) return true;
  try {
    const named = fd === undefined ? (file === undefined ? undefined : statSync(file)) : fstatSync(fd);
    const own = fstatSync(0);
    return named?.dev === own.dev && named.ino === own.ino;
  } catch (error) {
    // What cannot be looked at is told when it is read.
    if (isSystemError(error)) return false;
    throw error;
  }
}
