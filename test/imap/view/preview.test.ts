import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { htmlText } from '#imap/view/htmltext';
import { viewOf } from './fetch.js';

function preview(...lines: readonly string[]): string {
  return viewOf(lines.join('\r\n')).record.preview.toString();
}

function html(text: string): string {
  return htmlText(text)
    .replace(/[ \n]+/g, ' ')
    .trim();
}

describe('PREVIEW', () => {
  it('is the text without its white space', () => {
    assert.equal(preview('Subject: a', '', '', '  Hello,\t \r\n\r\nworld. ', ''), 'Hello, world.');
    assert.equal(preview('Subject: a', '', ''), '');
  });

  it('has 200 characters at most, and no space at the end', () => {
    assert.equal(preview('', 'x'.repeat(300)), 'x'.repeat(200));
    assert.equal(preview('', `${'x'.repeat(199)} yz`), 'x'.repeat(199));
    assert.equal(preview('', `${'x'.repeat(198)} yz`), `${'x'.repeat(198)} y`);
    assert.equal(preview('', Buffer.from('\u{1f600}'.repeat(300)).toString('latin1')), '\u{1f600}'.repeat(200));
  });

  it('has quotations where there is nothing else', () => {
    assert.equal(preview('', '> quoted', '>> more', '', 'Own words.', '> again'), 'Own words.');
    assert.equal(preview('', '> quoted', '', '>  text'), '>quoted text');
    assert.equal(preview('', `>${'x'.repeat(300)}`), `>${'x'.repeat(199)}`);
  });

  it('is decoded', () => {
    assert.equal(
      preview('Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', '', 'w7zDnw=='),
      'üß',
    );
    assert.equal(
      preview(
        'Content-Type: text/plain; charset=iso-8859-15',
        'Content-Transfer-Encoding: quoted-printable',
        '',
        '=A4=',
      ),
      '€=',
    );
    assert.equal(preview('Content-Type: text/plain; charset=unheard-of', '', '\xc3\xbc'), 'ü');
    assert.equal(preview('Content-Type: text/plain; charset=us-ascii', '', '\xc3\xbc\xff\xff!'), 'ü\ufffd!');
    assert.equal(preview('Content-Transfer-Encoding: x-uuencode', '', 'x'), '');
    assert.equal(preview('', '\xef\xbb\xbfa\0b'), 'ab');
  });

  it('is of the first text, plain before HTML where there is a choice', () => {
    const part = (type: string, text: string): string[] => ['--b', `Content-Type: ${type}`, '', text];
    const multipart = (subtype: string, ...parts: readonly string[][]): string =>
      preview(`Content-Type: multipart/${subtype}; boundary=b`, '', ...parts.flat(), '--b--', '');
    assert.equal(
      multipart('mixed', part('image/png', 'x'), part('text/html', '<b>y</b>'), part('text/plain', 'z')),
      'y',
    );
    assert.equal(
      multipart('alternative', part('text/enriched', 'x'), part('text/html', 'y'), part('text/plain', 'z')),
      'z',
    );
    assert.equal(
      multipart('alternative', part('text/html', 'x'), part('text/html', 'y'), part('text/enriched', 'z')),
      'y',
    );
    assert.equal(multipart('mixed', part('message/rfc822', 'A: b\r\n\r\nx'), part('image/png', 'y')), '');
  });

  it('of a long message is of its beginning', () => {
    const head = ['Content-Type: multipart/mixed; boundary=b', '', '--b', 'Content-Type: image/png', ''];
    const tail = ['--b', '', 'text', '--b--'];
    assert.equal(preview(...head, 'x'.repeat(10_000), ...tail), 'text');
    assert.equal(preview(...head, 'x'.repeat(100_000), ...tail), '');
    assert.equal(preview('', 'y '.repeat(100_000)), 'y '.repeat(100).trim());
  });
});

describe('the text of HTML', () => {
  for (const [source, expected] of [
    ['<p>a <b>b</b></p>', 'a b'],
    ['a<!-- x > y -->b<!-->c-->d', 'abd'],
    ['a<script type="x">if (a < b) "</p>"</script>b<style>x</style>c', 'a b c'],
    ['<img alt="a > b" title=\'c > d\'>e', 'e'],
    [
      'a &amp; &lt;b&gt; &eacute;&nbsp;&euro; &#65;&#x42; &unknown; & c &longerthanten;',
      'a & <b> é\u00a0€ AB & c &longerthanten;',
    ],
    ['a<blockquote>b<br>c</blockquote>d', 'a > b > c d'],
    ['<![CDATA[a < b]]>c', 'a < bc'],
    ['a<b', 'a'],
    ['a<b title="', 'a'],
    ['a<!-- b', 'a'],
    ['&#xd800;&#x110000;a', 'a'],
  ] as const)
    it(source, () => {
      assert.equal(html(source), expected);
    });
});
