import type { Header } from '#lib/mime/header';
import { copyField, isClaim, isStructural, writeField } from './field.js';

/** What of the original header stays readable outside. */
export type HeaderPolicy = 'standard' | 'strict' | 'none' | 'pep';

export const HEADER_POLICIES: readonly HeaderPolicy[] = ['standard', 'strict', 'none', 'pep'];

/** What an outer Subject says where the real one is hidden (RFC 9788 §3.2.1, hcp_baseline). */
export const HIDDEN_SUBJECT = '[...]';

/** Copied from the original at rest. Each may stand once (RFC 5322 §3.6); the first one is taken. */
const COPIED = ['from', 'to', 'cc', 'date', 'message-id', 'in-reply-to', 'references'];
/** What sorting and joining threads cannot do without. */
const COPIED_STRICT = ['date', 'message-id'];

/**
 * Octets and number of the fields that `none` copies; what is beyond is left out. Mail servers take headers of this size, and
 * lib/mime finds our own message again.
 */
const EVERYTHING = { octets: 256 * 1024, fields: 2000 };

/**
 * The fields of the outer header at rest that come from the original or stand for it: lines ended by CRLF, whatever the
 * original's are. A field that cannot be kept well-formed is left out. Never any field that claims to be ours.
 */
export function outerFields(original: Header, policy: HeaderPolicy): Buffer {
  switch (policy) {
    case 'standard':
      return Buffer.concat([...firstOf(original, COPIED), writeField('Subject', HIDDEN_SUBJECT)]);
    case 'strict':
      return Buffer.concat([
        // Nobody has to deliver the message, but readers want a From (RFC 5322 §3.6); ".invalid" is RFC 2606's.
        writeField('From', 'hidden <hidden@hidden.invalid>'),
        ...firstOf(original, COPIED_STRICT),
        writeField('Subject', HIDDEN_SUBJECT),
      ]);
    case 'pep':
      return Buffer.concat([
        ...firstOf(original, COPIED),
        writeField('Subject', '=?utf-8?Q?p=E2=89=A1p?='),
        writeField('X-Pep-Version', '2.0'),
      ]);
    case 'none':
      return everything(original);
  }
}

function everything(original: Header): Buffer {
  const copies: Buffer[] = [];
  let octets = 0;
  for (const field of original.fields) {
    if (isStructural(field.name) || isClaim(field)) continue;
    const copy = copyOrNothing(field);
    octets += copy.length;
    if (octets > EVERYTHING.octets || copies.length >= EVERYTHING.fields) break;
    copies.push(copy);
  }
  return Buffer.concat(copies);
}

/** The first field of each of these names, in the original's order. */
function firstOf(original: Header, names: readonly string[]): readonly Buffer[] {
  const seen = new Set<string>();
  const copies: Buffer[] = [];
  for (const field of original.fields) {
    const name = field.name.toLowerCase();
    if (!names.includes(name) || seen.has(name) || isClaim(field)) continue;
    seen.add(name);
    copies.push(copyOrNothing(field));
  }
  return copies;
}

function copyOrNothing(field: Parameters<typeof copyField>[0]): Buffer {
  return copyField(field) ?? Buffer.alloc(0);
}
