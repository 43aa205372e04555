import type { ByteStream } from '#lib/bytes/source';
import { parseContentDisposition, parseContentTransferEncoding } from '#lib/mime/contenttype';
import type { Part } from '#lib/mime/structure';
import { withoutParameters } from './parameters.js';
import {
  Base64Decoder,
  Base64Encoder,
  type Transform,
  decodeQuotedPrintable,
  encodeQuotedPrintable,
  isIdentity,
} from './transfer.js';

/** A range of octets that is replaced by what the transform makes of it. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly transform: Transform;
}

/** Octets at the start of a part in which a legacy display element is looked for. It holds a few header fields. */
const HEAD = 64 * 1024;

const PARAMETER = 'hp-legacy-display';
const EMPTY = Buffer.alloc(0);

/**
 * What takes the legacy display elements out of a payload with hp="cipher" (RFC 9788 §4.5.3.3): the copies of protected fields
 * that main body parts begin with for readers that do not know header protection. Offsets are those of the part given.
 */
export function legacyDisplayEdits(root: Part): readonly Edit[] {
  return mainBodyParts(root).flatMap((part) => {
    const transform = displayRemoval(part);
    if (transform === undefined) return [];
    const body = { start: part.bodyStart, end: part.end, transform };
    // The root's header is rewritten by who makes the view.
    return part === root ? [body] : [{ start: part.start, end: part.bodyStart, transform: withoutMark(part) }, body];
  });
}

/**
 * What takes out the legacy display part of the drafts before RFC 9788: the first of two parts, marked as such. Undefined
 * where there is none.
 */
export function legacyPartEdit(root: Part): Edit | undefined {
  const [first, second, ...more] = root.parts;
  if (root.contentType.type !== 'multipart/mixed' || first === undefined || second === undefined || more.length > 0)
    return undefined;
  const { type, parameters } = first.contentType;
  if (type !== 'text/plain' && type !== 'text/rfc822-headers') return undefined;
  if (parameters.get('protected-headers')?.toLowerCase() !== 'v1') return undefined;
  // From the first part up to the second, the delimiter between them included: the one before the first now begins the second.
  return { start: first.start, end: second.start, transform: fixed(EMPTY) };
}

/** A stream with some of its ranges edited: in ascending order, without overlap. */
export async function* editStream(stream: ByteStream, edits: readonly Edit[]): AsyncGenerator<Buffer, void> {
  const waiting = [...edits];
  let offset = 0;
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) {
      const edit = waiting[0];
      const place = offset + at;
      const inside = edit !== undefined && place >= edit.start;
      const until = edit === undefined ? Infinity : inside ? edit.end : edit.start;
      const piece = chunk.subarray(at, Math.min(chunk.length, at + (until - place)));
      at += piece.length;
      const out = inside ? edit.transform.push(piece) : piece;
      if (out.length > 0) yield out;
      if (inside && offset + at >= edit.end) {
        waiting.shift();
        const rest = edit.transform.end();
        if (rest.length > 0) yield rest;
      }
    }
    offset += chunk.length;
  }
}

/** RFC 9787 §1.1 "Main Body Part": what a reader sees without opening an attachment. */
function mainBodyParts(part: Part): readonly Part[] {
  const disposition = parseContentDisposition(part.header.unfolded('content-disposition') ?? '');
  if (disposition?.type === 'attachment') return [];
  switch (part.contentType.type) {
    case 'text/plain':
    case 'text/html':
      return [part];
    case 'multipart/alternative':
      return part.parts.flatMap(mainBodyParts);
    case 'multipart/mixed':
    case 'multipart/related':
      return part.parts.slice(0, 1).flatMap(mainBodyParts);
    default:
      return [];
  }
}

function displayRemoval(part: Part): Transform | undefined {
  if (part.contentType.parameters.get(PARAMETER) !== '1') return undefined;
  const remove = part.contentType.type === 'text/html' ? removeFromHTML : removeFromText;
  const encoding = parseContentTransferEncoding(part.header.unfolded('content-transfer-encoding') ?? '') ?? '7bit';
  if (isIdentity(encoding)) return new HeadEdit(remove);
  if (encoding === 'quoted-printable') return new HeadEdit(inQuotedPrintable(remove));
  return encoding === 'base64' ? new Base64Edit(remove) : undefined;
}

/** "Up to and including the first entirely blank line" (RFC 9788 §4.5.3.3.1). */
function removeFromText(head: Buffer): Buffer {
  const blank = /(?:^|\n)\r?\n/.exec(head.toString('latin1'));
  return blank === null ? head : head.subarray(blank.index + blank[0].length);
}

/** The first element of the body, if it is the one (RFC 9788 §4.5.3.3.2). */
function removeFromHTML(head: Buffer): Buffer {
  const text = head.toString('latin1');
  const body = /<body\b[^>]*>/i.exec(text);
  const from = body === null ? 0 : body.index + body[0].length;
  const element = /^(?:\s|<!--[^]*?-->)*(<div\b([^>]*)>)/i.exec(text.slice(from));
  if (element === null) return head;
  const [lead, tag = '', attributes = ''] = element;
  const names = /\bclass\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i.exec(attributes);
  const classes = (names?.[1] ?? names?.[2] ?? names?.[3] ?? '').split(/\s+/);
  if (!classes.includes('header-protection-legacy-display')) return head;
  const start = from + lead.length - tag.length;
  let depth = 0;
  for (const match of text.slice(start).matchAll(/<(\/?)div\b[^>]*>/gi)) {
    depth += match[1] === '/' ? -1 : 1;
    if (depth === 0)
      return Buffer.concat([head.subarray(0, start), head.subarray(start + match.index + match[0].length)]);
  }
  return head;
}

type Removal = (head: Buffer) => Buffer;

/** Works on the whole lines of the head; what the removal leaves as it is keeps its encoding. */
function inQuotedPrintable(remove: Removal): Removal {
  return (head) => {
    const text = head.toString('latin1');
    // Up to the last line end that is one in the text as well.
    let end = text.lastIndexOf('\n') + 1;
    while (end > 0 && /=[ \t]*\r?\n$/.test(text.slice(Math.max(0, end - 80), end)))
      end = text.lastIndexOf('\n', end - 2) + 1;
    const decoded = decodeQuotedPrintable(text.slice(0, end));
    const rest = remove(decoded);
    if (rest.length === decoded.length) return head;
    return Buffer.concat([Buffer.from(encodeQuotedPrintable(rest), 'latin1'), head.subarray(end)]);
  };
}

/** Changes the head of a stream, and lets the rest through. */
class HeadEdit implements Transform {
  readonly #remove: Removal;
  #head: Buffer | undefined = EMPTY;

  constructor(remove: Removal) {
    this.#remove = remove;
  }

  push(chunk: Buffer): Buffer {
    if (this.#head === undefined) return chunk;
    this.#head = Buffer.concat([this.#head, chunk]);
    return this.#head.length < HEAD ? EMPTY : this.end();
  }

  end(): Buffer {
    const head = this.#head ?? EMPTY;
    this.#head = undefined;
    return this.#remove(head);
  }
}

/** Likewise below base64, which has to be written anew because its groups move. */
class Base64Edit implements Transform {
  readonly #decoder = new Base64Decoder();
  readonly #edit: HeadEdit;
  readonly #encoder = new Base64Encoder();

  constructor(remove: Removal) {
    this.#edit = new HeadEdit(remove);
  }

  push(chunk: Buffer): Buffer {
    return this.#encoder.push(this.#edit.push(this.#decoder.push(chunk)));
  }

  end(): Buffer {
    const rest = Buffer.concat([this.#edit.push(this.#decoder.end()), this.#edit.end()]);
    return Buffer.concat([this.#encoder.push(rest), this.#encoder.end()]);
  }
}

/** The part's header without the parameter. */
function withoutMark({ header }: Part): Transform {
  const fields = header.fields.map((field) =>
    field.name.toLowerCase() === 'content-type' ? withoutParameters(field, [PARAMETER]) : field.raw,
  );
  const length = header.fields.reduce((sum, { raw }) => sum + raw.length, 0);
  return fixed(Buffer.concat([...fields, header.raw.subarray(length)]));
}

/** Puts these octets in the place of whatever comes. */
function fixed(replacement: Buffer): Transform {
  return { push: () => EMPTY, end: () => replacement };
}
