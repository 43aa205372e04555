import { type ByteStream, type Source, countOctets, gather, lentStream } from '#lib/bytes/source';
import { parseContentTransferEncoding, parseContentType } from '#lib/mime/contenttype';
import { type Header, splitHeader } from '#lib/mime/header';
import { type Part, StructureParser } from '#lib/mime/structure';
import { dearmor } from '#lib/openpgp/armor';
import { LIMITS } from '#lib/openpgp/limits';
import { OpenPGPError } from '#lib/openpgp/error';
import { mboxLine } from './field.js';
import { decodeTransfer } from './transfer.js';

/** The top of a message. */
export interface Top {
  /** A line of an mbox or a delivery agent before the header, or nothing. */
  readonly mbox: Buffer;
  readonly header: Header;
  /** False where the header is over the limits of lib/mime: its fields are then not all that a reader may find. */
  readonly complete: boolean;
  /** Where the body begins, octets from the start of the source. */
  readonly bodyStart: number;
}

/** A message that is, as a whole, an encryption. */
export interface Encryption {
  readonly form: 'pgp-mime' | 'exchange' | 'inline';
  readonly top: Top;
  /** Where the OpenPGP data stands in the source, in its transfer encoding. */
  readonly start: number;
  readonly end: number;
  /** As in Content-Transfer-Encoding, in lower case. */
  readonly encoding: string;
  /** False for a multipart without its closing delimiter: cut off, most likely. */
  readonly terminated: boolean;
}

/** Octets of a part that is compared with a short text. */
const SHORT = 1024;

/** Reads the top of a message. */
export async function readTop(source: Source): Promise<Top> {
  const mbox = mboxLine(await gather(source.stream(0, Math.min(source.size, SHORT))));
  const { header, complete, body } = await splitHeader(source.stream(mbox.length));
  await body[Symbol.asyncIterator]().return?.();
  return { mbox, header, complete, bodyStart: mbox.length + header.raw.length };
}

/**
 * Finds the encryption that a message is as a whole: PGP/MIME (RFC 3156), PGP/MIME as Exchange leaves it, or one armored block
 * as the whole text. Undefined for everything else, among it an encryption with anything beside it, which must not be opened:
 * what stands beside it could carry the plaintext away. Nothing is decrypted to find out. `strict` leaves Exchange's form out.
 */
export async function recognise(
  source: Source,
  top: Top,
  forms: 'all' | 'strict' = 'all',
): Promise<Encryption | undefined> {
  const { header } = top;
  // With two of them readers differ in which one counts.
  if (!top.complete || header.all('content-type').length > 1) return undefined;
  const contentType = parseContentType(header.unfolded('content-type') ?? '');
  if (contentType?.type === 'multipart/encrypted') {
    const protocol = contentType.parameters.get('protocol')?.toLowerCase();
    return protocol === 'application/pgp-encrypted' ? inParts(source, top, 'pgp-mime') : undefined;
  }
  if (contentType?.type === 'multipart/mixed') {
    const candidate = forms === 'all' && (await looksMangled(source, top));
    return candidate ? inParts(source, top, 'exchange') : undefined;
  }
  if (header.has('content-type') && contentType?.type !== 'text/plain') return undefined;
  return inText(source, top);
}

/** The bytes of the OpenPGP data, transfer encoding undone; still armored. */
export function encryptedStream(source: Source, { start, end, encoding }: Encryption, lent = false): ByteStream {
  return decodeTransfer(lent ? lentStream(source, start, end) : source.stream(start, end), encoding);
}

/** Octets after the header in which the second part of Exchange's form begins. */
const MANGLED_HEAD = 8 * 1024;

/** Spares all other multipart/mixed messages from being read whole. */
async function looksMangled(source: Source, { bodyStart }: Top): Promise<boolean> {
  const head = await gather(source.stream(bodyStart, Math.min(source.size, bodyStart + MANGLED_HEAD)));
  return /application\/pgp-encrypted/i.test(head.toString('latin1'));
}

async function inParts(source: Source, top: Top, form: 'pgp-mime' | 'exchange'): Promise<Encryption | undefined> {
  const parser = new StructureParser();
  for await (const chunk of source.stream(top.mbox.length)) parser.push(chunk);
  const root = parser.end();
  const shift = top.mbox.length;
  const parts = [...root.parts];
  if (form === 'exchange') {
    // Exchange puts an empty text first, and encodes the others as it likes.
    const text = parts.shift();
    if (
      text === undefined ||
      typeOf(text) !== 'text/plain' ||
      !(await isBlank(source, text.bodyStart + shift, text.end + shift))
    )
      return undefined;
  }
  const [version, data, ...more] = parts;
  if (version === undefined || data === undefined || more.length > 0) return undefined;
  if (typeOf(version) !== 'application/pgp-encrypted' || typeOf(data) !== 'application/octet-stream') return undefined;
  if (!(await saysVersion1(source, version, shift)) || !(await nothingBeside(source, root, shift))) return undefined;
  const found: Encryption = {
    form,
    top,
    start: data.bodyStart + shift,
    end: data.end + shift,
    encoding: encodingOf(data.header),
    terminated: root.epilogue !== undefined,
  };
  return (await hasTextBeforeArmor(encryptedStream(source, found))) ? undefined : found;
}

/** What the parts' own delimiters do not hold: a preamble that writers put in as a courtesy, an epilogue that is blank. */
async function nothingBeside(source: Source, root: Part, shift: number): Promise<boolean> {
  const { preamble, epilogue } = root;
  if (preamble === undefined) return false;
  if (epilogue !== undefined && !(await isBlank(source, epilogue.start + shift, epilogue.end + shift))) return false;
  const text = await shortText(source, preamble.start + shift, preamble.end + shift);
  return text !== undefined && COURTESY.test(text);
}

/** Thunderbird, Enigmail, GPGMail and Mutt's kind; nobody shows it, and it cannot hold anything else. */
const COURTESY =
  /^(?:This is an OpenPGP\/MIME encrypted message \(RFC \d{4} and \d{4}\)\.?|This is a (?:multi-?part )?message in MIME format\.?)?$/i;

async function saysVersion1(source: Source, part: Part, shift: number): Promise<boolean> {
  if (part.end - part.bodyStart > SHORT) return false;
  const body = await gather(
    decodeTransfer(source.stream(part.bodyStart + shift, part.end + shift), encodingOf(part.header)),
  );
  return /^Version:[ \t]*1$/i.test(body.toString('latin1').trim());
}

/** The body is one armored block, and nothing but white space around it. */
async function inText(source: Source, top: Top): Promise<Encryption | undefined> {
  const found: Encryption = {
    form: 'inline',
    top,
    start: top.bodyStart,
    end: source.size,
    encoding: encodingOf(top.header),
    terminated: true,
  };
  if (!(await beginsWithArmor(encryptedStream(source, found)))) return undefined;
  try {
    await countOctets(dearmor(encryptedStream(source, found)));
    return found;
  } catch (error) {
    // Text behind it, or no armor after all.
    if (error instanceof OpenPGPError) return undefined;
    throw error;
  }
}

/** Octets of white space before armor. */
const PADDING = 1024;
const BEGIN = '-----BEGIN PGP MESSAGE-----';

/** Whether the first thing in the stream, white space apart, is the head of an armored message. */
export async function beginsWithArmor(stream: ByteStream): Promise<boolean> {
  let text = '';
  for await (const chunk of stream) {
    text = (text + chunk.toString('latin1', 0, PADDING)).trimStart();
    if (text.length >= BEGIN.length || chunk.length > PADDING) break;
  }
  return text.startsWith(BEGIN);
}

/** Whether something other than white space stands before the armor, which would be lost in the view. */
async function hasTextBeforeArmor(stream: ByteStream): Promise<boolean> {
  let text = '';
  for await (const chunk of stream) {
    text += chunk.toString('latin1', 0, LIMITS.armorHeader);
    if (text.trimStart().startsWith(BEGIN)) return false;
    if (text.length >= LIMITS.armorHeader) break;
  }
  return new RegExp(`\\n${BEGIN}[ \\t]*\\r?\\n`).test(text) && text.charCodeAt(0) < 0x80;
}

function typeOf(part: Part): string | undefined {
  return part.header.all('content-type').length > 1 ? undefined : part.contentType.type;
}

function encodingOf(header: Header): string {
  return parseContentTransferEncoding(header.unfolded('content-transfer-encoding') ?? '') ?? '7bit';
}

async function isBlank(source: Source, start: number, end: number): Promise<boolean> {
  return (await shortText(source, start, end)) === '';
}

/** The text of a range without white space around it; undefined where it is long. */
async function shortText(source: Source, start: number, end: number): Promise<string | undefined> {
  if (end - start > SHORT) return undefined;
  return (await gather(source.stream(start, end))).toString('latin1').trim();
}
