import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VIEW_LIMITS } from '#imap/view/limits';
import { fetch, viewOf } from './fetch.js';

/** The ENVELOPE of a message with these header lines. */
async function envelope(...lines: readonly string[]): Promise<string> {
  const answer = await fetch(viewOf(`${lines.join('\r\n')}\r\n\r\n`), 'ENVELOPE');
  return answer.toString('latin1').slice('ENVELOPE '.length);
}

/** What stands for the addresses of a To field with that body. */
async function to(body: string): Promise<string> {
  const text = await envelope(`To: ${body}`);
  assert.ok(text.startsWith('(NIL NIL NIL NIL NIL ') && text.endsWith(' NIL NIL NIL NIL)'), text);
  return text.slice('(NIL NIL NIL NIL NIL '.length, -' NIL NIL NIL NIL)'.length);
}

describe('ENVELOPE', () => {
  it('has ten places', async () => {
    assert.equal(await envelope('X: y'), '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)');
    assert.equal(
      await envelope(
        ...[
          'Date: Sat, 21 Nov 2026 10:00:00 +0000',
          'Subject: a',
          'From: b@c',
          'Sender: d@e',
          'Reply-To: f@g',
          'To: h@i',
        ],
        ...['Cc: j@k', 'Bcc: l@m', 'In-Reply-To: <n@o>', 'Message-ID: <p@q>'],
      ),
      '("Sat, 21 Nov 2026 10:00:00 +0000" "a" ((NIL NIL "b" "c")) ((NIL NIL "d" "e")) ((NIL NIL "f" "g")) ((NIL NIL "h" "i")) ((NIL NIL "j" "k")) ((NIL NIL "l" "m")) "<n@o>" "<p@q>")',
    );
  });

  it('takes From for Sender and Reply-To where they are missing or have no address', async () => {
    const from = '((NIL NIL "b" "c"))';
    assert.equal(await envelope('From: b@c', 'Sender:'), `(NIL NIL ${from} ${from} ${from} NIL NIL NIL NIL NIL)`);
  });

  it('joins the addresses of fields of one name, and takes the last of other fields', async () => {
    assert.equal(
      await envelope('To: a@b', 'Subject: one', 'TO: c@d', 'subject: two', 'Date: x', 'Date: y'),
      '("y" "two" NIL NIL NIL ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL)',
    );
  });

  it('leaves encoded words as they are', async () => {
    assert.match(await envelope('Subject: =?utf-8?Q?=C3=A9?='), /"=\?utf-8\?Q\?=C3=A9\?="/);
    assert.equal(await to('=?utf-8?Q?=C3=A9?= <a@b>'), '(("=?utf-8?Q?=C3=A9?=" NIL "a" "b"))');
  });

  it('gives the subject one space for each run of white space, and unfolds the others', async () => {
    assert.equal(
      await envelope('Subject:  a \t b\r\n\tc \r\n ', 'Message-ID: <a\r\n\t b>', 'Date: \t'),
      '("\t" "a b c" NIL NIL NIL NIL NIL NIL NIL "<a\t b>")',
    );
  });

  it('makes literals of what cannot be quoted', async () => {
    assert.match(await envelope('Subject: gr\xfcn'), / \{4\}\r\ngr\xfcn /);
    assert.match(await envelope('Subject: "a" \\'), / "\\"a\\" \\\\" /);
    assert.match(await envelope('Message-ID: a\rb'), / "a b"\)$/);
    assert.match(await envelope('Subject: a\0b'), / \{5\}\r\na\xef\xbf\xbdb /);
    assert.match(await envelope(`Subject: ${'x'.repeat(1001)}`), / \{1001\}\r\nx+ NIL/);
  });

  for (const [body, expected] of [
    ['a@b', '((NIL NIL "a" "b"))'],
    ['A <a@b>, "B, C" <c@d>', '(("A" NIL "a" "b")("B, C" NIL "c" "d"))'],
    ['A B "C D" <a@b>', '(("A B C D" NIL "a" "b"))'],
    ['a@b (A)', '(("A" NIL "a" "b"))'],
    ['<a@b>', '((NIL NIL "a" "b"))'],
    ['<@r,@s:a@b>', '((NIL "@r,@s" "a" "b"))'],
    ['"a b"@c', '((NIL NIL "a b" "c"))'],
    ['a@[192.0.2.1]', '((NIL NIL "a" "[192.0.2.1]"))'],
    ['a @ b . c', '((NIL NIL "a" "b.c"))'],
    ['A (x (y) z) <a(b)@c>', '(("A" NIL "a" "c"))'],
    ['a..b.@c', '((NIL NIL "a..b." "c"))'],
    ['undisclosed-recipients:;', '((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))'],
    [
      'x: a@b, C <c@d>;, e@f',
      '((NIL NIL "x" NIL)(NIL NIL "a" "b")("C" NIL "c" "d")(NIL NIL NIL NIL)(NIL NIL "e" "f"))',
    ],
    ['x: a@b', '((NIL NIL "x" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL))'],
    ['a', '((NIL NIL "a" "MISSING_DOMAIN"))'],
    ['A B', '(("A B" NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))'],
    ['A <a>', '(("A" NIL "a" "MISSING_DOMAIN"))'],
    ['A <>', '(("A" NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))'],
    ['A <a@b', '(("A" NIL "a" "SYNTAX_ERROR"))'],
    ['A <@a@b>', '(("A" "INVALID_ROUTE" "MISSING_MAILBOX" "MISSING_DOMAIN"))'],
    [',a@b', '((NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN")(NIL NIL "a" "b"))'],
    ['a@b,', '((NIL NIL "a" "b"))'],
    ['a@b,(', '((NIL NIL "a" "b")(NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))'],
    ['a@b c@d', '((NIL NIL "a" "b"))'],
    ['"A\\"B" <a@b>', '(("A\\"B" NIL "a" "b"))'],
    ['"A\r\n  B" <a@b>', '(("A B" NIL "a" "b"))'],
    ['"A <a@b>', '((NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))'],
    ['', 'NIL'],
    ['(nobody)', 'NIL'],
  ] as const)
    it(`reads ${JSON.stringify(body)}`, async () => {
      assert.equal(await to(body), expected);
    });

  it('leaves out addresses beyond a limit', async () => {
    const text = await to(','.repeat(1_000_000));
    assert.equal(text.match(/MISSING_DOMAIN/g)?.length, VIEW_LIMITS.elements);
    assert.equal((await to(`x:${'a,'.repeat(100_000)};`)).match(/NIL NIL NIL NIL/g)?.length, 1);
  });
});
