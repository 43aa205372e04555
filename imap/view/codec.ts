import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { DICTIONARY } from './dictionary.js';
import { VIEW_LIMITS } from './limits.js';
import type { LineEnds } from './lineends.js';
import { listedFields } from './listed.js';
import { OctetReader, OctetWriter } from './octets.js';
import type { PartRecord, ViewRecord } from './record.js';
import { partsOf } from './text.js';
import { decodeTree, encodeTree, isTree } from './tree.js';

/** The first octet: the form of what follows. A record in another form is none, and its message is opened again. */
const PLAIN = 1;
const DEFLATED = 2;

const HAS_NUL = 1;
const HAS_HEADER = 2;
const HAS_LISTED = 4;
const HAS_LINE_ENDS = 8;

export interface EncodeOptions {
  /** What is kept of the root header: all that the record has, what mail programs list messages by, or nothing. Default: `whole`. */
  readonly header?: 'whole' | 'listed' | 'none';
  /** Takes less than half of the octets, and some ten times as long to decode. Default: false. */
  readonly compress?: boolean;
}

/** A record as octets. */
export function encodeRecord(
  record: ViewRecord,
  { header: kept = 'whole', compress = false }: EncodeOptions = {},
): Buffer {
  const { lineEnds } = record;
  const header = kept === 'whole' ? record.header : undefined;
  const listed = kept === 'none' || header !== undefined ? undefined : listedOf(record);
  const flags =
    (record.hasNul ? HAS_NUL : 0) |
    (header === undefined ? 0 : HAS_HEADER) |
    (listed === undefined ? 0 : HAS_LISTED) |
    (lineEnds === undefined ? 0 : HAS_LINE_ENDS);
  const writer = new OctetWriter().number(flags).number(record.size);
  writer.block(record.envelope).block(record.bodyStructure).block(encodeTree(record.root)).block(record.preview);
  if (header !== undefined) writer.block(header);
  if (listed !== undefined) writer.block(listed);
  if (lineEnds !== undefined) writeLineEnds(writer, lineEnds);
  const octets = writer.end();
  const form = compress ? DEFLATED : PLAIN;
  return Buffer.concat([Buffer.of(form), compress ? deflateRawSync(octets, { dictionary: DICTIONARY }) : octets]);
}

function listedOf({ header, listed }: ViewRecord): Buffer | undefined {
  return header === undefined ? listed : listedFields(header);
}

/**
 * The record in octets of `encodeRecord`; undefined for any others. Never throws. What it returns lies in those octets, which must not change.
 */
export function decodeRecord(octets: Buffer): ViewRecord | undefined {
  const form = octets[0];
  if (form === PLAIN) return decodePlain(octets.subarray(1));
  const inflated = form === DEFLATED ? inflate(octets.subarray(1)) : undefined;
  return inflated && decodePlain(inflated);
}

/** Undefined for what is not deflated, or larger than a record can be. */
function inflate(octets: Buffer): Buffer | undefined {
  try {
    return inflateRawSync(octets, { dictionary: DICTIONARY, maxOutputLength: VIEW_LIMITS.recordOctets });
  } catch {
    return undefined;
  }
}

function decodePlain(octets: Buffer): ViewRecord | undefined {
  const reader = new OctetReader(octets);
  const flags = reader.number();
  const size = reader.number();
  const envelope = reader.block();
  const bodyStructure = reader.block();
  const tree = reader.block();
  const preview = reader.block();
  const header = (flags & HAS_HEADER) === 0 ? undefined : reader.block();
  const listed = (flags & HAS_LISTED) === 0 ? undefined : reader.block();
  const lineEnds = (flags & HAS_LINE_ENDS) === 0 ? undefined : readLineEnds(reader, size);
  if (!reader.ended || flags > 15 || (header !== undefined && listed !== undefined)) return undefined;
  if (!isValue(envelope) || !isValue(bodyStructure) || preview.includes(0) || !isTree(tree, size)) return undefined;
  const hasNul = (flags & HAS_NUL) !== 0;
  return new DecodedRecord({ size, envelope, bodyStructure, preview, header, listed, hasNul, lineEnds }, tree);
}

/** Whether octets are a record in a form that is read here. What is in it, `decodeRecord` tells. */
export function isRecord(octets: Buffer): boolean {
  return octets[0] === PLAIN || octets[0] === DEFLATED;
}

/** A record whose parts are taken apart when they are asked for: a listing needs none. */
class DecodedRecord implements ViewRecord {
  readonly size: number;
  readonly envelope: Buffer;
  readonly bodyStructure: Buffer;
  readonly preview: Buffer;
  readonly header: Buffer | undefined;
  readonly listed: Buffer | undefined;
  readonly hasNul: boolean;
  readonly lineEnds: LineEnds | undefined;
  readonly #tree: Buffer;
  #root: PartRecord | undefined;

  constructor(record: Omit<ViewRecord, 'root'>, tree: Buffer) {
    this.size = record.size;
    this.envelope = record.envelope;
    this.bodyStructure = record.bodyStructure;
    this.preview = record.preview;
    this.header = record.header;
    this.listed = record.listed;
    this.hasNul = record.hasNul;
    this.lineEnds = record.lineEnds;
    this.#tree = tree;
  }

  get root(): PartRecord {
    return (this.#root ??= decodeTree(this.#tree));
  }
}

const OPEN = 0x28;
const CLOSE = 0x29;
const CR = 0x0d;
const LF = 0x0a;

/** Whether octets can be sent as a value in parentheses. */
function isValue(octets: Buffer): boolean {
  if (octets[0] !== OPEN || octets.at(-1) !== CLOSE || octets.includes(0)) return false;
  // Few values have a literal.
  if (!octets.includes(CR) && !octets.includes(LF)) return true;
  return partsOf(octets)?.every((part) => !Buffer.isBuffer(part) || isLine(part)) ?? false;
}

/** Whether a line has no CR and no LF but those of its end. */
function isLine(line: Buffer): boolean {
  const cr = line.indexOf(CR);
  const lf = line.indexOf(LF);
  return cr < 0 ? lf < 0 : cr === line.length - 2 && lf === line.length - 1;
}

function writeLineEnds(writer: OctetWriter, { bare, spacing, checkpoints }: LineEnds): void {
  writer.number(bare).number(spacing).number(checkpoints.length);
  for (const [index, count] of checkpoints.entries()) writer.number(count - (checkpoints[index - 1] ?? 0));
}

function readLineEnds(reader: OctetReader, size: number): LineEnds | undefined {
  const bare = reader.number();
  const spacing = reader.number();
  const count = reader.number();
  const payload = size - bare;
  // There is one for every place in the payload, and at least one octet here for each.
  if (bare === 0 || spacing === 0 || count > VIEW_LIMITS.checkpoints || count !== Math.floor(payload / spacing)) {
    reader.fail();
    return undefined;
  }
  const checkpoints: number[] = [];
  let sum = 0;
  for (let index = 0; index < count; index++) {
    sum += reader.number();
    checkpoints.push(sum);
  }
  if (sum > bare) reader.fail();
  return { bare, spacing, checkpoints };
}
