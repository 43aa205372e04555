import { Header } from '#lib/mime/header';
import type { Section } from '#imap/wire/section';

/**
 * The fields that HEADER.FIELDS or HEADER.FIELDS.NOT asks for, in the order of the header, and its blank line (RFC 9051 §6.4.5.1). The blank
 * line is there even where the header has none: the client's reader of headers needs it.
 */
export function chosenFields(header: Buffer, { text, fields }: Section): Buffer {
  const names = new Set(fields.map((field) => field.toUpperCase()));
  const isChosen = text === 'HEADER.FIELDS';
  const chosen = Header.parse(header).fields.filter(({ name }) => names.has(name.toUpperCase()) === isChosen);
  return Buffer.concat([...chosen.map(({ raw }) => raw), Buffer.from('\r\n')]);
}
