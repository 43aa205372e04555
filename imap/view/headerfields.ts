import { Header } from '#lib/mime/header';
import type { Section } from '#imap/wire/section';

const BLANK_LINE = Buffer.from('\r\n');

/**
 * The fields that HEADER.FIELDS or HEADER.FIELDS.NOT asks for, in the order of the header, and its blank line, if it has one (RFC 9051
 * §6.4.5.1).
 */
export function chosenFields(header: Buffer, { text, fields }: Section): Buffer {
  const names = new Set(fields.map((field) => field.toUpperCase()));
  const isChosen = text === 'HEADER.FIELDS';
  const parsed = Header.parse(header);
  const chosen = parsed.fields.filter(({ name }) => names.has(name.toUpperCase()) === isChosen).map(({ raw }) => raw);
  return Buffer.concat(parsed.terminated ? [...chosen, BLANK_LINE] : chosen);
}
