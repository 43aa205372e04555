/** Names of mailboxes: octets on the wire, Unicode for people, and a key to compare them by. */

/** How a session spells names: modified UTF-7 (RFC 3501 §5.1.3), or UTF-8 once UTF8=ACCEPT or IMAP4rev2 is enabled (RFC 6855 §3). */
export type MailboxEncoding = 'utf-7' | 'utf-8';

/** A run of base64 (`&…-`), of octets that need none, or something else. */
const RUN = /&([A-Za-z0-9+,]*)-|[\x20-\x25\x27-\x7e]+|[^]/g;

/** Octets from the wire as Unicode. Undefined where they are not of the encoding. */
export function decodeMailbox(octets: Buffer, encoding: MailboxEncoding): string | undefined {
  if (encoding === 'utf-7') return decodeUtf7(octets.toString('latin1'));
  const text = octets.toString('utf8');
  return Buffer.from(text).equals(octets) ? text : undefined;
}

/** Unicode as octets for the wire. Lone surrogates, which UTF-8 cannot hold, are replaced (U+FFFD). */
export function encodeMailbox(name: string, encoding: MailboxEncoding): Buffer {
  return encoding === 'utf-8'
    ? Buffer.from(name)
    : Buffer.from(encodeUtf7(name.replace(/\p{Surrogate}/gu, '\ufffd')), 'latin1');
}

/**
 * Equal for two names if and only if they name the same mailbox, whatever the encoding: INBOX is the same in any case (RFC 9051 §5.1).
 * Only for comparison.
 */
export function mailboxKey(octets: Buffer, encoding: MailboxEncoding): string {
  if (isInbox(octets)) return 'INBOX';
  // No name has NUL in it, so that what cannot be decoded is equal to nothing else.
  return decodeMailbox(octets, encoding) ?? `\0${octets.toString('latin1')}`;
}

/** Whether a name is INBOX, in any case. */
export function isInbox(octets: Buffer): boolean {
  return octets.length === 5 && octets.toString('latin1').toUpperCase() === 'INBOX';
}

/** Undefined where it is not the one form that RFC 3501 §5.1.3 allows: a name has one spelling. */
function decodeUtf7(text: string): string | undefined {
  const name = text.replace(RUN, (run, base64: string | undefined) => {
    if (base64 === undefined) return run;
    if (base64 === '') return '&';
    const octets = Buffer.from(base64.replaceAll(',', '/'), 'base64');
    return octets.length % 2 === 0 ? octets.swap16().toString('utf16le') : '';
  });
  return encodeUtf7(name) === text ? name : undefined;
}

function encodeUtf7(name: string): string {
  return name.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === '&') return '&-';
    const base64 = Buffer.from(run, 'utf16le').swap16().toString('base64');
    return `&${base64.replaceAll('/', ',').replace(/=+$/, '')}-`;
  });
}
