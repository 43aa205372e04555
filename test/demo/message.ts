/** The message that the demo saves. */

export const SUBJECT = 'Surprise party for Carol';
export const ATTACHMENT = 'guest-list.csv';

export const TEXT = [
  'Hello Alice,',
  'Carol turns forty on Saturday, and she must not know. The guest list is attached. Can you bring the cake?',
  'Bob',
];

const GUESTS = ['name,town,brings', 'Alice,Aarhus,cake', 'Bob,Bergen,music', 'Dave,Delft,lanterns', ''].join('\r\n');

/** The attachment's octets. */
export const GUEST_LIST = Buffer.from(GUESTS);

/** The message as Bob sent it, with CRLF. */
export function message(date: Date): Buffer {
  const boundary = 'not-in-the-text';
  const lines = [
    'From: Bob Example <bob@example.com>',
    'To: Alice Example <alice@example.com>',
    `Subject: ${SUBJECT}`,
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${date.getTime()}@example.com>`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    '',
    ...TEXT,
    `--${boundary}`,
    'Content-Type: text/csv; charset=utf-8',
    `Content-Disposition: attachment; filename="${ATTACHMENT}"`,
    'Content-Transfer-Encoding: base64',
    '',
    GUEST_LIST.toString('base64').replace(/.{76}/g, '$&\r\n'),
    `--${boundary}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}
