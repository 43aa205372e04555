/** Messages made to take long. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { viewOf } from './fetch.js';

const OCTETS = 20_000;
/** Milliseconds that one message may take: what grows with the square of its length takes seconds. */
const LIMIT = 600;

const PIECES = [
  ...[
    '\r',
    '(',
    '"',
    ',',
    '<',
    '@',
    'a',
    'a ',
    'a.',
    'a,',
    '\\',
    '"\\',
    '(\\',
    '\n ',
    ' ',
    '\t\n ',
    'a:',
    'a:;',
    '<a',
    '<@a,',
  ],
  ...[
    '[',
    '@[',
    '"a" ',
    '"a\n b" ',
    'a@b,',
    'a <a@b>,',
    '(a) ',
    '=',
    ';a=b',
    ';a*0=b',
    ';a="',
    ';a=(',
    ';',
    '; ;',
    '\0',
    ';x*0*=',
  ],
];
const HTML = [
  ...[
    '<',
    '<!',
    '<!--',
    '<!-- --',
    '&',
    '&a',
    '"',
    '<"',
    '<a "\\',
    "<'",
    '<script',
    '<script>',
    '<style> </',
    '<![CDATA[',
    ']',
  ],
  ...[' ', '\n', '>', '> ', 'a ', '<!-- - ', '<blockquote>', '</blockquote>'],
];

function check(name: string, head: string, piece: string): void {
  const message = head + piece.repeat(OCTETS / piece.length);
  it(`${name} of ${JSON.stringify(piece)}`, () => {
    const start = process.cpuUsage();
    viewOf(message);
    const { user } = process.cpuUsage(start);
    assert.ok(user / 1000 < LIMIT, `${Math.round(user / 1000)} ms`);
  });
}

describe('a message takes time in proportion to its length', () => {
  for (const piece of PIECES) {
    check('From', 'From: a', piece);
    check('Subject', 'Subject: a', piece);
    check('Content-Type', 'Content-Type: text/plain', piece);
    check('Content-Language', 'MIME-Version: 1.0\r\nContent-Language: a', piece);
  }
  for (const piece of HTML) check('HTML', 'Content-Type: text/html\r\n\r\n', piece);
  for (const piece of [' ', '=', '= ', ' =', '=\t']) {
    check('text', 'Content-Transfer-Encoding: quoted-printable\r\n\r\n', piece);
    check('base64', 'Content-Transfer-Encoding: base64\r\n\r\n', piece);
  }
});
