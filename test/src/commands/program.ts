/** The program as a process, with a state folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Keyring } from '#lib/keys/keyring';
import { type PrivateKey, encryptKey, generateKey } from '#lib/openpgp/library';

const MAIN = join(process.cwd(), 'dist', 'src', 'main.js');

export interface Result {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: Buffer | string;
  /** A file at standard input, by descriptor. */
  readonly stdin?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** What is put before the program. */
  readonly wrapper?: readonly string[];
}

export interface Program {
  readonly folder: string;
  readonly home: string;
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<Result>;
  readonly start: (args: readonly string[]) => ChildProcess;
  /** Writes a file into the folder and gives its path. */
  readonly file: (name: string, content: string | Buffer) => string;
  readonly remove: () => void;
}

export function program(): Program {
  const folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
  const home = join(folder, 'home');
  const command = (args: readonly string[], wrapper: readonly string[] = []): readonly string[] => [
    ...wrapper,
    process.execPath,
    MAIN,
    '--home',
    home,
    ...args,
  ];
  return {
    folder,
    home,
    run: (args, { input, stdin, env = {}, wrapper } = {}) =>
      new Promise((resolve, reject) => {
        const [file = '', ...rest] = command(args, wrapper);
        const child = spawn(file, rest, { stdio: [stdin ?? 'pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
        const out: Buffer[] = [];
        const err: Buffer[] = [];
        child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
        child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
        child.on('error', reject);
        child.on('close', (code) => {
          resolve({ code, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() });
        });
        // A program that fails before it reads closes the pipe.
        child.stdin?.on('error', () => undefined);
        child.stdin?.end(input ?? '');
      }),
    start: (args) => {
      const [file = '', ...rest] = command(args);
      return spawn(file, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
    },
    file: (name, content) => {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const PROVENANCE = { trust: 'pinned', source: 'generate', since: new Date() } as const;

/** Makes a key and puts it into a keyring; locked where there is a passphrase, expiring where there are seconds. */
export async function addKey(
  home: string,
  address: string,
  { passphrase, expires, date }: { readonly passphrase?: string; readonly expires?: number; readonly date?: Date } = {},
): Promise<PrivateKey> {
  const { privateKey } = await generateKey({
    type: 'ecc',
    userIDs: [{ name: 'Test', email: address }],
    format: 'object',
    ...(expires === undefined ? {} : { keyExpirationTime: expires }),
    ...(date === undefined ? {} : { date }),
  });
  const stored = passphrase === undefined ? privateKey : await encryptKey({ privateKey, passphrase });
  await new Keyring(home).write((writer) => writer.addPrivateKey(stored, PROVENANCE));
  return privateKey;
}

/** Puts a certificate alone into a keyring. */
export async function addCertificate(home: string, key: PrivateKey): Promise<void> {
  await new Keyring(home).write((writer) => writer.addCertificate(key.toPublic(), PROVENANCE));
}
