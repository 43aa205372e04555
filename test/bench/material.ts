/** What the benches work on: keys, payloads in files, sealed messages in files, and the peers with their keys. */
import { createWriteStream, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileSource } from '#lib/bytes/file';
import { type ByteStream, CHUNK_SIZE, lentStream } from '#lib/bytes/source';
import { type PrivateKey, readPrivateKey } from '#lib/openpgp/library';
import { chooseRecipient } from '#lib/openpgp/recipient';
import { type SealOptions, createSealer } from '#lib/openpgp/seal';
import type { SessionKey } from '#lib/openpgp/sessionkey';
import { openpgp } from '#test/openpgpjs';
import { GnuPG, temporaryFolder } from '#test/peers';
import { type KeyName, readKeyFile } from '#test/vectors/catalogue';
import { payloadOf } from '#test/vectors/payload';
import { MB } from './measure.js';

/** How a message is sealed. */
export type Mode = 'v1' | 'ocb' | 'gcm';

/** A key that every program here can use; it does not announce SEIPDv2. */
const KEY: KeyName = 'gpg-curve25519';

export interface Sealed {
  readonly path: string;
  readonly sessionKey: SessionKey;
}

export interface Material {
  readonly folder: string;
  readonly gpg: GnuPG;
  /** Arguments with which rnp finds its key. */
  readonly rnp: readonly string[];
  /** File with the private key that messages of this mode are sealed to. */
  keyFile(mode: Mode): Promise<string>;
  /** A file with a payload of so many octets, a mail with an attachment in base64. */
  payloadFile(size: number): Promise<string>;
  /** A file with such a payload sealed by us, armored, and its session key. */
  sealedFile(mode: Mode, size: number): Promise<Sealed>;
}

/** Armored private keys. */
const keys = new Map<Mode, Promise<string>>();

function armoredKey(mode: Mode): Promise<string> {
  return once(keys, mode, async () => {
    if (mode === 'v1') return readKeyFile(KEY);
    const { privateKey } = await openpgp.generateKey({
      type: 'curve25519',
      userIDs: [{ email: 'alice@example.com' }],
      format: 'armored',
      config: { aeadProtect: true, preferredAEADAlgorithm: openpgp.enums.aead[mode] },
    });
    return privateKey;
  });
}

/** The key that messages of this mode are sealed to. */
export async function keyFor(mode: Mode): Promise<PrivateKey> {
  return readPrivateKey({ armoredKey: await armoredKey(mode) });
}

export async function sealOptions(key: PrivateKey, mode: Mode): Promise<SealOptions> {
  return { recipients: [await chooseRecipient(key.toPublic())], compatible: mode === 'v1' };
}

/** A mail of `size` octets in chunks, without holding it: two MB of it again and again. */
export function* payloadChunks(size: number): Generator<Buffer, void> {
  const block = payloadOf('mail', 2 * MB);
  for (let at = 0; at < size; at += CHUNK_SIZE) {
    const start = at % (block.length - CHUNK_SIZE);
    yield block.subarray(start, start + Math.min(CHUNK_SIZE, size - at));
  }
}

/** A stream over a file, which it closes at its end; for `openMessage` a lent one. */
export async function* fileStream(path: string, lent = false): AsyncGenerator<Buffer, void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const source = fileSource(file, size);
    yield* lent ? lentStream(source) : source.stream();
  } finally {
    await file.close();
  }
}

/** Reads a stream to its end and forgets it. Resolves to its size in octets. */
export async function consume(stream: ByteStream): Promise<number> {
  let size = 0;
  for await (const chunk of stream) size += chunk.length;
  return size;
}

export async function withMaterial<T>(run: (material: Material) => Promise<T>): Promise<T> {
  const folder = temporaryFolder();
  const gpg = new GnuPG();
  try {
    await gpg.import(readKeyFile(KEY));
    mkdirSync(join(folder, 'rnp'));
    const files = new Map<string, Promise<string>>();
    const sealed = new Map<string, Promise<Sealed>>();
    const keyFile = (mode: Mode): Promise<string> =>
      once(files, `key-${mode}`, async () => {
        const path = join(folder, `key-${mode}.asc`);
        writeFileSync(path, await armoredKey(mode));
        return path;
      });
    return await run({
      folder,
      gpg,
      rnp: ['--homedir', join(folder, 'rnp'), '--notty', '--password', '', '-f', await keyFile('v1')],
      keyFile,
      payloadFile: (size) => once(files, `payload-${size}`, () => makePayload(join(folder, `payload-${size}`), size)),
      sealedFile: (mode, size) =>
        once(sealed, `${mode}-${size}`, () => makeSealed(join(folder, `${mode}-${size}.asc`), mode, size)),
    });
  } finally {
    gpg.close();
    rmSync(folder, { recursive: true });
  }
}

function once<Key, Value>(made: Map<Key, Promise<Value>>, key: Key, make: () => Promise<Value>): Promise<Value> {
  const value = made.get(key) ?? make();
  made.set(key, value);
  return value;
}

async function makePayload(path: string, size: number): Promise<string> {
  await pipeline(Readable.from(payloadChunks(size)), createWriteStream(path));
  return path;
}

async function makeSealed(path: string, mode: Mode, size: number): Promise<Sealed> {
  const sealer = await createSealer(await sealOptions(await keyFor(mode), mode), size);
  await pipeline(Readable.from(sealer.seal(Readable.from(payloadChunks(size)))), createWriteStream(path));
  return { path, sessionKey: sealer.sessionKey };
}
