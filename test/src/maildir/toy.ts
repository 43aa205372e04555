/** A stand-in for encryption, and a Maildir to try it on. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ByteStream, gather, type Source } from '#lib/bytes/source';
import type { Conversion } from '#src/maildir/replace';

const MARK = Buffer.from('X-Sealed: yes\r\nMIME-Version: 1.0\r\n\r\n');

async function* invert(stream: ByteStream): AsyncGenerator<Buffer, void> {
  for await (const chunk of stream) yield Buffer.from(chunk.map((octet) => octet ^ 0x55));
}

async function* seal(message: Source): AsyncGenerator<Buffer, void> {
  yield MARK;
  yield* invert(message.stream());
}

async function isSealed(message: Source): Promise<boolean> {
  return (await gather(message.stream(0, Math.min(message.size, MARK.length)))).equals(MARK);
}

/** Puts a mark in front and turns bits. Verified by turning them back. */
export const sealing: Conversion = {
  convert: async (message) =>
    (await isSealed(message)) ? 'skip' : { size: message.size + MARK.length, stream: () => seal(message) },
  verify: async (original, written) => {
    const back = await gather(invert(written.stream(MARK.length)));
    if (!back.equals(await gather(original.stream()))) throw new Error('It does not open to the original.');
  },
};

/** Back again. */
export const opening: Conversion = {
  convert: async (message) =>
    (await isSealed(message)) ? { stream: () => invert(message.stream(MARK.length)) } : 'skip',
};

/** What the message was before it was sealed. */
export function unsealed(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, MARK.length).equals(MARK)) throw new Error('not sealed');
  return Buffer.from(bytes.subarray(MARK.length).map((octet) => octet ^ 0x55));
}

/** A folder for one test, with messages as `path: content`. Their modification times are in 2022. */
export function maildir(context: TestContext, messages: Readonly<Record<string, string | Buffer>>): string {
  const root = mkdtempSync(join(tmpdir(), 'postern-maildir-test-'));
  context.after(() => {
    rmSync(root, { recursive: true, force: true });
  });
  for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(root, name));
  for (const [path, content] of Object.entries(messages)) put(root, path, content);
  return root;
}

/** Writes a message file, and its mailbox where there is none. */
export function put(root: string, path: string, content: string | Buffer): void {
  const file = join(root, path);
  for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(dirname(file), '..', name), { recursive: true });
  writeFileSync(file, content);
  utimesSync(file, 1640995200.25, 1640995200.75);
}

/** All files below a folder, by path. */
export function files(root: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found.set(path.slice(root.length + 1), readFileSync(path));
  }
  return found;
}
