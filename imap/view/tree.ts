import { MIME_LIMITS } from '#lib/mime/limits';
import { OctetReader, OctetWriter } from './octets.js';
import type { PartRecord, TransferEncoding } from './record.js';

const KINDS = ['leaf', 'multipart', 'message'] as const;
const ENCODINGS: readonly TransferEncoding[] = ['identity', 'base64', 'quoted-printable', 'unknown'];

/**
 * The parts as octets: each before those in it, with kind and encoding, how far it begins behind what was before it, the octets of its header and
 * of its body, and how many are in it.
 */
export function encodeTree(root: PartRecord): Buffer {
  const writer = new OctetWriter();
  writePart(writer, root, 0);
  return writer.end();
}

function writePart(writer: OctetWriter, part: PartRecord, before: number): void {
  writer.number(KINDS.indexOf(part.kind) * ENCODINGS.length + ENCODINGS.indexOf(part.encoding));
  writer
    .number(part.start - before)
    .number(part.bodyStart - part.start)
    .number(part.end - part.bodyStart);
  if (part.kind === 'multipart') writer.number(part.parts.length);
  let behind = part.bodyStart;
  for (const child of part.parts) {
    writePart(writer, child, behind);
    behind = child.end;
  }
}

/** Whether these are the parts of a message of that size, as `encodeTree` writes them. */
export function isTree(octets: Buffer, size: number): boolean {
  const reader = new OctetReader(octets);
  let left: number = MIME_LIMITS.parts;
  /** Where the part ends; undefined where it is none. */
  const check = (before: number, limit: number, depth: number): number | undefined => {
    left--;
    const code = reader.number();
    const kind = KINDS[Math.floor(code / ENCODINGS.length)];
    const bodyStart = before + reader.number() + reader.number();
    const end = bodyStart + reader.number();
    if (reader.failed || left < 0 || depth > MIME_LIMITS.depth || kind === undefined || end > limit) return undefined;
    let children = kind === 'message' ? 1 : kind === 'multipart' ? reader.number() : 0;
    for (let behind = bodyStart; children > 0; children--) {
      const childEnd = check(behind, end, depth + 1);
      if (childEnd === undefined) return undefined;
      behind = childEnd;
    }
    return end;
  };
  return octets[1] === 0 && check(0, size, 1) === size && reader.ended;
}

/** The parts in octets that are a tree. */
export function decodeTree(octets: Buffer): PartRecord {
  return readPart(new OctetReader(octets), 0);
}

function readPart(reader: OctetReader, before: number): PartRecord {
  const code = reader.number();
  const kind = KINDS[Math.floor(code / ENCODINGS.length)] ?? 'leaf';
  const encoding = ENCODINGS[code % ENCODINGS.length] ?? 'unknown';
  const start = before + reader.number();
  const bodyStart = start + reader.number();
  const end = bodyStart + reader.number();
  const children = kind === 'message' ? 1 : kind === 'multipart' ? reader.number() : 0;
  const parts: PartRecord[] = [];
  for (let behind = bodyStart; parts.length < children; behind = parts.at(-1)?.end ?? behind)
    parts.push(readPart(reader, behind));
  return { kind, start, bodyStart, end, encoding, parts };
}
