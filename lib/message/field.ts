/**
 * lib/message: stored form and what is sent to others ⇄ original message. Two doors: seal.ts and open.ts.
 *
 * Sealing: recognise.ts and addressed.ts tell what is encrypted already, policy.ts makes the outer header, protectedheaders.ts
 * the payload for others (RFC 9788), origin.ts the mark that says "ours", summary.ts what a listing needs. Opening:
 * recognise.ts finds the encryption, sender.ts and status.ts settle who it is from, view.ts makes the header of the plaintext
 * view, legacydisplay.ts and pep.ts change what stands below it.
 *
 * This file: header fields on their way out. Everything that Postern writes into a header goes through here.
 */
import { isUtf8 } from 'node:buffer';
import type { Header, HeaderField } from '#lib/mime/header';

/** Octets of a line without its end, RFC 5322 §2.1.1. */
const LINE_LIMIT = 998;
/** Octets of a field that is copied to an outer header. A `To` with a thousand addresses fits; a server's limit is not far. */
const FIELD_LIMIT = 64 * 1024;

export type LineEnd = '\r\n' | '\n';

/** Whether it is a field name (RFC 5322 §3.6.8: printable ASCII without the colon). */
export function isFieldName(name: string): boolean {
  return /^[!-9;-~]+$/.test(name);
}

/** Whether the field describes the body's form and not the message (RFC 9787 §1.1 "Structural Header Fields"). */
export function isStructural(name: string): boolean {
  return /^(?:content-.*|mime-version)$/i.test(name);
}

/**
 * Whether a field claims to be Postern's own: by its name, or because a reader that ends lines at a bare CR or at NUL would
 * find such a field inside it.
 */
export function isClaim(field: HeaderField): boolean {
  return /(?:^|[\r\0])[ \t]*postern-/i.test(field.raw.toString('latin1'));
}

/**
 * A field of ours. `body` is one line or several that begin with white space, printable ASCII.
 *
 * Throws TypeError for anything that would not be one well-formed field: this is a writer's last guard and not a way to clean
 * what came from outside.
 */
export function writeField(name: string, body: string, eol: LineEnd = '\r\n'): Buffer {
  const lines = body.split('\n');
  const wellFormed = lines.every(
    (line, i) => /^[\t -~]*$/.test(line) && line.trim() !== '' && (i === 0 || /^[ \t]/.test(line)),
  );
  if (!isFieldName(name) || !wellFormed)
    throw new TypeError(`The header field ${name} cannot be written in this form.`);
  return Buffer.from(`${name}: ${lines.join(eol)}${eol}`, 'latin1');
}

/**
 * A field as it goes into an outer header: name, folding and text as they are, lines ended by `eol`. Undefined where that would
 * not be a well-formed field: a NUL, a bare CR or another control, octets that are not UTF-8 (RFC 6532), more than the limits
 * allow. Lines that are too long are folded where they have white space, lines of nothing but white space (RFC 5322 §4.2,
 * which some readers take for the end of the header) are left out; the unfolded text stays the same but for that space.
 *
 * `prefix` stands before the name.
 */
export function copyField(field: HeaderField, prefix = '', eol: LineEnd = '\r\n'): Buffer | undefined {
  if (!isFieldName(field.name) || field.body.length > FIELD_LIMIT || !isUtf8(field.body)) return undefined;
  const [first = '', ...rest] = field.body.toString('latin1').split(/\r?\n/);
  const head = `${prefix}${field.name}:`;
  // Blank is what has spaces and tabs only: a bare CR is a control like others.
  const lines = [head + first, ...rest.filter((line) => !/^[ \t]*$/.test(line))];
  if (lines.some(hasControl)) return undefined;
  const folded: string[] = [];
  for (const [i, line] of lines.entries()) {
    const pieces = foldLine(line, i === 0 ? head.length : 0);
    if (pieces === undefined) return undefined;
    folded.push(...pieces);
  }
  return Buffer.from(folded.map((line) => line + eol).join(''), 'latin1');
}

/** Any C0 control but the tab, and DEL. */
function hasControl(line: string): boolean {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if ((code < 0x20 && code !== 9) || code === 0x7f) return true;
  }
  return false;
}

/** The line in pieces within the limit, each but the first beginning with white space. No piece is white space alone. */
function foldLine(line: string, headLength: number): readonly string[] | undefined {
  const pieces: string[] = [];
  let rest = line;
  let least = headLength;
  while (rest.length > LINE_LIMIT) {
    rest = rest.trimEnd();
    if (rest.length <= LINE_LIMIT) break;
    let at = LINE_LIMIT;
    while (at > least && !isBlank(rest[at])) at--;
    // Neither an empty first line nor one of white space alone may come out of it.
    if (at <= least || rest.slice(least, at).trim() === '') return undefined;
    pieces.push(rest.slice(0, at));
    rest = rest.slice(at);
    least = 0;
  }
  pieces.push(rest);
  return pieces;
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}

/**
 * A field as it goes into a plaintext view: every octet stays but for what could be read as the end of the line or of the
 * text, a bare CR or a NUL, which becomes a space. Lines of white space alone are left out, the others end in `eol`.
 */
export function tameField(raw: Buffer, eol: LineEnd): Buffer {
  const [first = '', ...rest] = raw
    .toString('latin1')
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
  const lines = [first, ...rest.filter((line) => line.trim() !== '')];
  return Buffer.from(lines.map((line) => `${line.replace(/[\r\0]/g, ' ')}${eol}`).join(''), 'latin1');
}

/** The line end of a header's first line; CRLF where it has none. */
export function lineEndOf(header: Header): LineEnd {
  const lf = header.raw.indexOf(10);
  return lf > 0 && header.raw[lf - 1] !== 13 ? '\n' : '\r\n';
}

/** The line that an mbox or a delivery agent puts before the header (`From alice@example.com Sat Nov 21 06:27:00 2026`). */
const MBOX_LINE = /^From (?!:)[!-~]+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [ -~]*\r?\n/;

/** Such a line with its end at the start of the bytes, or nothing. It is no field: its colons are those of a time. */
export function mboxLine(start: Buffer): Buffer {
  const line = MBOX_LINE.exec(start.subarray(0, LINE_LIMIT + 2).toString('latin1'))?.[0] ?? '';
  return start.subarray(0, line.length);
}
