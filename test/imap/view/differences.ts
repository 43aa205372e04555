/** Where we mean to differ from Dovecot, and why. */

/** A message, an item, what we answer, and what Dovecot does; one character is an octet. */
export interface Difference {
  readonly why: string;
  readonly message: string;
  readonly item: string;
  readonly ours: string;
  readonly theirs: string | RegExp;
}

const joined = (...lines: readonly string[]): string => lines.join('\r\n');

function mixed(...parts: readonly string[]): string {
  return joined(
    'Content-Type: multipart/mixed; boundary=b',
    '',
    ...parts.flatMap((part) => ['--b', part]),
    '--b--',
    '',
  );
}

const BASE64 = 'Content-Transfer-Encoding: base64\r\n';
const UNKNOWN = /^NO \[UNKNOWN-CTE\]/;

export const DIFFERENCES: readonly Difference[] = [
  {
    why: 'RFC 9051 §6.4.5.1: where a message has no blank line, no fetch of its header has.',
    message: 'Subject: a\r\n',
    item: 'BODY.PEEK[HEADER.FIELDS (SUBJECT)]',
    ours: 'BODY[HEADER.FIELDS (SUBJECT)] {12}\r\nSubject: a\r\n',
    theirs: 'BODY[HEADER.FIELDS (SUBJECT)] {14}\r\nSubject: a\r\n\r\n',
  },
  {
    why: 'RFC 2045 §5.2: a Content-Type that cannot be read is text/plain.',
    message: 'Content-Type: rubbish\r\n\r\nx\r\n',
    item: 'BODY',
    ours: 'BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1)',
    theirs: 'BODY ("rubbish" "" NIL NIL NIL "7bit" 3)',
  },
  {
    why: 'The type is read, whatever stands behind it (lib/mime); no type is none that IMAP can send.',
    message: 'Content-Type: text/html charset=utf-8\r\n\r\nx\r\n',
    item: 'BODY',
    ours: 'BODY ("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 3 1)',
    theirs: 'BODY ("" "" NIL NIL NIL "7bit" 3)',
  },
  {
    why: 'RFC 2046 §5.2.1: a message that is encoded is none that can be looked into. It can be saved.',
    message: `Content-Type: message/rfc822\r\n${BASE64}\r\nU3ViamVjdDogYQ0KDQpi\r\n`,
    item: 'BODY',
    ours: 'BODY ("application" "octet-stream" NIL NIL NIL "base64" 22)',
    theirs:
      'BODY ("message" "rfc822" NIL NIL NIL "base64" 22 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) 1)',
  },
  {
    why: 'RFC 6532 §3.7, RFC 9051 §7.5.2: message/global is a message.',
    message: 'Content-Type: message/global\r\n\r\nSubject: a\r\n\r\nb\r\n',
    item: 'BODY',
    ours: 'BODY ("message" "global" NIL NIL NIL "7bit" 17 (NIL "a" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1) 3)',
    theirs: 'BODY ("message" "global" NIL NIL NIL "7bit" 17)',
  },
  {
    why: 'A delimiter line has nothing after its boundary but white space (RFC 2046 §5.1.1).',
    message: joined('Content-Type: multipart/mixed; boundary=b', '', '--b', '', 'x', '--bc', 'y', '--b--', ''),
    item: 'BODY',
    ours: 'BODY (("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 2) "mixed")',
    theirs:
      'BODY (("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0)("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")',
  },
  {
    why: 'The line end before a delimiter is the delimiter’s (RFC 2046 §5.1.1), also behind a closing delimiter.',
    message: mixed(joined('Content-Type: multipart/mixed; boundary=c', '', '--c', '', 'x', '--c--')),
    item: 'BODY.PEEK[1]',
    ours: 'BODY[1] {15}\r\n--c\r\n\r\nx\r\n--c--',
    theirs: 'BODY[1] {17}\r\n--c\r\n\r\nx\r\n--c--\r\n',
  },
  {
    why: 'The same, in the header of a message.',
    message: mixed('Content-Type: message/rfc822\r\n\r\nSubject: a'),
    item: 'BODY.PEEK[1]',
    ours: 'BODY[1] {10}\r\nSubject: a',
    theirs: 'BODY[1] {12}\r\nSubject: a\r\n',
  },
  {
    why: 'A blank line belongs to the header that it ends, also where a delimiter follows at once.',
    message: mixed('Content-Type: text/html\r\n'),
    item: 'BODY.PEEK[1.MIME]',
    ours: 'BODY[1.MIME] {27}\r\nContent-Type: text/html\r\n\r\n',
    theirs: 'BODY[1.MIME] {25}\r\nContent-Type: text/html\r\n',
  },
  {
    why: 'No boundary is no boundary.',
    message: joined('Content-Type: multipart/mixed; boundary=""', '', '--', '', 'x', '----', ''),
    item: 'BODY',
    ours: 'BODY (("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")',
    theirs: 'BODY (("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0) "mixed")',
  },
  {
    why: 'RFC 2045 §6.8: what is not base64 is passed over.',
    message: `${BASE64}\r\nSGVs!bG8=\r\n`,
    item: 'BINARY.PEEK[1]',
    ours: 'BINARY[1] ~{5}\r\nHello',
    theirs: /^NO \[PARSE\]/,
  },
  {
    why: 'RFC 2045 §6.7: what is no escape is text.',
    message: 'Content-Transfer-Encoding: quoted-printable\r\n\r\n100% =ZZ\r\n',
    item: 'BINARY.PEEK[1]',
    ours: 'BINARY[1] ~{10}\r\n100% =ZZ\r\n',
    theirs: /^NO \[PARSE\]/,
  },
  {
    why: 'Base64 without padding is whole all the same.',
    message: `${BASE64}\r\nSGVsbG8\r\n`,
    item: 'BINARY.PEEK[1]',
    ours: 'BINARY[1] ~{5}\r\nHello',
    theirs: 'closed',
  },
  {
    why: 'Other parts do not matter.',
    message: mixed('\r\nx', 'Content-Transfer-Encoding: x-y\r\n\r\ny'),
    item: 'BINARY.SIZE[1]',
    ours: 'BINARY.SIZE[1] 1',
    theirs: UNKNOWN,
  },
  {
    why: 'What has been decoded says so, be it empty.',
    message: `${BASE64}\r\n`,
    item: 'BINARY.PEEK[]',
    ours: 'BINARY[] {37}\r\nContent-Transfer-Encoding: binary\r\n\r\n',
    theirs: 'BINARY[] {37}\r\nContent-Transfer-Encoding: base64\r\n\r\n',
  },
  {
    why: 'The first of two encodings counts, as BODYSTRUCTURE tells it.',
    message: `Content-Transfer-Encoding: 7bit\r\n${BASE64}\r\nSGVsbG8=\r\n`,
    item: 'BINARY.PEEK[1]',
    ours: 'BINARY[1] {10}\r\nSGVsbG8=\r\n',
    theirs: 'BINARY[1] ~{5}\r\nHello',
  },
  {
    why: 'The name of a field does not end at a NUL.',
    message: 'Subject\0x: b\r\n\r\n',
    item: 'ENVELOPE',
    ours: 'ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)',
    theirs: 'ENVELOPE (NIL "b" NIL NIL NIL NIL NIL NIL NIL NIL)',
  },
  {
    why: 'A parameter without a number does not have that of the one before (RFC 2231 §4).',
    message: "Content-Type: text/plain; a*0=x; a*1=y; name*=utf-8''z\r\n\r\n",
    item: 'BODY',
    ours: 'BODY ("text" "plain" ("a" "xy" "name*" "utf-8\'\'z" "charset" "us-ascii") NIL NIL "7bit" 0 0)',
    theirs: 'BODY ("text" "plain" ("a" "xy" "name*1*" "utf-8\'\'z" "charset" "us-ascii") NIL NIL "7bit" 0 0)',
  },
  {
    why: 'Messages in a message are no text of it, those of a digest neither.',
    message: joined('Content-Type: multipart/digest; boundary=b', '', '--b', '', 'Subject: a', '', 'b', '--b--', ''),
    item: 'PREVIEW',
    ours: 'PREVIEW ""',
    theirs: 'PREVIEW "Subject: a b"',
  },
  {
    why: 'What calls itself ISO 8859-1 and has quotation marks is Windows-1252 (WHATWG Encoding).',
    message: 'Content-Type: text/plain; charset=iso-8859-1\r\n\r\n\x93x\x94\r\n',
    item: 'PREVIEW',
    ours: 'PREVIEW {7}\r\n\xe2\x80\x9cx\xe2\x80\x9d',
    theirs: 'PREVIEW {5}\r\n\xc2\x93x\xc2\x94',
  },
  {
    why: 'A name is written as a word where it can be one.',
    message: 'Subject: b\r\n\r\n',
    item: 'BODY.PEEK[HEADER.FIELDS ("subject")]',
    ours: 'BODY[HEADER.FIELDS (SUBJECT)] {14}\r\nSubject: b\r\n\r\n',
    theirs: 'BODY[HEADER.FIELDS ("SUBJECT")] {14}\r\nSubject: b\r\n\r\n',
  },
  {
    why: 'A string is quoted where it can be: most readers take a line more easily than a literal.',
    message: 'Subject: a "b"\r\n\r\n',
    item: 'ENVELOPE',
    ours: 'ENVELOPE (NIL "a \\"b\\"" NIL NIL NIL NIL NIL NIL NIL NIL)',
    theirs: 'ENVELOPE (NIL {5}\r\na "b" NIL NIL NIL NIL NIL NIL NIL NIL)',
  },
];

/** What is asked for without `<offset.count>`, and what of its answer that would be. Undefined for an item that has none. */
export function wholeOf(item: string): { readonly item: string; readonly cut: (answer: string) => string } | undefined {
  const [, whole, offset = '', count = ''] = /^(BODY.PEEK\[.*\])<(\d+)\.(\d+)>$/.exec(item) ?? [];
  if (whole === undefined) return undefined;
  const cut = (answer: string): string => {
    const [mark = '', name = ''] = /^([^{]*) \{\d+\}\r\n/.exec(answer) ?? [];
    const octets = answer.slice(mark.length).slice(Number(offset)).slice(0, Number(count));
    return `${name}<${offset}> {${octets.length}}\r\n${octets}`;
  };
  return { item: whole, cut };
}

/**
 * Why the answers to a question about a generated message may differ; undefined where they may not. Most of the above cannot occur in such messages:
 * see messages.ts.
 */
export function excuse(message: string, item: string, ours: string, theirs: string): string | undefined {
  if (item.startsWith('BODY.PEEK[HEADER.FIELDS (') && !/^\r?\n|\n\r?\n/.test(message)) return 'no blank line';
  if (item.startsWith('BINARY') && ours.replace('~{', '{') === theirs.replace('~{', '{'))
    return 'Dovecot sends a literal8 also for what it has decoded before';
  if (item.startsWith('BINARY') && theirs.startsWith('NO [UNKNOWN-CTE]')) {
    if (ours === 'UNKNOWN-CTE') return 'the words';
    if (item.startsWith('BINARY.SIZE')) return 'another part';
  }
  if (item.startsWith('BINARY.SIZE') && /(?:^|[^\r])\n/.test(message))
    return 'Dovecot takes offsets in the file for offsets in the message: its sizes are wrong where there are bare line feeds';
  if (/^[^\r\n:]*\0[^\n:]*:/m.test(message)) return 'the name of a field with NUL';
  if (item === 'PREVIEW' && message.includes('multipart/digest')) return 'digest';
  if (item === 'PREVIEW' && theirs.includes('\xef\xbf\xbd')) return 'how often what is wrong in a text is marked';
  return undefined;
}
