import type { Header } from '#lib/mime/header';
import { fieldText } from './fieldvalue.js';
import type { TransferEncoding } from './record.js';
import { WordReader } from './words.js';

/** What the first Content-Transfer-Encoding field says, if it says one thing only. A semicolon and what follows are passed over. */
export function encodingOf(header: Header): TransferEncoding {
  const field = header.get('Content-Transfer-Encoding');
  if (field === undefined) return 'identity';
  const reader = new WordReader(fieldText(field));
  reader.space();
  const outcome = reader.token();
  const encoding = reader.take().toLowerCase();
  if (outcome === 'more' && reader.peek() !== ';') return 'unknown';
  if (encoding === '7bit' || encoding === '8bit' || encoding === 'binary') return 'identity';
  return encoding === 'base64' || encoding === 'quoted-printable' ? encoding : 'unknown';
}
