import type { Section } from '#imap/wire/section';
import { chosenFields } from './headerfields.js';

/** The fields that mail programs ask for to list messages, in upper case. Part of the form of records: another list is another version. */
const LISTED: readonly string[] = [
  ...['FROM', 'SENDER', 'REPLY-TO', 'TO', 'CC', 'BCC', 'SUBJECT', 'DATE', 'MESSAGE-ID', 'IN-REPLY-TO', 'REFERENCES'],
  ...[
    'CONTENT-TYPE',
    'CONTENT-DESCRIPTION',
    'MIME-VERSION',
    'NEWSGROUPS',
    'FOLLOWUP-TO',
    'LINES',
    'LIST-ID',
    'LIST-POST',
  ],
  ...['LIST-UNSUBSCRIBE', 'PRIORITY', 'X-PRIORITY', 'X-MSMAIL-PRIORITY', 'IMPORTANCE', 'X-LABEL', 'X-K9MAIL-IDENTITY'],
  ...['DISPOSITION-NOTIFICATION-TO', 'X-UNIFORM-TYPE-IDENTIFIER', 'X-UNIVERSALLY-UNIQUE-IDENTIFIER'],
];
const NAMES: ReadonlySet<string> = new Set(LISTED);

/** What is left of a header when only fields for lists are kept, with its blank line. */
export function listedFields(header: Buffer): Buffer {
  return chosenFields(header, { part: [], text: 'HEADER.FIELDS', fields: LISTED });
}

/** Whether a section has fields for lists only. */
export function isListed({ part, text, fields }: Section): boolean {
  return part.length === 0 && text === 'HEADER.FIELDS' && fields.every((name) => NAMES.has(name.toUpperCase()));
}
