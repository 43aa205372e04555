import fc from 'fast-check';
import type { MimeLimits } from '#lib/mime/limits';

/** The bytes cut at the given places (taken modulo the length), which may come in any order. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((place) => (bytes.length === 0 ? 0 : place % bytes.length)).sort((a, b) => a - b);
  return [...sorted, bytes.length].map((place, i) => bytes.subarray(sorted[i - 1] ?? 0, place));
}

/** Bytes that are nearly a header. */
export const nastyHeader: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('\r\n', '\n', '\r', ' ', '\t', ':', ': ', '\r\n\r\n', '\r\n ') },
      { weight: 3, arbitrary: fc.constantFrom('a', 'B', 'Subject', 'a: b\r\n', 'B: c\n', '\0', '\xe9') },
      { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 8 }) },
    ),
    { maxLength: 30 },
  )
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

const LINE_ENDS = ['\r\n', '\n', '\r\r\n', '\r', ''];
const HEADER_LINES = [
  'Content-Type: multipart/mixed; boundary=b',
  'Content-Type: multipart/mixed; boundary="b"',
  'Content-Type: multipart/mixed;\r\n boundary=bb',
  'Content-Type: multipart/digest; boundary=b--',
  'Content-Type: multipart/digest; boundary="c "',
  'Content-Type: multipart/alternative',
  'content-type: multipart/x; boundary="bbbbbbbbbbbb"',
  'Content-Type: message/rfc822',
  'Content-Type: message/global',
  'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64',
  'Content-Type: text/plain',
  'Content-Type: rubbish',
  'Subject: a',
  'no colon',
  ' continued',
];
const BODY_LINES = ['', '', 'x', '-', '--', '-- ', '--x', ' --b', '---b', '\0', '\xe9', 'x --b', '--bbb', '----'];
const BOUNDARIES = ['b', 'b', 'b', 'bb', 'b--', 'c', 'bbbbbbbbbbbb'];

const delimiterLine = fc
  .tuple(
    fc.constantFrom(...BOUNDARIES),
    fc.constantFrom('', '', '', '', '--', '--', '-', '----'),
    fc.constantFrom('', '', '', '', ' ', '\t ', '          ', ' x'),
  )
  .map(([boundary, close, padding]) => `--${boundary}${close}${padding}`);

const headerLine = fc.constantFrom(...HEADER_LINES);

/** What most often makes up a message, and after it now and then an unusual line end. */
const fragment = fc
  .tuple(
    fc.oneof(
      { weight: 2, arbitrary: headerLine },
      { weight: 2, arbitrary: headerLine.map((field) => `${field}\r\n`) },
      { weight: 4, arbitrary: delimiterLine },
      { weight: 4, arbitrary: fc.tuple(delimiterLine, headerLine).map((lines) => lines.join('\r\n') + '\r\n') },
      { weight: 2, arbitrary: fc.constantFrom(...BODY_LINES) },
    ),
    fc.oneof({ weight: 12, arbitrary: fc.constant('\r\n') }, fc.constantFrom(...LINE_ENDS)),
  )
  .map((pieces) => pieces.join(''));

/** Bytes that are nearly a MIME message: headers, delimiters of a few boundaries and bits of bodies in any order. */
export const nastyMessage: fc.Arbitrary<Buffer> = fc
  .array(fragment, { maxLength: 30, size: 'max' })
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

/** The same, its first lines such that there is something to find. */
export const nastyMultipart: fc.Arbitrary<Buffer> = fc
  .tuple(fc.constantFrom(...HEADER_LINES.slice(0, 4)), nastyMessage)
  .map(([field, rest]) => Buffer.concat([Buffer.from(`${field}\r\n\r\n`, 'latin1'), rest]));

/** Limits so low that small messages go over them. */
export const lowLimits: fc.Arbitrary<Partial<MimeLimits>> = fc.record(
  {
    headerOctets: fc.integer({ min: 0, max: 100 }),
    headerFields: fc.integer({ min: 0, max: 3 }),
    totalHeaderOctets: fc.integer({ min: 0, max: 200 }),
    depth: fc.integer({ min: 1, max: 4 }),
    parts: fc.integer({ min: 1, max: 6 }),
    boundaryOctets: fc.integer({ min: 1, max: 12 }),
    delimiterPadding: fc.integer({ min: 0, max: 4 }),
  },
  { requiredKeys: [] },
);
