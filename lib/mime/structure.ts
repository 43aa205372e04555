import { HeaderCollector } from './collector.js';
import { type ParameterizedValue, parseContentTransferEncoding, parseContentType } from './contenttype.js';
import { boundaryOctets, delimiterTextEnd, matchDelimiter } from './delimiter.js';
import { Header } from './header.js';
import { type MimeLimits, mimeLimits } from './limits.js';
import { OpenPart, type Place } from './openpart.js';
import type { Part } from './part.js';

export type { Part, Range } from './part.js';

const LF = 10;
const CR = 13;
const HYPHEN = 45;

const TEXT_PLAIN: ParameterizedValue = { type: 'text/plain', parameters: new Map() };
const MESSAGE: ParameterizedValue = { type: 'message/rfc822', parameters: new Map() };

/** Encodings under which the octets are the message itself (RFC 2046 §5.2.1). */
const IDENTITY: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary']);

/** The structure of a message in memory. Never throws. */
export function parseStructure(message: Buffer, limits?: Partial<MimeLimits>): Part {
  const parser = new StructureParser(limits);
  parser.push(message);
  return parser.end();
}

/**
 * Finds the structure of a message in chunks of any length; how it is cut makes no difference. It holds the headers and a
 * possible delimiter line, never a body. Lines end at LF. Nothing that the message contains makes it throw.
 *
 * A boundary delimiter line ends whatever is inside its multipart, a header included; what is not closed ends with what it is
 * in; what goes over a limit is a leaf.
 */
export class StructureParser {
  readonly #limits: MimeLimits;
  /** From the message down to the part that the next octet belongs to. */
  readonly #open: OpenPart[] = [];
  #innermost: OpenPart;
  /** Of the innermost part, while its header lasts. */
  #collector: HeaderCollector | undefined;
  /** Octets of all headers so far. */
  #headerOctets = 0;
  /** Parts so far. */
  #count = 0;
  /** Open parts that have a boundary. */
  #boundaries = 0;

  #offset = 0;
  #lines = 0;
  #bareLineFeeds = 0;
  /** The octet before this chunk. */
  #last = 0;
  /** Whether a line begins here that may be a delimiter. */
  #undecided = false;
  /** What earlier chunks had of that line. */
  #held: Buffer = Buffer.alloc(0);
  /** Octets of the line end before that line. */
  #lineEnd = 0;

  constructor(limits?: Partial<MimeLimits>) {
    this.#limits = mimeLimits(limits);
    this.#innermost = this.#begin(this.#place(), TEXT_PLAIN);
  }

  /** Takes the next octets. They are not kept. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#undecided ? this.#decide(chunk, at) : this.#take(chunk, at);
    this.#last = chunk.at(-1) ?? this.#last;
  }

  /** The message is over: its structure. To be called once. */
  end(): Part {
    if (this.#held.length > 0 && !this.#takeDelimiter(this.#held, 0, this.#held.length)) this.#release();
    const end = this.#place();
    this.#endHeaders(end);
    return this.#closeDownTo(0, end).close(end);
  }

  /** Goes on to the end of the line or of the chunk: the octets are content. Says where it stopped, as do all of these. */
  #take(chunk: Buffer, at: number): number {
    return this.#collector === undefined ? this.#takeBody(chunk, at) : this.#takeHeader(this.#collector, chunk, at);
  }

  /** Counts lines up to one that may be a delimiter. This is where most octets of most messages pass. */
  #takeBody(chunk: Buffer, start: number): number {
    const watching = this.#watching();
    let lines = 0;
    let bare = 0;
    let end = chunk.length;
    for (let lf = chunk.indexOf(LF, start); lf >= 0; lf = chunk.indexOf(LF, lf + 1)) {
      const withCR = (lf > 0 ? chunk[lf - 1] : this.#last) === CR;
      lines++;
      if (!withCR) bare++;
      if (watching && isHyphen(chunk, lf + 1) && isHyphen(chunk, lf + 2)) {
        end = lf + 1;
        this.#undecided = true;
        this.#lineEnd = withCR ? 2 : 1;
        break;
      }
    }
    this.#offset += end - start;
    this.#lines += lines;
    this.#bareLineFeeds += bare;
    return end;
  }

  #takeHeader(collector: HeaderCollector, chunk: Buffer, start: number): number {
    const before = this.#place();
    const end = collector.push(chunk, start);
    this.#offset += end - start;
    const lineEnded = chunk[end - 1] === LF;
    if (lineEnded) this.#endLine(end > 1 ? chunk[end - 2] : this.#last);
    if (collector.state === 'blank') this.#endHeader(collector, this.#place());
    if (collector.state === 'limit') this.#endHeader(collector, before);
    this.#undecided = lineEnded && this.#watching();
    return end;
  }

  /** At the beginning of a line: holds it back while it may become a delimiter, until its end shows what it is. */
  #decide(chunk: Buffer, at: number): number {
    const held = this.#held;
    if (held.length < 2 && chunk[at] !== HYPHEN) return this.#release(at);
    const lf = chunk.indexOf(LF, at);
    const end = lf < 0 ? chunk.length : lf + 1;
    // Two hyphens on either side, and the line feed; the CR before it is padding.
    const longest = this.#limits.boundaryOctets + this.#limits.delimiterPadding + 5;
    if (held.length + end - at > longest) return this.#release(at);
    if (held.length === 0 && lf >= 0) return this.#takeDelimiter(chunk, at, end) ? end : this.#release(at);
    const line = Buffer.concat([held, chunk.subarray(at, end)]);
    if (lf >= 0) return this.#takeDelimiter(line, 0, line.length) ? end : this.#release(at);
    this.#held = line;
    return end;
  }

  /** The line is no delimiter: what was held of it is content, and so is what follows at `at`. */
  #release(at = 0): number {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    this.#undecided = false;
    for (let done = 0; done < held.length;) done = this.#take(held, done);
    this.#last = held.at(-1) ?? this.#last;
    return at;
  }

  /** Takes the line `lineStart` to `lineEnd` if it is a delimiter: ends the parts inside its multipart, begins the next one. */
  #takeDelimiter(bytes: Buffer, lineStart: number, lineEnd: number): boolean {
    const textEnd = delimiterTextEnd(bytes, lineStart, lineEnd, this.#limits.delimiterPadding);
    if (textEnd < 0) return false;
    // The innermost counts first, so that a boundary used again inside means what is inside.
    for (let index = this.#open.length - 1; index >= 0; index--) {
      const boundary = this.#open[index]?.boundary;
      const kind = boundary && matchDelimiter(bytes, lineStart, textEnd, boundary);
      if (kind === undefined) continue;
      const end = this.#placeBeforeLineEnd();
      this.#endHeaders(end);
      const multipart = this.#closeDownTo(index, end);
      multipart.preambleEnd ??= end.offset;
      const whole = bytes[lineEnd - 1] === LF;
      this.#offset += lineEnd - lineStart;
      if (whole) this.#endLine(bytes[lineEnd - 2]);
      this.#held = Buffer.alloc(0);
      if (kind === 'close') {
        multipart.boundary = undefined;
        multipart.epilogueStart = this.#offset;
        this.#boundaries--;
      } else if (whole) {
        // Without its line end, at the very end of the message, a delimiter begins nothing.
        const isDigest = multipart.contentType.type === 'multipart/digest';
        this.#begin(this.#place(), isDigest ? MESSAGE : TEXT_PLAIN);
      }
      this.#undecided = this.#watching();
      return true;
    }
    return false;
  }

  #begin(start: Place, fallback: ParameterizedValue): OpenPart {
    const { headerOctets, headerFields, totalHeaderOctets } = this.#limits;
    this.#collector = new HeaderCollector(Math.min(headerOctets, totalHeaderOctets - this.#headerOctets), headerFields);
    this.#innermost = new OpenPart(start, fallback);
    this.#open.push(this.#innermost);
    this.#count++;
    return this.#innermost;
  }

  /** Ends the header that lasts at `place`, if one does, and those of the messages that begin with that. */
  #endHeaders(place: Place): void {
    while (this.#collector !== undefined) this.#endHeader(this.#collector, place);
  }

  /**
   * The innermost part's header ends at `place`, or where the line began in which that lies and which does not fit: it tells
   * what to look for in the body.
   */
  #endHeader(collector: HeaderCollector, place: Place): void {
    const part = this.#innermost;
    const raw = collector.take().block.subarray(0, place.offset - part.start);
    this.#collector = undefined;
    this.#headerOctets += raw.length;
    part.body = { ...place, offset: part.start + raw.length };
    part.header = Header.parse(raw);
    // Asked of another one, so that what is kept has not been taken apart.
    const header = Header.parse(raw);
    const contentType = header.unfolded('Content-Type');
    if (contentType !== undefined) part.contentType = parseContentType(contentType) ?? TEXT_PLAIN;
    if (collector.state === 'limit') part.limit = 'header';
    else if (part.contentType.type.startsWith('multipart/')) this.#beginMultipart(part);
    else if (isMessage(part.contentType.type, header)) this.#beginMessage(part, place);
    else if (this.#boundaries > 0 && this.#count >= this.#limits.parts) part.limit = 'parts';
  }

  #beginMultipart(part: OpenPart): void {
    const boundary = boundaryOctets(part.contentType.parameters.get('boundary'));
    if (boundary === undefined) return;
    part.limit = this.#containerLimit(0) ?? (boundary.length > this.#limits.boundaryOctets ? 'boundary' : undefined);
    if (part.limit !== undefined) return;
    part.isMultipart = true;
    part.boundary = boundary;
    this.#boundaries++;
  }

  #beginMessage(part: OpenPart, place: Place): void {
    // The delimiter that may be ending this part's header needs room for the part it begins.
    part.limit = this.#containerLimit(1);
    if (part.limit === undefined) this.#begin(place, TEXT_PLAIN);
  }

  /** The limit, if one is reached, that keeps the innermost part from having parts, when so many are to be left over. */
  #containerLimit(reserve: number): 'depth' | 'parts' | undefined {
    if (this.#open.length >= this.#limits.depth) return 'depth';
    return this.#count + reserve >= this.#limits.parts ? 'parts' : undefined;
  }

  /** Ends the parts inside the one at this index of the open ones, which becomes the innermost. */
  #closeDownTo(index: number, end: Place): OpenPart {
    for (;;) {
      const parent = this.#open.at(-2);
      if (this.#open.length - 1 <= index || parent === undefined) return this.#innermost;
      if (this.#innermost.boundary !== undefined) this.#boundaries--;
      const part = this.#innermost.close(end);
      if (parent.isMultipart) parent.parts.push(part);
      else parent.message = part;
      this.#open.pop();
      this.#innermost = parent;
    }
  }

  /** Whether delimiters count: once there are as many parts as may be, the last one holds the rest. */
  #watching(): boolean {
    return this.#boundaries > 0 && this.#count < this.#limits.parts;
  }

  #endLine(octetBefore: number | undefined): void {
    this.#lines++;
    if (octetBefore !== CR) this.#bareLineFeeds++;
    this.#lineEnd = octetBefore === CR ? 2 : 1;
  }

  #place(): Place {
    return { offset: this.#offset, lines: this.#lines, bareLineFeeds: this.#bareLineFeeds };
  }

  /** Before the line end in front of the present line, unless that is the blank line or another part's: then here. */
  #placeBeforeLineEnd(): Place {
    const here = this.#place();
    if (here.offset === this.#innermost.body.offset) return here;
    return {
      offset: here.offset - this.#lineEnd,
      lines: here.lines - 1,
      bareLineFeeds: here.bareLineFeeds - (this.#lineEnd === 1 ? 1 : 0),
    };
  }
}

/** Whether there is a hyphen, or may be one in the next chunk. */
function isHyphen(chunk: Buffer, at: number): boolean {
  return at >= chunk.length || chunk[at] === HYPHEN;
}

function isMessage(type: string, header: Header): boolean {
  if (type !== 'message/rfc822' && type !== 'message/global') return false;
  const encoding = parseContentTransferEncoding(header.unfolded('Content-Transfer-Encoding') ?? '');
  return encoding === undefined || IDENTITY.has(encoding);
}
