import { VIEW_LIMITS } from './limits.js';
import type { LineEnds } from './lineends.js';
import { OctetReader, OctetWriter } from './octets.js';
import type { PartRecord, ViewRecord } from './record.js';
import { partsOf } from './text.js';
import { decodeTree, encodeTree, isTree } from './tree.js';

/** The first octet. A record of another version is none: the message is opened again. */
const VERSION = 1;

const HAS_NUL = 1;
const HAS_HEADER = 2;
const HAS_LINE_ENDS = 4;

export interface EncodeOptions {
  /** False leaves the root header out. Default: true. */
  readonly header?: boolean;
}

/** A record as octets. */
export function encodeRecord(record: ViewRecord, { header: withHeader = true }: EncodeOptions = {}): Buffer {
  const { preview, lineEnds } = record;
  const header = withHeader ? record.header : undefined;
  const flags =
    (record.hasNul ? HAS_NUL : 0) |
    (header === undefined ? 0 : HAS_HEADER) |
    (lineEnds === undefined ? 0 : HAS_LINE_ENDS);
  const writer = new OctetWriter().number(VERSION).number(flags).number(record.size);
  writer.block(record.envelope).block(record.bodyStructure).block(encodeTree(record.root)).block(preview);
  if (header !== undefined) writer.block(header);
  if (lineEnds !== undefined) writeLineEnds(writer, lineEnds);
  return writer.end();
}

/**
 * The record in octets of `encodeRecord`; undefined for any others, and for a record of another version. Never throws. What it returns lies in
 * those octets, which must not change.
 */
export function decodeRecord(octets: Buffer): ViewRecord | undefined {
  const reader = new OctetReader(octets);
  const version = reader.number();
  const flags = reader.number();
  const size = reader.number();
  const envelope = reader.block();
  const bodyStructure = reader.block();
  const tree = reader.block();
  const preview = reader.block();
  const header = (flags & HAS_HEADER) === 0 ? undefined : reader.block();
  const lineEnds = (flags & HAS_LINE_ENDS) === 0 ? undefined : readLineEnds(reader, size);
  if (version !== VERSION || flags > 7 || !reader.ended) return undefined;
  if (!isValue(envelope) || !isValue(bodyStructure) || preview.includes(0) || !isTree(tree, size)) return undefined;
  return new DecodedRecord(
    { size, envelope, bodyStructure, preview, header, hasNul: (flags & HAS_NUL) !== 0, lineEnds },
    tree,
  );
}

/** A record whose parts are taken apart when they are asked for: a listing needs none. */
class DecodedRecord implements ViewRecord {
  readonly size: number;
  readonly envelope: Buffer;
  readonly bodyStructure: Buffer;
  readonly preview: Buffer;
  readonly header: Buffer | undefined;
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

/** Whether octets can be sent as a value in parentheses. */
function isValue(octets: Buffer): boolean {
  if (octets[0] !== OPEN || octets.at(-1) !== CLOSE || octets.includes(0)) return false;
  const parts = partsOf(octets);
  return parts?.every((part) => !Buffer.isBuffer(part) || isLine(part)) ?? false;
}

/** Whether a line has no CR and no LF but those of its end. */
function isLine(line: Buffer): boolean {
  const cr = line.indexOf('\r');
  const lf = line.indexOf('\n');
  return (cr < 0 || cr === line.length - 2) && (lf < 0 || lf === line.length - 1);
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
