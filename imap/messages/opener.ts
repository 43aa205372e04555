import { type Source, gather, memorySource } from '#lib/bytes/source';
import { BUFFER_LIMIT, Spool } from '#lib/bytes/spool';
import { type View, openStored } from '#lib/message/open';
import { readTop } from '#lib/message/recognise';
import { type SeekableAtRest, openSeekableAtRest } from '#lib/message/seekable';
import { asStored } from '#lib/message/stored';
import { OpenPGPError } from '#lib/openpgp/error';
import type { PrivateKey } from '#lib/openpgp/library';
import type { Offload } from '#lib/openpgp/offload';
import type { SessionKey } from '#lib/openpgp/sessionkey';
import type { Verifiers } from '#lib/openpgp/verification';
import { ViewBuilder } from '../view/builder.js';
import type { ViewContent } from '../view/answer.js';
import { decodeRecord, encodeRecord } from '../view/codec.js';
import { crlfRange } from '../view/lineends.js';
import type { ViewRecord } from '../view/record.js';
import { type Shown, digestOf, fingerprintOf } from './shown.js';
import { ContentError, type StoredMessage } from './stored.js';

/** What messages are opened with: that of a session. */
export interface OpeningKeys {
  /** The private keys of the vault. */
  readonly keys: () => Promise<readonly PrivateKey[]>;
  /** Gives the certificates that a signature may be checked with. */
  readonly verifiers: Verifiers;
  readonly originKey: Buffer;
  readonly offload?: Offload | undefined;
  /** Folder for spools. */
  readonly spoolDirectory?: string | undefined;
}

/** A message that is open: all of it can be read. */
export interface Opened {
  /** What opening it has told. */
  readonly found: Shown;
  readonly record: ViewRecord;
  readonly content: ViewContent;
  /** Octets that it holds in memory. */
  readonly octets: number;
  /** Where it is read from, if that is still needed. */
  readonly stored?: StoredMessage;
  /** False where it is encrypted and cannot be opened, which may be otherwise when other keys are there. */
  readonly lasting: boolean;
  readonly close: () => Promise<void>;
}

const NOTHING = Buffer.alloc(0);

/** Opens messages. Each function gives undefined for a message that is shown as it is stored: not encrypted, or not to be opened. */
export class Opener {
  readonly #keys: OpeningKeys;

  constructor(keys: OpeningKeys) {
    this.#keys = keys;
  }

  /** Opens a message in memory. `known`: it has been opened before, and must be the same one. */
  async openBytes(stored: Buffer, known: Shown | undefined): Promise<Opened | undefined> {
    const source = memorySource(stored);
    return undamaged(source, await this.#view(source, known?.sessionKey), async (view) => {
      if (isAsStored(view, source)) return undefined;
      const pieces: Buffer[] = [];
      const record = await build(view, (chunk) => {
        pieces.push(chunk);
      });
      const bytes = Buffer.concat(pieces);
      const told = await describe(source, view, record);
      return { ...told, content: inMemory(bytes), octets: bytes.length, close: () => Promise.resolve() };
    });
  }

  /** Opens a large one: by ranges where its form allows that, and otherwise by way of a spool on the disk. */
  async openLarge(stored: StoredMessage, known: Shown | undefined): Promise<Opened | undefined> {
    try {
      const opened = await this.#seek(stored, known);
      if (opened !== undefined) return opened;
    } catch (error) {
      // Damage that is found on the way, or a provider that only estimates sizes: what comes as a whole decides.
      if (!(error instanceof OpenPGPError || error instanceof ContentError)) throw error;
    }
    return this.#download(stored, known);
  }

  async #seek(stored: StoredMessage, known: Shown | undefined): Promise<Opened | undefined> {
    const seekable = await openSeekableAtRest(stored, { ...this.#keys, sessionKey: known?.sessionKey });
    if (seekable === undefined) return undefined;
    const payload = payloadOf(seekable);
    const told = known === undefined ? undefined : decodeRecord(known.record);
    // What was opened counts, and not what was told of it.
    const fits = told !== undefined && (await isOf(told, payload, known?.sessionKey !== undefined));
    const record = fits ? told : await scan(payload);
    const content = { read: (start: number, end: number) => crlfRange(payload, record.lineEnds, start, end) };
    const found: Shown = {
      kind: 'shown',
      storedSize: stored.size,
      ...(await marksOf(stored)),
      tail: await stored.tail(),
      sessionKey: seekable.sessionKey,
      record: encodeRecord(record),
    };
    return { found, record, content, octets: 0, stored, lasting: true, close: () => Promise.resolve() };
  }

  async #download(stored: StoredMessage, known: Shown | undefined): Promise<Opened | undefined> {
    const spool = this.#spool();
    let source: Source | undefined;
    try {
      await stored.download((octets) => spool.write(octets));
      source = await spool.finish();
      return await this.#openSpooled(source, known);
    } catch (error) {
      await spool.discard();
      throw error;
    } finally {
      await source?.close();
    }
  }

  async #openSpooled(source: Source, known: Shown | undefined): Promise<Opened | undefined> {
    return undamaged(source, await this.#view(source, known?.sessionKey), async (view) => {
      if (isAsStored(view, source)) {
        await view.close();
        return undefined;
      }
      const spool = this.#spool();
      try {
        const record = await build(view, (chunk) => spool.write(chunk));
        const payload = await spool.finish();
        const told = await describe(source, view, record);
        const content = { read: (start: number, end: number) => payload.stream(start, end) };
        return { ...told, content, octets: 0, close: () => payload.close() };
      } catch (error) {
        await spool.discard();
        await view.close();
        throw error;
      }
    });
  }

  #view(source: Source, sessionKey: SessionKey | undefined): Promise<View> {
    const { keys, verifiers, originKey, offload, spoolDirectory } = this.#keys;
    return openStored(source, {
      keys,
      verifiers,
      originKey,
      withoutClaims: true,
      ...(sessionKey === undefined ? {} : { sessionKey }),
      ...(offload === undefined ? {} : { offload }),
      ...(spoolDirectory === undefined ? {} : { spoolDirectory }),
    });
  }

  /** Always sealed: whether it is ciphertext is known only when it has come whole. */
  #spool(): Spool {
    const { spoolDirectory } = this.#keys;
    return new Spool({ limit: BUFFER_LIMIT, ...(spoolDirectory === undefined ? {} : { directory: spoolDirectory }) });
  }
}

/** Reads a view. One in which damage is found only now cannot be opened: it is read as it is stored. */
async function undamaged<T>(source: Source, view: View, use: (view: View) => Promise<T>): Promise<T> {
  try {
    return await use(view);
  } catch (error) {
    if (view.kind !== 'opened' || !(error instanceof OpenPGPError)) throw error;
    return use({ kind: 'stored', reason: error, recipients: [], ...asStored(source, await readTop(source)) });
  }
}

/**
 * Whether a record is of this payload. `sure`: it was made from a message with the same session key. A summary may have been copied from another
 * message, of the same size even, so that the header has to be the one that it tells.
 */
async function isOf(told: ViewRecord, payload: Source, sure: boolean): Promise<boolean> {
  if (told.size !== payload.size + (told.lineEnds?.bare ?? 0)) return false;
  if (sure) return true;
  const { header, lineEnds } = told;
  return header !== undefined && (await gather(crlfRange(payload, lineEnds, 0, header.length))).equals(header);
}

/** Whether the view is the stored form, octet for octet. */
function isAsStored(view: View, source: Source): boolean {
  return view.kind !== 'opened' && view.size === source.size;
}

/** Reads the view once. */
async function build(view: View, take: (chunk: Buffer) => Promise<void> | void): Promise<ViewRecord> {
  const builder = new ViewBuilder();
  for await (const chunk of view.stream()) {
    const lines = builder.push(chunk);
    if (lines.length > 0) await take(lines);
  }
  return builder.end();
}

async function scan(payload: Source): Promise<ViewRecord> {
  const builder = new ViewBuilder();
  for await (const chunk of payload.stream()) builder.push(chunk);
  return builder.end();
}

function payloadOf(seekable: SeekableAtRest): Source {
  const { size } = seekable;
  return {
    size,
    stream: (start = 0, end = size) => seekable.read(start, end),
    close: () => Promise.resolve(),
  };
}

function inMemory(bytes: Buffer): ViewContent {
  return { read: (start, end) => memorySource(bytes).stream(start, end) };
}

async function describe(
  source: Source,
  view: View,
  record: ViewRecord,
): Promise<Pick<Opened, 'found' | 'record' | 'lasting'>> {
  const found: Shown = {
    kind: 'shown',
    storedSize: source.size,
    ...(await marksOf(source)),
    tail: NOTHING,
    sessionKey: view.kind === 'opened' ? view.sessionKey : undefined,
    record: encodeRecord(record),
  };
  return { found, record, lasting: view.kind !== 'stored' };
}

/** What the message is known again by. */
export async function marksOf(source: Source): Promise<Pick<Shown, 'fingerprint' | 'headerDigest'>> {
  const { header } = await readTop(source);
  return { fingerprint: fingerprintOf(header), headerDigest: digestOf(header.raw) };
}
