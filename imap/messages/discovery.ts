/**
 * Which messages have to be looked at: those that may be encrypted as a whole, and those with fields that claim to be ours. It is told
 * by a few header fields, and where these leave it open by the beginning of the text or the structure, so that a message that is
 * neither is never downloaded.
 */
import { memorySource } from '#lib/bytes/source';
import { isClaim } from '#lib/message/field';
import { beginsWithArmor } from '#lib/message/recognise';
import { decodeTransfer, isIdentity } from '#lib/message/transfer';
import { parseContentTransferEncoding, parseContentType } from '#lib/mime/contenttype';
import type { Header } from '#lib/mime/header';
import type { BodyStructure } from '../wire/bodystructure.js';
import type { FetchItem } from '../wire/fetchcommand.js';

/** What stands in the first line of armor. */
const ARMOR = '-----BEGIN PGP MESSAGE';

const FIELD_NAMES = [
  'CONTENT-TYPE',
  'CONTENT-TRANSFER-ENCODING',
  'MESSAGE-ID',
  'POSTERN-ORIGIN',
  'POSTERN-STATUS',
  'POSTERN-SUMMARY',
];

export const SIZE_ITEM: FetchItem = { kind: 'plain', name: 'RFC822.SIZE' };
export const STRUCTURE_ITEM: FetchItem = { kind: 'plain', name: 'BODYSTRUCTURE' };

/** `BODY.PEEK[HEADER.FIELDS (…)]` */
export const FIELDS_ITEM: FetchItem = {
  kind: 'body',
  peek: true,
  section: { part: [], text: 'HEADER.FIELDS', fields: FIELD_NAMES },
  partial: undefined,
};

/** `BODY.PEEK[HEADER]` */
export const HEADER_ITEM: FetchItem = {
  kind: 'body',
  peek: true,
  section: { part: [], text: 'HEADER', fields: [] },
  partial: undefined,
};

/** `BODY.PEEK[TEXT]<0.256>` */
export const TEXT_ITEM: FetchItem = {
  kind: 'body',
  peek: true,
  section: { part: [], text: 'TEXT', fields: [] },
  partial: { offset: 0, count: 256 },
};

/**
 * What the fields say. `open`: it has to be looked at. `text`, `structure`: more has to be known. `plain`: it is nothing of that kind.
 */
export type Sort = 'plain' | 'open' | 'text' | 'structure';

/** Sorts a message by its header, or by its fields of `FIELD_NAMES`. */
export function sortByHeader(header: Header): Sort {
  if (header.fields.some(isClaim)) return 'open';
  // With two of them readers differ in which one counts: lib/message takes none.
  if (header.all('content-type').length > 1) return 'plain';
  const type = parseContentType(header.unfolded('content-type') ?? '')?.type;
  if (type === 'multipart/encrypted') return 'open';
  if (type === 'multipart/mixed') return 'structure';
  return !header.has('content-type') || type === 'text/plain' ? 'text' : 'plain';
}

/** Content-Transfer-Encoding, or what counts in its place. */
export function encodingOf(header: Header): string {
  return parseContentTransferEncoding(header.unfolded('content-transfer-encoding') ?? '') ?? '7bit';
}

/** Whether a text in this transfer encoding is, by its beginning, one armored message. */
export function textIsArmored(encoding: string, beginning: Buffer): boolean | Promise<boolean> {
  // Nearly all texts are told by this.
  if (isIdentity(encoding) && !beginning.includes(ARMOR)) return false;
  return beginsWithArmor(decodeTransfer(memorySource(beginning).stream(), encoding));
}

/** Whether it may be PGP/MIME as Exchange leaves it: a text, the version, the data. */
export function structureIsMangled(structure: BodyStructure): boolean {
  if (structure.kind !== 'multipart') return false;
  const types = structure.parts.map((part) =>
    part.kind === 'multipart' ? 'multipart' : `${String(part.type)}/${String(part.subtype)}`.toLowerCase(),
  );
  return types.length === 3 && types[1] === 'application/pgp-encrypted';
}
