/** Messages to be asked about: real-looking and nasty ones, the same for the same seed. One character is an octet. */
import fc from 'fast-check';
import { encodeQuotedPrintable } from '#lib/message/transfer';
import { nastyHeader } from '#test/lib/mime/arbitrary';
import {
  addressList,
  contentType,
  disposition,
  ENCODINGS,
  languages,
  one,
  parameters,
  prose,
  some,
} from './fieldbodies.js';

/** How a message may break rules. What Dovecot and we read in different ways on purpose is left out of both. */
interface Rules {
  /** Fields that say what a part is may come twice, and encodings need not be those of the body. */
  readonly areBroken: boolean;
}

function field(name: fc.Arbitrary<string>, body: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(name, one(': ', ': ', ': ', ':', ':  ', ':\t', ':\r\n '), body, one('\r\n', '\r\n', '\r\n', '\n'))
    .map(([fieldName, colon, text, lineEnd]) => {
      // No line of a body begins a field of its own, and none is blank.
      const whole = `${fieldName}${colon}${text.replace(/\n(?![ \t])/g, '\n ')}${lineEnd}`;
      // A CR before a line end is lost by Dovecot when it remembers a field.
      return whole.replace(/\r+(?=\r\n)/g, '');
    });
}

/** A field that ENVELOPE or BODYSTRUCTURE tells of, without those that say how to read the body. */
const told = fc.oneof(
  field(one('From', 'To', 'Cc', 'Bcc', 'Sender', 'Reply-To', 'FROM', 'to', 'To '), addressList),
  field(one('Subject', 'Date', 'Message-ID', 'In-Reply-To', 'subject'), prose),
  field(one('Content-ID', 'Content-Description', 'Content-MD5', 'Content-Location', 'content-id'), prose),
  field(one('Content-Disposition'), disposition),
  field(one('Content-Language'), languages),
  field(one('MIME-Version', 'X-A', 'Received', 'List-Id', 'References'), prose),
);
const stray = one('no colon\r\n', 'X-B : c\r\n', ': x\r\n', 'X\xe9: y\r\n', 'X-Nul: a\0b\r\n');
const fields = some(fc.oneof({ weight: 12, arbitrary: told }, { weight: 1, arbitrary: stray }), 8);
const typeField = field(one('Content-Type', 'Content-Type', 'content-type'), contentType);
const encodingField = field(one('Content-Transfer-Encoding', 'Content-transfer-encoding'), ENCODINGS);
/** Fields of a part that contains no other. */
const anyFields = some(fc.oneof({ weight: 4, arbitrary: told }, typeField, encodingField), 8);

const line = one(
  ...['Hello, world.', '> quoted text', '>> more', '', '', ' ', 'x'.repeat(200), 'é\xe9\xff', 'a\0b', '-', '--', '-- '],
  ...[
    'gr\xc3\xbc\xc3\x9fe',
    'tab\there',
    '<p>a &amp; b</p>',
    '<style>x{}</style>',
    '=C3=A9',
    '=',
    '= ',
    'a=',
    'a =',
    '=3D=3d',
    '=ZZ',
  ],
  ...[
    'SGVsbG8=',
    'SGVs',
    'bG8',
    'b===',
    '+/+/',
    'SGVsbG8sIHdvcmxkLgo=',
    '\xef\xbb\xbfbom',
    'a\rb',
    '\r',
    'a  ',
    '<a href="x>y">',
  ],
);
const lineEnd = fc.oneof(
  { weight: 8, arbitrary: fc.constant('\r\n') },
  { weight: 3, arbitrary: fc.constant('\n') },
  one('\r\r\n', '\r', ''),
);
const text = some(
  fc.tuple(line, lineEnd).map((pieces) => pieces.join('')),
  10,
);

/** A body in the encoding that its header tells. */
const encoded = fc
  .tuple(
    one(
      '',
      '7bit',
      '8BIT',
      'base64',
      'BASE64',
      'base64',
      'base64 (c)',
      'base64; x',
      'quoted-printable',
      'Quoted-Printable',
      'x-uuencode',
      '"base64"',
      'base64 x',
    ),
    text,
    fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 4 }),
    lineEnd,
  )
  .map(([encoding, plain, lengths, end]) => {
    const header = encoding === '' ? '' : `Content-Transfer-Encoding: ${encoding}\r\n`;
    // Of an empty body that is encoded Dovecot sends something else.
    const octets = Buffer.from(`${plain}.`, 'latin1');
    if (/^base64/i.test(encoding))
      return [header, inLines(octets.toString('base64'), lengths, end.includes('\n') ? end : '\r\n')];
    if (/^q/i.test(encoding))
      return [
        header,
        encodeQuotedPrintable(octets).replace(/=\w\w/g, (escape, at: number) =>
          at % 7 === 0 ? `${escape}= \t\r\n` : escape,
        ),
      ];
    return [header, plain];
  });

function inLines(text: string, lengths: readonly number[], lineEnd: string): string {
  let lines = '';
  for (let at = 0, index = 0; at < text.length; at += lengths[index++ % lengths.length] ?? 1)
    lines +=
      text.slice(at, at + (lengths[index % lengths.length] ?? 1)) + (lineEnd.includes('\r\r') ? '\r\n' : lineEnd);
  return lines;
}

const readableType = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  {
    weight: 2,
    arbitrary: field(
      fc.constant('Content-Type'),
      one(
        'text/plain',
        'text/plain; charset=utf-8',
        'text/plain; charset="iso-8859-15"',
        'text/plain; charset=us-ascii; format=flowed',
        'text/enriched',
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: field(
      fc.constant('Content-Type'),
      one('text/html', 'text/html; charset=utf-8', 'image/png', 'application/octet-stream; name=x'),
    ),
  },
);

function leaf({ areBroken }: Rules): fc.Arbitrary<string> {
  const blankLine = one('\r\n', '\r\n', '\r\n', '\n');
  if (areBroken) return fc.tuple(anyFields, blankLine, text).map((pieces) => pieces.join(''));
  return fc
    .tuple(fields, readableType, blankLine, encoded)
    .map(([before, type, end, [encoding = '', body = '']]) => `${before}${type}${encoding}${end}${body}`);
}

/** Multiparts and messages in each other. Boundaries do not begin with one another, and delimiter lines have nothing but white space behind them. */
function parts(rules: Rules): fc.Arbitrary<string> {
  const after = rules.areBroken ? anyFields : fields;
  return fc.letrec<{ part: string; multipart: string; message: string }>((tie) => ({
    part: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      { weight: 4, arbitrary: leaf(rules) },
      { weight: 3, arbitrary: tie('multipart') },
      { weight: 2, arbitrary: tie('message') },
    ),
    multipart: fc
      .record({
        before: fields,
        subtype: one('mixed', 'mixed', 'alternative', 'digest', 'related', 'X-Y'),
        number: fc.nat(1_000_000),
        parameters,
        after,
        inside: fc.array(tie('part'), { maxLength: 3 }),
        preamble: one('', '', 'preamble\r\n', '\r\n', '\n'),
        isClosed: fc.nat(6).map((number) => number > 0),
        epilogue: one('\r\n', 'epilogue\r\n', 'e'),
        // Of an encoded body that ends with a CR Dovecot sends nothing, and closes the connection.
        ends: fc.tuple(rules.areBroken ? one('\r\n', '\n', '\r\r\n') : one('\r\n', '\n'), one('\r\n', '\n')),
        padding: one('', '', '', ' ', '\t'),
      })
      .map(multipart),
    message: fc
      .tuple(fields, one('message/rfc822', 'Message/RFC822', 'message/rfc822; name=x'), after, fields, tie('part'))
      .map(
        ([before, type, behind, header, inner]) =>
          `${before}Content-Type: ${type}\r\n${withoutEncodings(behind)}\r\n${header}${inner}`,
      ),
  })).part;
}

interface Multipart {
  readonly before: string;
  readonly subtype: string;
  readonly number: number;
  readonly parameters: string;
  readonly after: string;
  readonly inside: readonly string[];
  readonly preamble: string;
  readonly isClosed: boolean;
  readonly epilogue: string;
  readonly ends: readonly [string, string];
  readonly padding: string;
}

function multipart({
  before,
  subtype,
  number,
  parameters: more,
  after,
  inside,
  ends: [end, behind],
  ...rest
}: Multipart): string {
  const boundary = `=_b${number}`;
  // Parts of a digest are messages: their headers end with a blank line, and they are not encoded.
  const children = subtype === 'digest' ? inside.map((each) => `${withoutEncodings(each)}\r\n\r\nx`) : inside;
  const body = children.map((each) => `--${boundary}${rest.padding}${behind}${each}${end}`).join('');
  // The line end behind a closing delimiter is the next delimiter's, which Dovecot sees otherwise: there is always something between.
  const closing = rest.isClosed ? `--${boundary}--${behind}${rest.epilogue}` : '';
  return `${before}Content-Type: multipart/${subtype}; boundary="${boundary}"${more}\r\n${after}\r\n${rest.preamble}${body}${closing}`;
}

/** RFC 2046 §5.2.1: a message is not encoded. */
function withoutEncodings(text: string): string {
  return text.replace(/^content-transfer-encoding *:[^\n]*\n([ \t][^\n]*\n)*/gim, '');
}

function messages(rules: Rules): fc.Arbitrary<Buffer> {
  return fc.tuple(fields, parts(rules)).map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
}

/** Messages whose bodies can be decoded, most of them. */
export const decodable: fc.Arbitrary<Buffer> = messages({ areBroken: false });

/** Messages with headers of any kind. */
export const broken: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 8, arbitrary: messages({ areBroken: true }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(nastyHeader, text)
      .map(([header, body]) => Buffer.concat([header, Buffer.from(body, 'latin1')])),
  },
);
