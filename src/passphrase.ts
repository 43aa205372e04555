/**
 * Passphrases from outside: a file descriptor, a file, or the terminal. Never the argument list, which every user of the machine
 * can read.
 */
import { close, closeSync, fstatSync, openSync, read, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { ReadStream, WriteStream } from 'node:tty';
import { promisify } from 'node:util';
import { setTimeout } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { isSystemError } from '#lib/bytes/systemerror';
import { printable } from '#lib/keys/certificatename';
import { Secret } from '#lib/keys/secret';
import { OpenPGPError } from '#lib/openpgp/error';
import type { PrivateKey } from '#lib/openpgp/library';
import { Exit, Failure } from './exit.js';

/** Octets of a passphrase. Longer lines are not passphrases but the wrong file. */
const MAX_PASSPHRASE = 4096;

/** Milliseconds that a descriptor in non-blocking mode may stay empty: whoever passes one writes the passphrase first. */
const EMPTY_LIMIT = 5000;

/** How often a person may mistype. A script gets one try. */
const TRIES = 3;

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
  return command
    .option('--passphrase-fd <n>', 'read the passphrase from this file descriptor, up to the first line end', parseFd)
    .option('--passphrase-file <file>', 'read the passphrase from the first line of this file');
}

/**
 * The passphrases that a command line's options lead to. One from a descriptor or a file is read when first asked for, and is
 * the answer to every question; otherwise the terminal is asked each time. Rejects with a Failure that says what to do. Where
 * standard input holds the message, it is refused as a place for the passphrase: its line could end up in the message.
 */
export function passphrasesFrom(options: PassphraseOptions, standardInput: 'free' | 'message' = 'free'): Passphrases {
  const { passphraseFd: fd, passphraseFile: file } = options;
  if (standardInput === 'message' && isStandardInput(fd, file)) {
    throw new Failure(
      Exit.usage,
      'The passphrase cannot come from standard input, where the message comes from; give another descriptor or a file.',
    );
  }
  if (fd !== undefined && file !== undefined) {
    throw new Failure(Exit.usage, 'Both --passphrase-fd and --passphrase-file are given; give one of them.');
  }
  if (fd === undefined && file === undefined) return terminal;
  const where = fd === undefined ? `the file ${String(file)}` : `file descriptor ${fd}`;
  let line: Promise<Secret> | undefined;
  const ask = (): Promise<Secret> => (line ??= fd === undefined ? readFile(String(file)) : readDescriptor(fd));
  return {
    tries: 1,
    ask,
    askNew: async () => {
      const passphrase = await ask();
      if (passphrase.empty) {
        throw new Failure(Exit.noPermission, `The passphrase from ${where} is empty; a key is not locked with that.`);
      }
      return passphrase;
    },
  };
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

/** Whether one of the two is standard input under whatever name. */
function isStandardInput(fd: number | undefined, file: string | undefined): boolean {
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

function parseFd(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give the number of an open file descriptor.');
  return Number(text);
}

async function readFile(path: string): Promise<Secret> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new Failure(Exit.noInput, `The passphrase file ${path} cannot be read (${reason(error)}).`, { cause: error });
  });
  try {
    return await readLine(file.fd, `the file ${path}`);
  } finally {
    await file.close();
  }
}

async function readDescriptor(fd: number): Promise<Secret> {
  const where = `file descriptor ${fd}`;
  const notOpen = new Failure(
    Exit.noInput,
    `There is no passphrase at ${where}: it is not open for reading. Redirect it, as in ${fd}<FILE.`,
  );
  try {
    const { mode } = fstatSync(fd);
    // Node's own descriptors (event queues) have no file type; a read from one would wait for ever.
    if ((mode & 0o170000) === 0) throw notOpen;
  } catch {
    throw notOpen;
  }
  try {
    return await readLine(fd, where);
  } finally {
    // Standard input may go on with a message after the first line.
    if (fd > 2) await promisify(close)(fd);
  }
}

/** The bytes up to the first line end, and none after it: what follows may be for somebody else. */
async function readLine(fd: number, where: string): Promise<Secret> {
  const line = Buffer.alloc(MAX_PASSPHRASE);
  let size = 0;
  for (let waited = 0; ;) {
    if (size === line.length) {
      throw new Failure(Exit.dataError, `The first line of ${where} is too long for a passphrase.`);
    }
    let bytesRead: number;
    try {
      ({ bytesRead } = await promisify(read)(fd, line, size, 1, null));
    } catch (error) {
      if (isSystemError(error, 'EAGAIN') && waited < EMPTY_LIMIT) {
        waited += 20;
        await setTimeout(20);
        continue;
      }
      throw new Failure(Exit.noInput, `The passphrase cannot be read from ${where} (${reason(error)}).`, {
        cause: error,
      });
    }
    if (bytesRead === 0 || line[size] === 0x0a) break;
    size += bytesRead;
  }
  if (line[size - 1] === 0x0d) size -= 1;
  try {
    return new Secret(new TextDecoder('utf-8', { fatal: true }).decode(line.subarray(0, size)));
  } catch {
    throw new Failure(Exit.dataError, `The passphrase from ${where} is not UTF-8.`);
  } finally {
    line.fill(0);
  }
}

const terminal: Passphrases = {
  tries: TRIES,
  ask: (whose) => prompt(`Passphrase for ${whose}`),
  askNew: async (whose) => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const first = await prompt(`New passphrase for ${whose}`);
      if (first.empty) continue;
      const second = await prompt('The same passphrase again');
      if (first.equals(second)) return first;
    }
    throw new Failure(Exit.noPermission, 'No passphrase was typed twice alike; nothing has been changed.');
  },
};

/** Asks on the terminal itself: standard input and output may carry a message. */
async function prompt(message: string): Promise<Secret> {
  const { fd, input } = openTerminal();
  const output = new WriteStream(fd);
  // A serial line, or script(1), tells no width; the prompt would put every letter on a line of its own.
  if (output.columns === 0) output.columns = 80;
  try {
    const { isCancel, password } = await import('@clack/prompts');
    // Enter alone gives undefined, whatever the type says.
    const answer: unknown = await password({ message: printable(message), input, output });
    if (isCancel(answer)) throw new Failure(Exit.noPermission, 'No passphrase was given.');
    return new Secret(typeof answer === 'string' ? answer : '');
  } finally {
    input.destroy();
    output.destroy();
  }
}

function openTerminal(): { readonly fd: number; readonly input: ReadStream } {
  let opened: number | undefined;
  try {
    opened = openSync('/dev/tty', 'r+');
    return { fd: openSync('/dev/tty', 'r+'), input: new ReadStream(opened) };
  } catch (error) {
    if (opened !== undefined) closeSync(opened);
    throw new Failure(
      Exit.noPermission,
      'A passphrase is needed and there is no terminal to ask on. Give --passphrase-fd or --passphrase-file.',
      { cause: error },
    );
  }
}

function reason(error: unknown): string {
  return isSystemError(error) ? String(error.code) : String(error);
}
