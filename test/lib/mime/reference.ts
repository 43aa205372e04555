import { parseContentTransferEncoding, parseContentType } from '#lib/mime/contenttype';
import { Header } from '#lib/mime/header';
import { type MimeLimits, mimeLimits } from '#lib/mime/limits';
import type { Part } from '#lib/mime/structure';

interface Line {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The rules of `StructureParser` once more: slow, and as plain as they can be said. All lines in memory, parts by recursion. */
export function referenceStructure(message: Buffer, changes?: Partial<MimeLimits>): Part {
  const limits = mimeLimits(changes);
  const lines = splitLines(message);
  /** Innermost last; undefined once closed. */
  const boundaries: (string | undefined)[] = [];
  let next = 0;
  let count = 0;
  let headerOctets = 0;
  /** Where the part that was last left ended, and with it all that end with it. */
  let end = 0;

  const offset = (): number => lines[next]?.start ?? message.length;

  /** Which boundary, by index, the next line belongs to. */
  function delimiter(): { readonly index: number; readonly close: boolean } | undefined {
    const line = lines[next];
    if (line === undefined || count >= limits.parts) return undefined;
    const content = line.text.replace(/\n$/, '');
    const text = content.replace(/[ \t\r]*$/, '');
    if (content.length - text.length > limits.delimiterPadding) return undefined;
    for (let index = boundaries.length - 1; index >= 0; index--) {
      const boundary = boundaries[index];
      if (boundary === undefined) continue;
      if (text === `--${boundary}`) return { index, close: false };
      if (text === `--${boundary}--`) return { index, close: true };
    }
    return undefined;
  }

  /** Goes on to the next delimiter, or to the end of the message. */
  function skip(bodyStart: number): void {
    while (next < lines.length && delimiter() === undefined) next++;
    markEnd(bodyStart);
  }

  function markEnd(bodyStart: number): void {
    const previous = lines[next - 1]?.text ?? '';
    const lineEnd = next === lines.length || offset() === bodyStart ? 0 : previous.endsWith('\r\n') ? 2 : 1;
    end = offset() - lineEnd;
  }

  function parsePart(depth: number, fallback: string): Part {
    count++;
    const start = offset();
    const room = Math.min(limits.headerOctets, limits.totalHeaderOctets - headerOctets);
    let fields = 0;
    let over = false;
    for (; next < lines.length && delimiter() === undefined; next++) {
      const line = lines[next];
      if (line === undefined) break;
      const blank = /^\r?\n$/.test(line.text);
      if (!blank && !(line.start > start && /^[ \t]/.test(line.text))) fields++;
      over = line.end - start > room || fields > limits.headerFields;
      if (over) break;
      if (blank) {
        next++;
        end = -1;
        break;
      }
    }
    const blankSeen = end === -1;
    let bodyStart = offset();
    if (!blankSeen && !over) {
      markEnd(start);
      bodyStart = end;
    }
    end = bodyStart;
    const header = Header.parse(message.subarray(start, bodyStart));
    headerOctets += header.raw.length;
    const field = header.unfolded('content-type');
    const parsed = field === undefined ? undefined : parseContentType(field);
    const contentType = parsed ?? {
      type: field === undefined ? fallback : 'text/plain',
      parameters: new Map<string, string>(),
    };
    const boundary = (contentType.parameters.get('boundary') ?? '').replace(/[ \t\r]*$/, '');
    const encoding = parseContentTransferEncoding(header.unfolded('content-transfer-encoding') ?? '') ?? '7bit';
    const isMultipart = contentType.type.startsWith('multipart/') && boundary !== '';
    const isMessage = /^message\/(rfc822|global)$/.test(contentType.type) && /^([78]bit|binary)$/.test(encoding);

    let limit: Part['limit'];
    if (over) limit = 'header';
    else if ((isMultipart || isMessage) && depth >= limits.depth) limit = 'depth';
    else if ((isMultipart || isMessage) && count + (isMessage ? 1 : 0) >= limits.parts) limit = 'parts';
    else if (isMultipart && boundary.length > limits.boundaryOctets) limit = 'boundary';
    else if (
      !contentType.type.startsWith('multipart/') &&
      count >= limits.parts &&
      boundaries.some((open) => open !== undefined)
    )
      limit = 'parts';

    const parts: Part[] = [];
    let inner: Part | undefined;
    let preamble: Part['preamble'];
    let epilogueStart: number | undefined;
    const body = (): Pick<Part, 'end' | 'lines' | 'bareLineFeeds'> => ({ end, ...countLines(message, bodyStart, end) });

    // A header that a delimiter or the end of the message cut short has nothing behind it.
    const empty = !blankSeen && !over;
    if (limit === undefined && isMessage) {
      inner = empty ? emptyPart(bodyStart) : parsePart(depth + 1, 'text/plain');
      if (empty) count++;
    } else if (limit === undefined && isMultipart) {
      const index = boundaries.push(boundary) - 1;
      if (!empty) skip(bodyStart);
      preamble = { start: bodyStart, end };
      for (let found = delimiter(); !empty && found?.index === index; found = delimiter()) {
        const whole = lines[next]?.text.endsWith('\n') === true;
        next++;
        if (found.close) {
          boundaries[index] = undefined;
          epilogueStart = offset();
          skip(bodyStart);
        } else if (whole) {
          parts.push(parsePart(depth + 1, contentType.type === 'multipart/digest' ? 'message/rfc822' : 'text/plain'));
        } else {
          end = message.length;
        }
      }
      boundaries.pop();
    } else if (!empty) {
      skip(bodyStart);
    }
    return {
      header,
      contentType,
      start,
      bodyStart,
      ...body(),
      parts,
      preamble,
      epilogue: epilogueStart === undefined ? undefined : { start: Math.min(epilogueStart, end), end },
      message: inner,
      limit,
    };
  }

  return parsePart(1, 'text/plain');
}

function emptyPart(at: number): Part {
  return {
    header: Header.parse(Buffer.alloc(0)),
    contentType: { type: 'text/plain', parameters: new Map() },
    start: at,
    bodyStart: at,
    end: at,
    lines: 0,
    bareLineFeeds: 0,
    parts: [],
    preamble: undefined,
    epilogue: undefined,
    message: undefined,
    limit: undefined,
  };
}

function splitLines(message: Buffer): Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (const text of message.toString('latin1').match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    lines.push({ start, end: start + text.length, text });
    start += text.length;
  }
  return lines;
}

function countLines(message: Buffer, start: number, end: number): Pick<Part, 'lines' | 'bareLineFeeds'> {
  let lines = 0;
  let bareLineFeeds = 0;
  for (let at = start; at < end; at++) {
    if (message[at] !== 10) continue;
    lines++;
    if (message[at - 1] !== 13) bareLineFeeds++;
  }
  return { lines, bareLineFeeds };
}
