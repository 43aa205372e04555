/** Bodies of header fields: nearly what they should be. One character is an octet. */
import fc from 'fast-check';

/** One of some texts. */
export function one(...texts: readonly string[]): fc.Arbitrary<string> {
  return fc.constantFrom(...texts);
}

/** Some of it, one after another. */
export function some(piece: fc.Arbitrary<string>, maxLength: number, separator = ''): fc.Arbitrary<string> {
  return fc.array(piece, { maxLength, size: 'max' }).map((pieces) => pieces.join(separator));
}

const SPACES = one('', '', ' ', ' ', '  ', '\t', '\r\n ', '\r\n\t', '\n ', ' \r\n  ', '\r\n \r\n ');
const OCTETS = one('é', 'ü', '\xff', '\xe2\x82\xac', '\0', '\x01', '\x7f', '\r', '\x1b');
const COMMENTS = one('(c)', '(a (b) c)', '(a\\)b)', '(', ')', '(x\r\n y)', '(\xe9)', '()', '(a\0b)', '(a\\');
const WORDS = one(
  'alice',
  'Bob',
  'B.',
  "o'neill",
  'a.b',
  'a..b',
  '.a',
  'a.',
  '=?utf-8?Q?=C3=A9?=',
  'x_y',
  'undisclosed-recipients',
);
const QUOTED = one(
  '"Bob, B."',
  '"a\\"b"',
  '"a\\\\b"',
  '"',
  '""',
  '" "',
  '"a\r\n b"',
  '"a\nb"',
  '"\xe9"',
  '"a\\',
  '"a b"',
  '"x\0y"',
  '"a\t  b "',
);
const SPECIALS = one('<', '>', '@', ',', ':', ';', '[', ']', '\\', '.', ',', '<', '>', '@');
const DOMAINS = one(
  'example.com',
  'a.b.c',
  '[192.0.2.1]',
  '[a\\]b]',
  '[a[b]',
  'a .b',
  'a. b',
  'localhost',
  'exa(c)mple.com',
  'ex\xe4mple.de',
  '[a\r\n b]',
);

const addressPiece = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(WORDS, DOMAINS).map(([word, domain]) => `${word}@${domain}`) },
  {
    weight: 5,
    arbitrary: fc.tuple(WORDS, WORDS, DOMAINS).map(([name, word, domain]) => `${name} <${word}@${domain}>`),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(QUOTED, WORDS, DOMAINS).map(([name, word, domain]) => `${name} <${word}@${domain}>`),
  },
  { weight: 2, arbitrary: fc.tuple(DOMAINS, DOMAINS, WORDS).map(([a, b, word]) => `<@${a},@${b}:${word}@${b}>`) },
  {
    weight: 2,
    arbitrary: fc.tuple(WORDS, WORDS, DOMAINS).map(([name, word, domain]) => `${name}: ${word}@${domain};`),
  },
  { weight: 4, arbitrary: WORDS },
  { weight: 3, arbitrary: QUOTED },
  { weight: 6, arbitrary: SPECIALS },
  { weight: 3, arbitrary: COMMENTS },
  { weight: 2, arbitrary: DOMAINS },
  { weight: 1, arbitrary: OCTETS },
  { weight: 6, arbitrary: SPACES },
  { weight: 6, arbitrary: one(', ', ',') },
);

/** The body of a From or To field: nearly addresses. */
export const addressList = some(addressPiece, 8);

export const prose = some(
  fc.oneof(
    one(
      'Hello',
      'world',
      '=?utf-8?Q?=C3=A9?=',
      '=?utf-8?B?w6k=?=',
      '"',
      '\\',
      '{3}',
      '%',
      '(x)',
      '<1@example.com>',
      'Sat, 21 Nov 2026 10:00:00 +0000',
      '"x"',
      '\\"""""',
    ),
    SPACES,
    OCTETS,
  ),
  6,
);

const NAMES = one('charset', 'name', 'Filename', 'boundary', 'format', '', 'a b', 'n\xe9');
/** Not in one field: Dovecot gives one without a number that of the parameter before it. */
const NUMBERED = one('x*0', 'x*1', 'x*2', 'x*0*', 'x*1*', 'X*0', 'y*5', '*0');
const STARRED = one('x*', 'name*', 'x**', '*');
const VALUES = one(
  'utf-8',
  'us-ascii',
  '"a b"',
  '"a\\"b"',
  '"',
  '""',
  'a.txt',
  'b/c',
  "utf-8''%C3%A9",
  "''x%20",
  '=?utf-8?Q?x?=',
  'a b',
  '\xe9',
  '"\xc3\xa9"',
  '"a;b=c"',
  '(c) x',
  'x (c)',
  '',
  '"x\r\n y"',
  '100%',
  "'a'",
  'a@b',
  'a\0b',
  '"a\0b"',
);
const SEPARATORS = one(';', ';', ';', '; ', ';\r\n ', ' ; ', ';;');
/** The name `filename==?utf-8?Q?x?=` is read with one `=` too many, by Dovecot up to a NUL. */
export const parameters = fc.boolean().chain((isNumbered) =>
  some(
    fc
      .tuple(SEPARATORS, fc.oneof(NAMES, isNumbered ? NUMBERED : STARRED), one('=', '=', '=', ' = ', '', '=='), VALUES)
      .map(
        ([separator, name, equals, value]) =>
          separator + name + equals + (equals === '==' ? value.replaceAll('\0', '') : value),
      ),
    5,
  ),
);
/** Types that are no containers. */
export const TYPES = one(
  'text/plain',
  'TEXT/HTML',
  'image/png',
  'application/x-pkcs7-mime',
  'application/octet-stream',
  'text / plain',
  'text/(c)plain',
  '(c) text/plain (d)',
  'text/x-é',
  'message/delivery-status',
  'message/partial',
  'audio/x',
  'application/vnd.a+b',
  '\r\n text/plain',
);
export const contentType = fc.tuple(TYPES, parameters).map((pieces) => pieces.join(''));
export const ENCODINGS = one(
  '7bit',
  '8BIT',
  'binary',
  'base64',
  'BASE64',
  'quoted-printable',
  'Quoted-Printable ',
  ' base64',
  'base64 (c)',
  '(c)base64',
  'x-uuencode',
  'base64;',
  'base64; x',
  '',
  'base64 x',
  '"base64"',
  'bas\xe964',
);
export const disposition = fc
  .tuple(one('attachment', 'inline', 'ATTACHMENT', 'x-y', '', '"attachment"', '(c) inline', 'form-data '), parameters)
  .map((pieces) => pieces.join(''));
export const languages = some(fc.oneof(one('en', 'de-DE', 'x', '(c)', 'en us', '"en"', 'é', ''), SPACES), 4, ',');
