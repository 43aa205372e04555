import type { Envelope } from '#imap/wire/envelope';
import type { Header } from '#lib/mime/header';
import { Allowance } from './allowance.js';
import { readAddressList } from './addresses.js';
import { fieldText, proseOctets, unfoldedOctets } from './fieldvalue.js';

/**
 * ENVELOPE of a message with this header (RFC 9051 §7.5.2). Encoded words stay as they are. Of several fields of one name the last one counts, and
 * the addresses of all of them: whoever checks another than is shown shall not be fooled.
 */
export function envelopeOf(header: Header, allowance = new Allowance()): Envelope {
  const addresses = (name: string): Envelope['from'] => {
    const list = header.all(name).flatMap((field) => readAddressList(fieldText(field), allowance));
    return list.length === 0 ? undefined : list;
  };
  const from = addresses('From');
  return {
    date: unstructured(header, 'Date'),
    subject: subject(header),
    from,
    sender: addresses('Sender') ?? from,
    replyTo: addresses('Reply-To') ?? from,
    to: addresses('To'),
    cc: addresses('Cc'),
    bcc: addresses('Bcc'),
    inReplyTo: unstructured(header, 'In-Reply-To'),
    messageId: unstructured(header, 'Message-ID'),
  };
}

function unstructured(header: Header, name: string): Buffer | undefined {
  const field = header.all(name).at(-1);
  return field && unfoldedOctets(fieldText(field));
}

function subject(header: Header): Buffer | undefined {
  const field = header.all('Subject').at(-1);
  return field && proseOctets(fieldText(field));
}
