/**
 * The summary: what a listing needs of an encrypted message, sealed into a field of its outer header by who encrypted it, so that
 * nobody has to download and decrypt the message for it. What it holds is none of this file's business.
 *
 * `Postern-Summary:` and base64, folded, of
 *
 *   1 octet   version, 1
 *   12        random nonce
 *   …         AES-256-GCM of: 2 octets length, the record, zeros up to a multiple of 256 octets (its length would tell that of
 *             the Subject)
 *   16        tag
 *
 * The key is derived from the vault's index key, so that only the account's owner can make one: anybody can encrypt to a public
 * key. Additional data are the version, the outer Message-ID and the boundary, so that it fits the message that it was made for
 * alone. Who copies those, too, can still put another payload under them: what is opened counts, and not what was summarised.
 */
import { KEY_SIZE, SealingKey } from '#lib/bytes/sealing';
import { parseContentType } from '#lib/mime/contenttype';
import type { Header } from '#lib/mime/header';
import { hkdf } from '#lib/openpgp/hkdf';
import { writeField } from './field.js';

export const SUMMARY_FIELD = 'Postern-Summary';
/** Octets of a record. Ten times what is usual; a provider takes a header of that size. */
export const SUMMARY_LIMIT = 8 * 1024;

const VERSION = 1;
const LENGTH_SIZE = 2;
const PADDED_TO = 256;
/** Octets of a line without its end. RFC 5322 §2.1.1 wants 78 at most; MIME's base64 has 76. */
const LINE_SIZE = 76;
/** Octets of a field that is looked at: the largest of ours, and what other programs may have folded into it. */
const FIELD_LIMIT = 2 * SUMMARY_LIMIT;

/** The key that seals and opens an account's summaries. */
export class SummaryKey extends SealingKey {
  /** Derived from the vault's index key, of 32 octets. Throws TypeError for another size. */
  constructor(indexKey: Buffer) {
    if (indexKey.length !== KEY_SIZE) {
      throw new TypeError(`An index key has ${KEY_SIZE} octets, this one ${indexKey.length}.`);
    }
    super(hkdf('sha256', indexKey, Buffer.alloc(0), Buffer.from('postern summary key 1', 'latin1'), KEY_SIZE));
  }
}

/** What a summary belongs to. */
export interface SummaryBinding {
  /** The outer Message-ID; where there are several, all of them; empty where there is none. */
  readonly messageID: string;
  readonly boundary: string;
}

/** The field with its line end, folded. Undefined for a record above the limit: such a message goes without. */
export function summaryField(key: SummaryKey, binding: SummaryBinding, record: Buffer): Buffer | undefined {
  if (record.length > SUMMARY_LIMIT) return undefined;
  const content = Buffer.alloc(Math.ceil((LENGTH_SIZE + record.length) / PADDED_TO) * PADDED_TO);
  content.writeUInt16BE(record.length);
  record.copy(content, LENGTH_SIZE);
  const sealed = Buffer.concat([Buffer.of(VERSION), key.seal(content, additionalData(binding))]);
  content.fill(0);
  return writeField(SUMMARY_FIELD, fold(sealed.toString('base64')));
}

/**
 * The record of the message with this outer header; of its fields, Postern-Summary, Message-ID and Content-Type are enough.
 * Undefined where there is none, or more than one, or it is damaged, of another message, or of another key. Never throws.
 */
export function openSummary(key: SummaryKey, header: Header): Buffer | undefined {
  const [field, ...more] = header.all(SUMMARY_FIELD);
  if (field === undefined || more.length > 0 || field.body.length > FIELD_LIMIT) return undefined;
  const binding = bindingOf(header);
  if (binding === undefined) return undefined;
  // What is no base64 is passed over here, however other programs have folded it: the tag tells whether it is what was sealed.
  const sealed = Buffer.from(field.body.toString('latin1'), 'base64');
  if (sealed[0] !== VERSION) return undefined;
  const content = key.open(sealed.subarray(1), additionalData(binding));
  if (content === undefined || content.length < LENGTH_SIZE) return undefined;
  const end = LENGTH_SIZE + content.readUInt16BE();
  return end > content.length ? undefined : content.subarray(LENGTH_SIZE, end);
}

/** What the summary of a message with these outer fields and this boundary is bound to. */
export function summaryBinding(header: Header, boundary: string): SummaryBinding {
  return {
    messageID: header
      .all('message-id')
      .map(({ body }) => withoutSpace(body.toString('latin1')))
      .join(' '),
    boundary,
  };
}

function bindingOf(header: Header): SummaryBinding | undefined {
  if (header.all('content-type').length !== 1) return undefined;
  const boundary = parseContentType(header.unfolded('content-type') ?? '')?.parameters.get('boundary');
  return boundary === undefined ? undefined : summaryBinding(header, boundary);
}

/** Neither part holds a line end: folding is undone in both. */
function additionalData({ messageID, boundary }: SummaryBinding): Buffer {
  return Buffer.from(`postern summary ${VERSION}\n${boundary}\n${messageID}`, 'latin1');
}

function withoutSpace(text: string): string {
  return text.replace(/[ \t\r\n]+/g, '');
}

function fold(text: string): string {
  const first = LINE_SIZE - `${SUMMARY_FIELD}: `.length;
  const lines = [text.slice(0, first)];
  for (let at = first; at < text.length; at += LINE_SIZE - 1) lines.push(` ${text.slice(at, at + LINE_SIZE - 1)}`);
  return lines.join('\n');
}
