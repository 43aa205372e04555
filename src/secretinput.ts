/**
 * Secrets from outside: a file descriptor (standard input is one), a file, or the terminal. Never the argument list, which every
 * user of the machine can read, nor the environment, which children inherit.
 */
import { close, closeSync, fstatSync, openSync, read } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { ReadStream, WriteStream } from 'node:tty';
import { promisify } from 'node:util';
import { type Command, InvalidArgumentError } from 'commander';
import { isSystemError } from '#lib/bytes/systemerror';
import { printable } from '#lib/keys/certificatename';
import { Secret } from '#lib/keys/secret';
import { Exit, Failure } from './exit.js';

/** A secret that a command needs. */
export interface SecretKind {
  /** The options for it are `--NAME-fd` and `--NAME-file`. */
  readonly option: string;
  /** What messages and questions call it: "passphrase", "password". */
  readonly what: string;
  /** Octets. Longer lines are not such a secret but the wrong file. */
  readonly limit: number;
}

/** Where a secret comes from; neither: the terminal. */
export interface SecretPlace {
  readonly fd: number | undefined;
  readonly file: string | undefined;
}

/** Milliseconds that a descriptor in non-blocking mode may stay empty: whoever passes one writes the secret first. */
const EMPTY_LIMIT = 5000;

/** How often a person may mistype. A script gets one try. */
export const TRIES = 3;

/** Gives a command the options `--NAME-fd` and `--NAME-file`. */
export function addSecretOptions(command: Command, { option, what }: SecretKind): Command {
  return command
    .option(`--${option}-fd <n>`, `read the ${what} from this file descriptor, up to the first line end`, parseFd)
    .option(`--${option}-file <file>`, `read the ${what} from the first line of this file`);
}

/** What those options say, as commander hands them over. Throws a Failure where both are given. */
export function placeOf(options: object, { option }: SecretKind): SecretPlace {
  const name = option.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const given = new Map<string, unknown>(Object.entries(options));
  const fd = given.get(`${name}Fd`);
  const file = given.get(`${name}File`);
  if (fd !== undefined && file !== undefined) {
    throw new Failure(Exit.usage, `Both --${option}-fd and --${option}-file are given; give one of them.`);
  }
  return { fd: typeof fd === 'number' ? fd : undefined, file: typeof file === 'string' ? file : undefined };
}

/** The line at a place; undefined where it is the terminal. Rejects with a Failure that says what to do. */
export async function readSecret({ fd, file }: SecretPlace, kind: SecretKind): Promise<Secret | undefined> {
  if (fd !== undefined) return readDescriptor(fd, kind);
  return file === undefined ? undefined : readFile(file, kind);
}

/** As `readSecret`, for a secret that is to lock something: it may not be empty. */
export async function readNewSecret(place: SecretPlace, kind: SecretKind): Promise<Secret | undefined> {
  const secret = await readSecret(place, kind);
  return secret && requireFilled(secret, place, kind);
}

/** A secret from a place, which may not be empty. */
export function requireFilled(secret: Secret, place: SecretPlace, kind: SecretKind): Secret {
  if (!secret.empty) return secret;
  const where = place.fd === undefined ? `the file ${String(place.file)}` : `file descriptor ${place.fd}`;
  throw new Failure(Exit.noPermission, `The ${kind.what} from ${where} is empty; nothing is locked with that.`);
}

/** Asks on the terminal itself: standard input and output may carry a message. `whose` ends the question "… for …". */
export async function askSecret(kind: SecretKind, whose: string): Promise<Secret> {
  return prompt(kind, `${capital(kind.what)} for ${whose}`);
}

/** Asks for a new secret: twice, and it may not be empty. */
export async function askNewSecret(kind: SecretKind, whose: string): Promise<Secret> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const first = await prompt(kind, `New ${kind.what} for ${whose}`);
    if (first.empty) continue;
    const second = await prompt(kind, `The same ${kind.what} again`);
    if (first.equals(second)) return first;
  }
  throw new Failure(Exit.noPermission, `No ${kind.what} was typed twice alike; nothing has been changed.`);
}

function parseFd(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give the number of an open file descriptor.');
  return Number(text);
}

async function readFile(path: string, kind: SecretKind): Promise<Secret> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new Failure(Exit.noInput, `The ${kind.what} file ${path} cannot be read (${reason(error)}).`, {
      cause: error,
    });
  });
  try {
    return await readLine(file.fd, `the file ${path}`, kind);
  } finally {
    await file.close();
  }
}

async function readDescriptor(fd: number, kind: SecretKind): Promise<Secret> {
  const where = `file descriptor ${fd}`;
  const notOpen = new Failure(
    Exit.noInput,
    `There is no ${kind.what} at ${where}: it is not open for reading. Redirect it, as in ${fd}<FILE.`,
  );
  try {
    const { mode } = fstatSync(fd);
    // Node's own descriptors (event queues) have no file type; a read from one would wait for ever.
    if ((mode & 0o170000) === 0) throw notOpen;
  } catch {
    throw notOpen;
  }
  try {
    return await readLine(fd, where, kind);
  } finally {
    // Standard input may go on with a message, or the next secret, after the first line.
    if (fd > 2) await promisify(close)(fd);
  }
}

/** The bytes up to the first line end, and none after it: what follows may be for somebody else. */
async function readLine(fd: number, where: string, { what, limit }: SecretKind): Promise<Secret> {
  const line = Buffer.alloc(limit);
  let size = 0;
  for (let waited = 0; ;) {
    if (size === line.length) {
      throw new Failure(Exit.dataError, `The first line of ${where} is too long for a ${what}.`);
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
      throw new Failure(Exit.noInput, `The ${what} cannot be read from ${where} (${reason(error)}).`, { cause: error });
    }
    if (bytesRead === 0 || line[size] === 0x0a) break;
    size += bytesRead;
  }
  if (line[size - 1] === 0x0d) size -= 1;
  try {
    return new Secret(new TextDecoder('utf-8', { fatal: true }).decode(line.subarray(0, size)));
  } catch {
    throw new Failure(Exit.dataError, `The ${what} from ${where} is not UTF-8.`);
  } finally {
    line.fill(0);
  }
}

async function prompt(kind: SecretKind, message: string): Promise<Secret> {
  const { fd, input } = openTerminal(kind);
  const output = new WriteStream(fd);
  // A serial line, or script(1), tells no width; the prompt would put every letter on a line of its own.
  if (output.columns === 0) output.columns = 80;
  try {
    const { isCancel, password } = await import('@clack/prompts');
    // Enter alone gives undefined, whatever the type says.
    const answer: unknown = await password({ message: printable(message), input, output });
    if (isCancel(answer)) throw new Failure(Exit.noPermission, `No ${kind.what} was given.`);
    return new Secret(typeof answer === 'string' ? answer : '');
  } finally {
    input.destroy();
    output.destroy();
  }
}

function openTerminal({ option, what }: SecretKind): { readonly fd: number; readonly input: ReadStream } {
  let opened: number | undefined;
  try {
    opened = openSync('/dev/tty', 'r+');
    return { fd: openSync('/dev/tty', 'r+'), input: new ReadStream(opened) };
  } catch (error) {
    if (opened !== undefined) closeSync(opened);
    throw new Failure(
      Exit.noPermission,
      `The ${what} is needed and there is no terminal to ask on. Give --${option}-fd or --${option}-file.`,
      { cause: error },
    );
  }
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function reason(error: unknown): string {
  return isSystemError(error) ? String(error.code) : String(error);
}
