import { type ByteStream, gather, slices } from '#lib/bytes/source';
import type { FetchItem, PlainItem } from '#imap/wire/fetchcommand';
import type { FetchData } from '#imap/wire/fetchdata';
import type { PartialRange, Section } from '#imap/wire/section';
import { binarySize, openBinary } from './binary.js';
import { bodyText } from './bodytext.js';
import type { ViewContent } from './content.js';
import { chosenFields } from './headerfields.js';
import { literalItem } from './item.js';
import { VIEW_LIMITS } from './limits.js';
import { isListed } from './listed.js';
import { withoutNul, withoutNuls } from './nul.js';
import type { ViewRecord } from './record.js';
import { clip, findPart, rangeOf, type ViewRange } from './sections.js';
import { partsOf } from './text.js';

export type { ViewContent } from './content.js';

/** An item of a FETCH response. */
export interface Answer {
  readonly data: FetchData;
  /** The octets of the literal, whose size `data` says, where `data` does not have them. */
  readonly stream?: ByteStream;
}

/** Octets of the view that an item asks for. */
type Asked =
  /** As they are. */
  | { readonly kind: 'octets'; readonly range: ViewRange }
  /** Some fields of the header there. */
  | {
      readonly kind: 'fields';
      readonly range: ViewRange;
      readonly section: Section;
      readonly partial: PartialRange | undefined;
    };

/** Whether the record alone answers the item, or says that it has no answer: `answerItem` then reads nothing. */
export function isAnsweredBy(record: ViewRecord, item: FetchItem): boolean {
  if (item.kind === 'binary' || item.kind === 'binary.size') {
    const part = findPart(record.root, item.part);
    return part === undefined || part.encoding === 'unknown';
  }
  if (isReady(item)) return true;
  const asked = askedFor(record, item);
  return asked !== undefined && (isHeld(record, asked.range) || heldFields(record, asked) !== undefined);
}

/**
 * One item of a FETCH response. Of `content` only what the item needs is read, and nothing where the record answers it. Rejects with
 * ViewError where there is no answer, and with a TypeError for an item that says nothing of the view (FLAGS, say; macros are to be expanded).
 */
export async function answerItem(item: FetchItem, record: ViewRecord, content: ViewContent): Promise<Answer> {
  const ready = answerFromTexts(item, record);
  if (ready !== undefined) return { data: ready };
  if (item.kind === 'binary') return openBinary(item, record, content);
  if (item.kind === 'binary.size')
    return { data: { kind: 'binary.size', part: item.part, octets: await binarySize(item.part, record, content) } };
  const asked = askedFor(record, item);
  if (asked === undefined) throw new TypeError('This item is not answered from the view of a message.');
  const { range } = asked;
  if (asked.kind === 'fields') {
    const header = heldFields(record, asked) ?? (await readHeld(record, range, content));
    const fields = withoutNul(chosenFields(header, asked.section));
    const { start, end } = clip({ start: 0, end: fields.length }, asked.partial);
    const octets = fields.subarray(start, end);
    if (octets.length <= VIEW_LIMITS.inlineOctets) return { data: literalItem(item, octets) };
    return { data: literalItem(item, octets.length), stream: slices(octets) };
  }
  const size = range.end - range.start;
  if (size <= VIEW_LIMITS.inlineOctets)
    return { data: literalItem(item, withoutNul(await readHeld(record, range, content))) };
  const stream = content.read(range.start, range.end);
  return { data: literalItem(item, size), stream: record.hasNul ? withoutNuls(stream) : stream };
}

/**
 * The items whose values are ready: RFC822.SIZE, ENVELOPE, BODY, BODYSTRUCTURE, PREVIEW. Undefined for the others. The same as `answerItem`, for
 * listings of many messages.
 */
export function answerFromTexts(item: FetchItem, record: ViewRecord): FetchData | undefined {
  if (item.kind === 'preview') return { kind: 'preview', text: record.preview };
  if (item.kind !== 'plain') return undefined;
  switch (item.name) {
    case 'RFC822.SIZE':
      return { kind: 'size', octets: record.size };
    case 'ENVELOPE':
      return readyItem(item.name, record.envelope);
    case 'BODY':
      return readyItem(item.name, bodyText(record.bodyStructure));
    case 'BODYSTRUCTURE':
      return readyItem(item.name, record.bodyStructure);
    default:
      return undefined;
  }
}

const READY: ReadonlySet<string> = new Set(['RFC822.SIZE', 'ENVELOPE', 'BODY', 'BODYSTRUCTURE']);

function isReady(item: FetchItem): boolean {
  return item.kind === 'preview' || (item.kind === 'plain' && READY.has(item.name));
}

function readyItem(name: PlainItem, value: Buffer): FetchData {
  return { kind: 'ready', name, value: partsOf(value) ?? [] };
}

function askedFor({ root }: ViewRecord, item: FetchItem): Asked | undefined {
  if (item.kind === 'body') {
    const { section, partial } = item;
    const range = rangeOf(root, section);
    if (section.fields.length > 0) return { kind: 'fields', range, section, partial };
    return { kind: 'octets', range: clip(range, partial) };
  }
  if (item.kind !== 'plain') return undefined;
  switch (item.name) {
    case 'RFC822':
      return { kind: 'octets', range: root };
    case 'RFC822.HEADER':
      return { kind: 'octets', range: { start: root.start, end: root.bodyStart } };
    case 'RFC822.TEXT':
      return { kind: 'octets', range: { start: root.bodyStart, end: root.end } };
    default:
      return undefined;
  }
}

/** The fields of lists, if the record has them and no others are asked for. */
function heldFields({ listed }: ViewRecord, asked: Asked): Buffer | undefined {
  return asked.kind === 'fields' && isListed(asked.section) ? listed : undefined;
}

/** Whether the record has these octets. */
function isHeld({ header }: ViewRecord, { start, end }: ViewRange): boolean {
  return start === end || (header !== undefined && end <= header.length);
}

async function readHeld(record: ViewRecord, range: ViewRange, content: ViewContent): Promise<Buffer> {
  const { start, end } = range;
  if (start === end) return NONE;
  if (record.header !== undefined && isHeld(record, range)) return record.header.subarray(start, end);
  return gather(content.read(start, end));
}

const NONE = Buffer.alloc(0);
