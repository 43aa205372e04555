/** Armored messages, damaged and only strange. */
import { MAIL, bad, fine, v1, v2 } from './handmade.js';
import type { Made } from './makepeers.js';
import { type TestSubkey, armored, literal } from './writer.js';

export function makeArmor(own: TestSubkey): Made[] {
  const right = v1(own, literal(MAIL));
  const right2 = v2(own, literal(MAIL));
  const text = armored(right).toString('latin1');
  const crlf = armored(right, { eol: '\r\n', checksum: 'none' }).toString('latin1');
  const lines = text.split('\n');
  const changed = (find: string | RegExp, by: string, base = text): Buffer => {
    const result = base.replace(find, by);
    if (result === base) throw new Error(`Nothing to replace: ${String(find)}`);
    return Buffer.from(result, 'latin1');
  };
  /** With line number `at` (of the data) changed. */
  const line = (at: number, change: (line: string) => string): Buffer =>
    Buffer.from(lines.map((each, i) => (i === at + 2 ? change(each) : each)).join('\n'), 'latin1');
  const end = '-----END PGP MESSAGE-----';
  const open = (name: string, message: Buffer, shape = {}): Made => {
    const made = fine(name, message, shape);
    return { ...made, vector: { ...made.vector, file: `${name}.asc` } };
  };
  return [
    open('armor-lf', Buffer.from(text)),
    open('armor-crlf', Buffer.from(crlf)),
    // RFC 9580 §6.1: a wrong checksum must not lead to rejection.
    open('armor-checksum-wrong', armored(right, { checksum: 'wrong' })),
    open('armor-checksum-wrong-2', armored(right2, { checksum: 'wrong' }), { seipd: 2 }),
    open('armor-headers', armored(right, { headers: ['Version: none', 'Comment: two words', 'X-Other: 1'] })),
    open('armor-text-before', Buffer.from(`Some text\n\nbefore it.\n${text}`)),
    open('armor-blank-after', Buffer.from(`${text}\n  \r\n`)),
    open('armor-no-final-newline', Buffer.from(text.trimEnd())),
    open('armor-spaces-at-line-ends', changed(/\n/g, ' \t\n')),
    open(
      'armor-uneven-lines',
      Buffer.from(
        lines.map((each, i) => (i > 2 && i < 40 ? each.slice(0, i) + '\n' + each.slice(i) : each)).join('\n'),
      ),
    ),
    open(
      'armor-line-ends-mixed',
      line(5, (each) => `${each}\r`),
    ),
    bad('armor-text-after', 'trailing-data', Buffer.from(`${text}Some text after it.\n`)),
    bad('armor-twice', 'trailing-data', Buffer.from(text + text)),
    bad(
      'armor-bad-character',
      'armor',
      line(10, (each) => `${each.slice(0, 20)}!${each.slice(21)}`),
    ),
    bad('armor-bad-character-crlf', 'armor', changed(/([A-Za-z0-9+/]{64}\r\n){20}/, '$&*', crlf)),
    bad(
      'armor-nul',
      'armor',
      line(20, (each) => `${each.slice(0, 5)}\0${each.slice(6)}`),
    ),
    bad(
      'armor-8-bit',
      'armor',
      line(20, (each) => `${each.slice(0, 5)}\xe9${each.slice(6)}`),
    ),
    bad('armor-header-malformed', 'armor', changed('\n\n', '\nno header\n\n')),
    bad(
      'armor-padding-inside',
      'armor',
      line(10, (each) => `${each.slice(0, 62)}==`),
    ),
    bad('armor-no-tail', 'truncated', changed(`${end}\n`, '')),
    bad('armor-cut-tail', 'truncated', changed(`${end}\n`, end.slice(0, 12))),
    bad('armor-cut-data', 'truncated', Buffer.from(text.slice(0, 1200))),
    bad('armor-wrong-tail', 'armor', changed(end, '-----END PGP SIGNATURE-----')),
    bad('armor-other-type', 'armor', changed(/MESSAGE/g, 'SIGNATURE')),
    bad('armor-line-missing', 'truncated', Buffer.from(lines.filter((_, i) => i !== 30).join('\n'))),
    bad('armor-empty', 'malformed', armored(Buffer.alloc(0))),
  ];
}
