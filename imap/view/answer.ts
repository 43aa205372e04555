import { type ByteStream, gather } from '#lib/bytes/source';
import type { FetchItem } from '#imap/wire/fetchcommand';
import type { Content, FetchData } from '#imap/wire/fetchdata';
import type { PartialRange, Section } from '#imap/wire/section';
import { bodyText } from './bodytext.js';
import { chosenFields } from './headerfields.js';
import { VIEW_LIMITS } from './limits.js';
import { withoutNul, withoutNuls } from './nul.js';
import type { ViewRecord } from './record.js';
import { clip, rangeOf, type ViewRange } from './sections.js';
import { partsOf } from './text.js';

/** The octets of a view. Nothing is opened before the stream is read. */
export interface ViewContent {
  /** The octets `start` up to but not including `end`, with CRLF. */
  read(start: number, end: number): ByteStream;
}

/** An item of a FETCH response. */
export interface Answer {
  readonly data: FetchData;
  /** The octets of the literal, whose size `data` says, where `data` does not have them. */
  readonly stream?: ByteStream;
}

/** Where the octets of a literal come from. */
type Octets =
  | { readonly kind: 'range'; readonly range: ViewRange }
  | {
      readonly kind: 'fields';
      readonly header: ViewRange;
      readonly section: Section;
      readonly partial: PartialRange | undefined;
    };

/** Whether the record alone answers the item: `answerItem` then reads nothing. */
export function isAnsweredBy(record: ViewRecord, item: FetchItem): boolean {
  if (item.kind === 'preview') return item.lazy || record.preview !== undefined;
  if (item.kind === 'plain' && TEXTS.has(item.name)) return true;
  const octets = octetsOf(record, item);
  if (octets === undefined) return false;
  return isHeld(record, octets.kind === 'range' ? octets.range : octets.header);
}

const TEXTS: ReadonlySet<string> = new Set(['RFC822.SIZE', 'ENVELOPE', 'BODY', 'BODYSTRUCTURE']);

/**
 * One item of a FETCH response. Of `content` only what the item needs is read, and nothing where the record answers it. Rejects with
 * ViewError where there is no answer. Throws a TypeError for an item that says nothing of the view.
 */
export async function answerItem(item: FetchItem, record: ViewRecord, content: ViewContent): Promise<Answer> {
  const text = textItem(item, record);
  if (text !== undefined) return { data: text };
  const octets = octetsOf(record, item);
  if (octets === undefined) throw new TypeError('This item is not answered from the view of a message.');
  if (octets.kind === 'fields') {
    const header = await readHeld(record, octets.header, content);
    const fields = withoutNul(chosenFields(header, octets.section));
    const { start, end } = clip({ start: 0, end: fields.length }, octets.partial);
    return { data: literalItem(item, contentOf(fields.subarray(start, end))) };
  }
  const { range } = octets;
  const size = range.end - range.start;
  if (size > VIEW_LIMITS.inlineOctets) {
    const stream = content.read(range.start, range.end);
    const data = literalItem(item, { size, nonSynchronizing: false, binary: false });
    return { data, stream: record.hasNul ? withoutNuls(stream) : stream };
  }
  return { data: literalItem(item, contentOf(withoutNul(await readHeld(record, range, content)))) };
}

/** An item whose value is ready. */
function textItem(item: FetchItem, record: ViewRecord): FetchData | undefined {
  if (item.kind === 'preview') return { kind: 'preview', text: record.preview };
  if (item.kind !== 'plain') return undefined;
  switch (item.name) {
    case 'RFC822.SIZE':
      return { kind: 'size', octets: record.size };
    case 'ENVELOPE':
      return readyItem(ENVELOPE, record.envelope);
    case 'BODY':
      return readyItem(BODY, bodyText(record.bodyStructure));
    case 'BODYSTRUCTURE':
      return readyItem(BODYSTRUCTURE, record.bodyStructure);
    default:
      return undefined;
  }
}

const ENVELOPE = Buffer.from('ENVELOPE ');
const BODY = Buffer.from('BODY ');
const BODYSTRUCTURE = Buffer.from('BODYSTRUCTURE ');

function readyItem(name: Buffer, value: Buffer): FetchData {
  return { kind: 'other', item: partsOf(Buffer.concat([name, value])) ?? [] };
}

function octetsOf(record: ViewRecord, item: FetchItem): Octets | undefined {
  const { root } = record;
  if (item.kind === 'body') {
    const { section, partial } = item;
    const range = rangeOf(root, section);
    const isFields = section.fields.length > 0 && range.end > range.start;
    return isFields
      ? { kind: 'fields', header: range, section, partial }
      : { kind: 'range', range: clip(range, partial) };
  }
  if (item.kind !== 'plain') return undefined;
  switch (item.name) {
    case 'RFC822':
      return { kind: 'range', range: root };
    case 'RFC822.HEADER':
      return { kind: 'range', range: { start: root.start, end: root.bodyStart } };
    case 'RFC822.TEXT':
      return { kind: 'range', range: { start: root.bodyStart, end: root.end } };
    default:
      return undefined;
  }
}

function literalItem(item: FetchItem, content: Content): FetchData {
  if (item.kind === 'body') {
    // As Dovecot, names in upper case.
    const fields = item.section.fields.map((field) => field.toUpperCase());
    return { kind: 'body', section: { ...item.section, fields }, origin: item.partial?.offset, content };
  }
  if (item.kind === 'plain' && (item.name === 'RFC822' || item.name === 'RFC822.HEADER' || item.name === 'RFC822.TEXT'))
    return { kind: 'rfc822', name: item.name, content };
  throw new TypeError('This item has no literal.');
}

function contentOf(bytes: Buffer): Content {
  return { size: bytes.length, nonSynchronizing: false, binary: false, bytes };
}

function isHeld({ header }: ViewRecord, { start, end }: ViewRange): boolean {
  return start === end || (header !== undefined && end <= header.length);
}

async function readHeld(record: ViewRecord, range: ViewRange, content: ViewContent): Promise<Buffer> {
  const { start, end } = range;
  if (isHeld(record, range)) return record.header?.subarray(start, end) ?? Buffer.alloc(0);
  return gather(content.read(start, end));
}
