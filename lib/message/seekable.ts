import { type ByteStream, type Source, gather } from '#lib/bytes/source';
import { parseStructure } from '#lib/mime/structure';
import { OpenPGPError } from '#lib/openpgp/error';
import { findSessionKey } from '#lib/openpgp/keysearch';
import type { PrivateKey } from '#lib/openpgp/library';
import { LIMITS } from '#lib/openpgp/limits';
import { type Offload, inline } from '#lib/openpgp/offload';
import { readOuter } from '#lib/openpgp/outer';
import { openSeekable } from '#lib/openpgp/seek';
import type { SessionKey } from '#lib/openpgp/sessionkey';
import { isClaim } from './field.js';
import { hasOriginMark } from './origin.js';
import { type Top, readTop } from './recognise.js';
import { isIdentity } from './transfer.js';

export interface OpenSeekableOptions {
  readonly keys: () => Promise<readonly PrivateKey[]>;
  readonly originKey: Buffer;
  /** The session key, where it is known; then no private key is needed. */
  readonly sessionKey?: SessionKey | undefined;
  readonly offload?: Offload | undefined;
}

/** A message of our own whose original can be read in ranges. */
export interface SeekableAtRest {
  /** Octets of the original message. */
  readonly size: number;
  readonly sessionKey: SessionKey;
  /** The original's octets from `start` up to but not including `end`. Each is authenticated; throws OpenPGPError `tag-mismatch`. */
  read(start: number, end: number): ByteStream;
}

/** Octets after the header in which the encrypted data begins, in the form that `sealAtRest` writes. */
const HEAD = 4096;
/** What the data begins with. */
const BEGIN = '-----BEGIN PGP MESSAGE-----';
/** Octets at the end that are looked at for the closing delimiter. */
const TAIL = 512;

/**
 * Opens a message that was encrypted at rest by who has the origin key, for reading ranges: reads no more of it than its beginning and its end.
 * Undefined where it is not exactly of the form that `sealAtRest` writes, carries no valid mark, or cannot be read in ranges;
 * `openStored` decides about those. An original whose own header claims to be ours (`isClaim`) is left to that, too.
 */
export async function openSeekableAtRest(
  source: Source,
  { keys, originKey, sessionKey, offload = inline }: OpenSeekableOptions,
): Promise<SeekableAtRest | undefined> {
  const top = await readTop(source);
  const data = await findData(source, top);
  if (data === undefined) return undefined;
  try {
    const outer = await readOuter(data.stream(), LIMITS);
    await outer.reader.close();
    const cipher = outer.parameters?.symmetric.id;
    if (cipher === undefined) return undefined;
    const key = sessionKey ?? (await findSessionKey(outer.sessionKeys, await keys(), cipher, LIMITS, offload));
    if (!hasOriginMark(top.header, originKey, key)) return undefined;
    const opened = await openSeekable(data, key);
    if (opened === undefined || (await claims(opened))) return undefined;
    return { size: opened.size, sessionKey: key, read: (start, end) => opened.read(start, end) };
  } catch (error) {
    if (error instanceof OpenPGPError) return undefined;
    throw error;
  }
}

/** The armored data, where everything around it is as `sealAtRest` writes it. What is inside is authenticated, whatever it looks like. */
async function findData(source: Source, top: Top): Promise<Source | undefined> {
  const { header, bodyStart, mbox } = top;
  if (!top.complete || mbox.length > 0 || header.all('content-type').length !== 1) return undefined;
  const head = await gather(source.stream(bodyStart, Math.min(source.size, bodyStart + HEAD)));
  const beginning = Buffer.concat([header.raw, head]);
  const root = parseStructure(beginning);
  const { type, parameters } = root.contentType;
  const boundary = parameters.get('boundary');
  if (type !== 'multipart/encrypted' || parameters.get('protocol') !== 'application/pgp-encrypted') return undefined;
  const [version, data, ...more] = root.parts;
  if (boundary === undefined || version === undefined || data === undefined || more.length > 0) return undefined;
  if (root.preamble === undefined || root.preamble.end > root.preamble.start) return undefined;
  if (version.contentType.type !== 'application/pgp-encrypted') return undefined;
  if (beginning.toString('latin1', version.bodyStart, version.end).trim() !== 'Version: 1') return undefined;
  if (data.contentType.type !== 'application/octet-stream') return undefined;
  if (!isIdentity(data.header.unfolded('content-transfer-encoding')?.trim().toLowerCase() ?? '7bit')) return undefined;
  if (!beginning.toString('latin1', data.bodyStart).startsWith(BEGIN)) return undefined;
  const tailStart = Math.max(data.bodyStart, source.size - TAIL);
  const tail = (await gather(source.stream(tailStart, source.size))).toString('latin1');
  const closing = tail.lastIndexOf(`\n--${boundary}--`);
  if (closing < 0 || tail.slice(closing + boundary.length + 5).trim() !== '') return undefined;
  const start = data.bodyStart;
  const end = tailStart + closing - (tail[closing - 1] === '\r' ? 1 : 0);
  return {
    size: end - start,
    stream: (from = 0, to = end - start) => source.stream(start + from, start + Math.min(to, end - start)),
    close: () => Promise.resolve(),
  };
}

/** Whether the original's header has fields that must not be shown. */
async function claims(opened: {
  readonly size: number;
  read(start: number, end: number): ByteStream;
}): Promise<boolean> {
  const { header, complete } = await readTop({
    size: opened.size,
    stream: (start = 0, end = opened.size) => opened.read(start, end),
    close: () => Promise.resolve(),
  });
  return !complete || header.fields.some(isClaim);
}
