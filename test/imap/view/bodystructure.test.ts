import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bodyText } from '#imap/view/bodytext';
import { fetch, viewOf } from './fetch.js';

async function structure(...lines: readonly string[]): Promise<string> {
  const answer = await fetch(viewOf(lines.join('\r\n')), 'BODYSTRUCTURE');
  return answer.toString('latin1').slice('BODYSTRUCTURE '.length);
}

/** The parameters of a Content-Type with these behind it. */
async function parameters(text: string): Promise<string> {
  const found = /^\("image" "png" (.*) NIL NIL "7bit" 0 NIL NIL NIL NIL\)$/s.exec(
    await structure(`Content-Type: image/png${text}`, '', ''),
  );
  return found?.[1] ?? '';
}

describe('BODYSTRUCTURE', () => {
  it('of a message without fields of MIME is plain text', async () => {
    const plain = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 NIL NIL NIL NIL)';
    assert.equal(await structure('Subject: a', '', 'x', ''), plain);
    assert.equal(await structure('Content-Transfer-Encoding: base64', 'Content-ID: <a>', '', 'x', ''), plain);
    const isMime = await structure('MIME-Version: 1.0', 'Content-Transfer-Encoding: base64', '', 'x', '');
    assert.equal(isMime, plain.replace('7bit', 'base64'));
  });

  it('has everything that a part says of itself', async () => {
    assert.equal(
      await structure(
        ...['Content-Type: Image/PNG; Name="a b.png"', 'Content-ID: <a@b>', 'Content-Description: A\r\n picture'],
        ...[
          'Content-Transfer-Encoding: BASE64',
          'Content-MD5: Q2hlY2s=',
          'Content-Disposition: ATTACHMENT; filename=a.png',
        ],
        ...['Content-Language: en, de-CH (Swiss)', 'Content-Location: http://a/b', '', 'x', ''],
      ),
      '("Image" "PNG" ("Name" "a b.png") "<a@b>" "A picture" "BASE64" 3 "Q2hlY2s=" ("ATTACHMENT" ("filename" "a.png")) ("en" "de-CH") "http://a/b")',
    );
  });

  it('counts octets and lines with CRLF', async () => {
    assert.match(await structure('Subject: a\n\nx\ny\nz'), / "7bit" 7 2 /);
  });

  it('of a multipart has the parts, and one that is not there where there is none', async () => {
    assert.equal(
      await structure(
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        '',
        'x',
        '--b',
        'Content-Type: text/html',
        '',
        'y',
        '--b--',
      ),
      '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL)("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)',
    );
    const empty = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)';
    assert.equal(await structure('Content-Type: multipart/mixed', '', 'x'), `(${empty} "mixed" NIL NIL NIL NIL)`);
  });

  it('of a message in a message has its envelope and its structure', async () => {
    assert.equal(
      await structure('Content-Type: message/rfc822', '', 'Subject: a', '', 'x', ''),
      '("message" "rfc822" NIL NIL NIL "7bit" 17 (NIL "a" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 NIL NIL NIL NIL) 3 NIL NIL NIL NIL)',
    );
  });

  it('of a message names its type as it is known', async () => {
    for (const type of ['Message/RFC822', 'message/rfc822\xe9', '(c) message/rfc822'])
      assert.match(
        await structure(`Content-Type: ${type}`, '', '', 'x'),
        /^\("message" "rfc822" NIL NIL NIL "7bit" 3 \(/,
      );
    assert.match(await structure('Content-Type: message/Global\xe9', '', '', 'x'), /^\("message" "global" /);
  });

  it('of what goes over a limit or is encoded is that of a file', async () => {
    const long = 'q'.repeat(300);
    const file = '("application" "octet-stream" ';
    assert.ok((await structure(`Content-Type: multipart/mixed; boundary=${long}`, '', '')).startsWith(file));
    assert.equal(
      await structure('Content-Type: message/rfc822; name=a', 'Content-Transfer-Encoding: base64', '', 'eA==', ''),
      `${file}("name" "a") NIL NIL "base64" 6 NIL NIL NIL NIL)`,
    );
  });

  it('takes the first of fields that are doubled, but parameters of a disposition before none', async () => {
    assert.equal(
      await structure(
        'Content-Type: image/png',
        'Content-Type: image/gif',
        'Content-ID: a',
        'Content-ID: b',
        'Content-Disposition: inline',
        'Content-Disposition: attachment; a=b',
        'Content-Disposition: x',
        '',
        '',
      ),
      '("image" "png" NIL "a" NIL "7bit" 0 NIL ("attachment" ("a" "b")) NIL NIL)',
    );
  });

  for (const [text, expected] of [
    ['; a=b; c="d e"; f = g (h)', '("a" "b" "c" "d e" "f" "g")'],
    ['; a="b\\"c\r\n d"', '("a" "b\\"c d")'],
    ['; a; b=c; d=e', '("d" "e")'],
    ['; a="b; c=d', 'NIL'],
    ['; a=b c; d=e', '("a" "b" "d" "e")'],
    [';; a=b; c=d', '("c" "d")'],
    ['; a==?utf-8?Q?b?= c', '("a" "=?utf-8?Q?b?=")'],
    ['; a=', '("a" "")'],
    ['; a=1; a=2', '("a" "1" "a" "2")'],
    ["; a*=utf-8''%C3%A9", `("a*" "utf-8''%C3%A9")`],
    ['; a*1=c; a*0=b', '("a" "bc")'],
    ["; a*0*=utf-8''%C3; a*1=5%", `("a*" "utf-8''%C35%25")`],
    ['; a*0=b; a*1*=%20', `("a*" "''b%20")`],
    ['; a*0=b; a*2=c', '("a*0" "b" "a*2" "c")'],
    ['; b=1; a*0=2; c=3', '("b" "1" "c" "3" "a" "2")'],
    ['; n=gr\xfcn', '("n" {4}\r\ngr\xfcn)'],
    ['', 'NIL'],
  ] as const)
    it(`reads parameters ${JSON.stringify(text)}`, async () => {
      assert.equal(await parameters(text), expected);
    });

  it('leaves out parameters beyond a limit', async () => {
    assert.ok((await parameters(';a=b'.repeat(250_000))).length < 200_000);
    assert.ok((await parameters(';a*0=b'.repeat(150_000))).length < 400_000);
  });
});

describe('BODY', () => {
  it('is BODYSTRUCTURE without extension data', async () => {
    const view = viewOf(
      [
        ...[
          'Content-Type: multipart/mixed; boundary=b',
          'Content-Language: en, de',
          '',
          '--b',
          'Content-Type: message/rfc822',
        ],
        ...[
          'Content-Description: "{3}\\ (',
          'Content-Disposition: attachment; a="(("',
          '',
          'Subject: gr\xfcn)',
          '',
          'x',
          '--b',
        ],
        ...[
          'Content-Type: image/png; a="\xe9)("',
          '',
          '--b',
          'Content-Type: TEXT/x; charset=y',
          'Content-MD5: \xe9',
          '',
          'z',
          '--b--',
        ],
      ].join('\r\n'),
    );
    assert.equal(
      (await fetch(view, 'BODY')).toString('latin1'),
      'BODY (("message" "rfc822" NIL NIL "\\"{3}\\\\ (" "7bit" 19 (NIL {5}\r\ngr\xfcn) NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0) 2)("image" "png" ("a" {3}\r\n\xe9)() NIL NIL "7bit" 0)("TEXT" "x" ("charset" "y") NIL NIL "7bit" 1 0) "mixed")',
    );
  });

  it('of what is no BODYSTRUCTURE is part of it', () => {
    for (const text of ['', '(', '((', '("', '({9}', '("a" "b" {99}\r\n)', '(((((NIL', '("text"', 'x y z (', '(x) (y)'])
      assert.ok(bodyText(Buffer.from(text)).length <= text.length);
  });
});
