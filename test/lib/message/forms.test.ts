import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { View } from '#lib/message/open';
import { armor, lines, person, pgpMime, viewText } from './fixture.js';

const alice = await person('Alice <alice@example.com>');
const bob = await person('Bob <bob@example.com>');

const TRACE = [
  'Return-Path: <bob@example.com>',
  'Received: from a.example by b.example; Sat, 21 Nov 2026 06:27:00 +0000',
  'DKIM-Signature: v=1; a=x',
  'Authentication-Results: mx.example; dkim=pass',
  'List-Id: <list.example.com>',
];
const OUTER = [
  'From: Bob <bob@example.com>',
  'To: alice@example.com',
  'Subject: ...',
  'Message-ID: <1@example.com>',
  'X-Outer: yes',
];
const UNSIGNED = 'Postern-Status: encrypted; signature=none';
const SIGNED = `Postern-Status: encrypted; signature=valid; signer=bob@example.com; key=${bob.key.getFingerprint().toUpperCase()}`;

async function open(stored: Buffer | string): Promise<{ readonly view: View; readonly text: string }> {
  const { view, text } = await viewText(Buffer.isBuffer(stored) ? stored : Buffer.from(stored, 'latin1'), {
    keys: () => [alice.key],
    verifiers: ({ keyID }) => (keyID === bob.key.getKeyID().toHex().toUpperCase() ? [bob.key.toPublic()] : []),
  });
  return { view, text };
}

interface Case {
  readonly outer?: readonly string[];
  readonly payload: readonly string[];
  readonly signed?: boolean;
}

async function viewOf({ outer = [...TRACE, ...OUTER], payload, signed = false }: Case): Promise<string> {
  const armored = await armor(lines(...payload), {
    recipients: [alice.recipient],
    ...(signed ? { signers: [bob.key] } : {}),
  });
  const { view, text } = await open(pgpMime(outer, armored));
  assert.equal(view.kind, 'opened', view.kind === 'stored' ? view.reason.message : '');
  return text;
}

const text = (...rows: readonly string[]): string => lines(...rows).toString('latin1');

describe('PGP/MIME (RFC 3156)', () => {
  it("shows the outer header with the payload's structure", async () => {
    assert.equal(
      await viewOf({ payload: ['Content-Type: text/html', 'Content-Transfer-Encoding: 7bit', '', 'hello'] }),
      text(
        UNSIGNED,
        ...TRACE,
        ...OUTER,
        'Content-Type: text/html',
        'Content-Transfer-Encoding: 7bit',
        'MIME-Version: 1.0',
        '',
        'hello',
      ),
    );
  });
  it('tells who signed', async () => {
    const payload = ['Content-Type: text/plain', '', 'hello'];
    assert.ok((await viewOf({ payload, signed: true })).startsWith(`${SIGNED}\r\n`));
    const outer = ['From: carol@example.com'];
    assert.match(
      await viewOf({ outer, payload, signed: true }),
      /^Postern-Status: encrypted; signature=signer-mismatch; signer=bob@example.com; /,
    );
  });
  it('shows a payload without a header as text', async () => {
    assert.equal(
      await viewOf({ outer: OUTER, payload: ['hello, world'] }),
      text(UNSIGNED, ...OUTER, '', 'hello, world'),
    );
    assert.equal(await viewOf({ outer: OUTER, payload: ['', 'hello'] }), text(UNSIGNED, ...OUTER, '', 'hello'));
  });
  it('shows an empty payload', async () => {
    assert.equal(await viewOf({ outer: OUTER, payload: [] }), text(UNSIGNED, ...OUTER, ''));
  });
  it('opens what others write around it', async () => {
    const armored = await armor(lines('Content-Type: text/plain', '', 'hello'), { recipients: [alice.recipient] });
    const message = pgpMime(OUTER, armored).toString();
    for (const variant of [
      message.replaceAll('\r\n', '\n'),
      message.replace('\r\n--b\r\n', '\r\nThis is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)\r\n--b\r\n'),
      message.replace('--b--\r\n', '--b--'),
      message.replace(
        'application/pgp-encrypted\r\n',
        'application/pgp-encrypted\r\nContent-Description: PGP/MIME version identification\r\n',
      ),
      message.replace('boundary="b"', 'boundary=b'),
      message.replace('protocol="application/pgp-encrypted"', 'Protocol=application/PGP-encrypted'),
      message.replace('-----BEGIN PGP MESSAGE-----\r\n', '-----BEGIN PGP MESSAGE-----\r\nVersion: x\r\nComment: y\r\n'),
      `From bob@example.com Sat Nov 21 06:27:00 2026\n${message}`,
    ]) {
      const { view, text: shown } = await open(variant);
      assert.equal(view.kind, 'opened', variant);
      assert.match(shown, /hello\r\n$/);
    }
  });
  it('keeps an mbox line on top', async () => {
    const armored = await armor(lines('Content-Type: text/plain', '', 'hello'), { recipients: [alice.recipient] });
    const { text: shown } = await open(
      `From bob@example.com Sat Nov 21 06:27:00 2026\n${pgpMime(OUTER, armored).toString()}`,
    );
    assert.ok(shown.startsWith(`From bob@example.com Sat Nov 21 06:27:00 2026\n${UNSIGNED}\r\n`));
  });
  it('opens PGP/MIME that Exchange has mangled', async () => {
    const armored = await armor(lines('Content-Type: text/plain', '', 'hello'), { recipients: [alice.recipient] });
    const base64 = (bytes: string): string =>
      (
        Buffer.from(bytes)
          .toString('base64')
          .match(/.{1,76}/g) ?? []
      ).join('\r\n');
    const message = lines(
      ...OUTER,
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary="x"',
      '',
      '--x',
      'Content-Type: text/plain; charset="us-ascii"',
      '',
      '',
      '--x',
      'Content-Type: application/pgp-encrypted; name="PGPMIME Versions Identification"',
      'Content-Transfer-Encoding: base64',
      '',
      base64('Version: 1\r\n'),
      '--x',
      'Content-Type: application/octet-stream; name="encrypted.asc"',
      'Content-Transfer-Encoding: base64',
      '',
      base64(armored),
      '--x--',
    );
    const { view, text: shown } = await open(message);
    assert.equal(view.kind, 'opened');
    assert.equal(shown, text(UNSIGNED, ...OUTER, 'Content-Type: text/plain', 'MIME-Version: 1.0', '', 'hello'));
    // With anything in the text it is a message with an attachment, and left alone.
    const beside = await open(
      message.toString().replace('charset="us-ascii"\r\n\r\n', 'charset="us-ascii"\r\n\r\nsee below'),
    );
    assert.equal(beside.view.kind, 'plain');
  });
});

describe('RFC 9788', () => {
  const protectedFields = [
    'From: Bob <bob@example.com>',
    'To: alice@example.com',
    'Subject: real',
    'Date: Sat, 21 Nov 2026 06:27:00 +0000',
  ];
  const record = ['HP-Outer: From: Bob <bob@example.com>', 'HP-Outer: Subject: [...]'];

  it('shows the protected header and what transport has added, and nothing else', async () => {
    assert.equal(
      await viewOf({
        payload: [
          'MIME-Version: 1.0',
          ...protectedFields,
          'Content-Type: text/plain; charset=utf-8; hp="cipher"',
          ...record,
          '',
          'hello',
        ],
      }),
      text(
        UNSIGNED,
        ...TRACE,
        'MIME-Version: 1.0',
        ...protectedFields,
        'Content-Type: text/plain; charset=utf-8',
        '',
        'hello',
      ),
    );
  });
  it('takes away hp wherever it stands in Content-Type', async () => {
    for (const [written, shown] of [
      ['text/plain; hp="cipher"; charset=utf-8', 'text/plain; charset=utf-8'],
      ['text/plain; hp=cipher', 'text/plain'],
      ['text/plain; charset=utf-8;\r\n hp="cipher"', 'text/plain; charset=utf-8'],
      ['text/plain; HP="cipher" ; x="; hp=y"', 'text/plain; x="; hp=y"'],
    ] as const) {
      const payload = [...protectedFields, `Content-Type: ${written}`, '', 'hello'];
      assert.match(
        await viewOf({ payload }),
        new RegExp(`\\r\\nContent-Type: ${shown.replace(/[/"]/g, '\\$&')}\\r\\n`),
        written,
      );
    }
  });
  it('shows the outer From where the protected header has none', async () => {
    const payload = ['Subject: real', 'Content-Type: text/plain; hp="cipher"', '', 'hello'];
    assert.equal(
      await viewOf({ outer: OUTER, payload }),
      text(
        UNSIGNED,
        'From: Bob <bob@example.com>',
        'Subject: real',
        'Content-Type: text/plain',
        'MIME-Version: 1.0',
        '',
        'hello',
      ),
    );
  });
  it('shows the outer From on a mismatch, and says so', async () => {
    const payload = ['Subject: pay', 'From: boss@example.com', 'Content-Type: text/plain; hp="cipher"', '', 'now'];
    assert.equal(
      await viewOf({ outer: OUTER, payload }),
      text(
        'Postern-Status: encrypted; signature=none; from-mismatch',
        'Subject: pay',
        'From: Bob <bob@example.com>',
        'Content-Type: text/plain',
        'MIME-Version: 1.0',
        '',
        'now',
      ),
    );
  });
  it('removes legacy display elements', async () => {
    const payload = [
      ...protectedFields,
      'Content-Type: text/plain; hp-legacy-display="1"; hp="cipher"',
      ...record,
      '',
      'Subject: real',
      '',
      'hello',
      '',
      'there',
    ];
    assert.equal(
      await viewOf({ outer: OUTER, payload }),
      text(UNSIGNED, ...protectedFields, 'Content-Type: text/plain', 'MIME-Version: 1.0', '', 'hello', '', 'there'),
    );
  });
  it('removes them below a multipart, from main body parts only', async () => {
    const display = 'hp-legacy-display="1"';
    const parts = (mark: string, first: readonly string[], html: string): string[] => [
      '--m',
      'Content-Type: multipart/alternative; boundary="a"',
      '',
      '--a',
      `Content-Type: text/plain${mark}`,
      '',
      ...first,
      'hello',
      '',
      'there',
      '--a',
      `Content-Type: text/html; charset=utf-8${mark}`,
      '',
      `<html><body>\r\n${html}<p>hello</p></body></html>`,
      '--a--',
      '--m',
      'Content-Type: text/plain; hp-legacy-display="1"',
      'Content-Disposition: attachment',
      '',
      'Subject: an attachment',
      '',
      'kept',
      '--m--',
    ];
    const div = '<div class="header-protection-legacy-display"><pre>Subject: real</pre><div>x</div></div>';
    const type = 'Content-Type: multipart/mixed; boundary="m"';
    assert.equal(
      await viewOf({
        outer: OUTER,
        payload: [...protectedFields, `${type}; hp="cipher"`, '', ...parts(`; ${display}`, ['Subject: real', ''], div)],
      }),
      text(UNSIGNED, ...protectedFields, type, 'MIME-Version: 1.0', '', ...parts('', [], '')),
    );
    // Without hp="cipher" there is nothing to remove.
    const clear = await viewOf({
      payload: [...protectedFields, `${type}; hp="clear"`, '', ...parts(`; ${display}`, ['Subject: real', ''], div)],
    });
    assert.match(clear, /header-protection-legacy-display/);
  });
});

describe('protected headers before RFC 9788', () => {
  it('win over the outer ones, which stay where there is none', async () => {
    assert.equal(
      await viewOf({
        payload: [
          'Subject: real',
          'From: Bob B. <bob@example.com>',
          'Content-Type: text/plain; protected-headers="v1"',
          '',
          'hello',
        ],
      }),
      text(
        UNSIGNED,
        ...TRACE,
        'To: alice@example.com',
        'Message-ID: <1@example.com>',
        'X-Outer: yes',
        'Subject: real',
        'From: Bob B. <bob@example.com>',
        'Content-Type: text/plain',
        'MIME-Version: 1.0',
        '',
        'hello',
      ),
    );
  });
  it('lose the legacy display part', async () => {
    const type = 'Content-Type: multipart/mixed; boundary="m"';
    const display = [
      '--m',
      'Content-Type: text/plain; protected-headers="v1"',
      'Content-Disposition: inline',
      '',
      'Subject: real',
      '',
    ];
    const rest = ['--m', 'Content-Type: text/plain', '', 'hello', '--m--'];
    assert.equal(
      await viewOf({
        outer: [],
        payload: ['Subject: real', `${type}; protected-headers="v1"`, '', ...display, ...rest],
      }),
      text(UNSIGNED, 'Subject: real', type, 'MIME-Version: 1.0', '', ...rest),
    );
    const another = ['--m', 'Content-Type: text/plain', '', 'more', ...rest];
    const kept = await viewOf({
      outer: [],
      payload: ['Subject: real', `${type}; protected-headers="v1"`, '', ...display, ...another],
    });
    assert.ok(kept.endsWith(text(...display, ...another)));
  });
});

describe('whole messages inside', () => {
  it('are shown (gpgmymail, jnphilipp/gpgmail)', async () => {
    const inner = [
      'From: Bob <bob@example.com>',
      'Subject: real',
      'X-Inner: yes',
      'MIME-Version: 1.0',
      'Content-Type: text/plain',
      '',
      'hello',
    ];
    assert.equal(await viewOf({ payload: inner }), text(UNSIGNED, ...TRACE, ...inner));
  });
  it('do not bring their own verdicts, nor trace fields twice', async () => {
    const inner = ['From: Bob <bob@example.com>', 'Subject: real'];
    const copies = [
      TRACE[1] ?? '',
      'Authentication-Results: mx.example; dmarc=pass',
      'authentication-results: x',
      'Received: from c.example by a.example; x',
    ];
    assert.equal(
      await viewOf({ payload: [...inner, ...copies, '', 'hello'] }),
      text(UNSIGNED, ...TRACE, ...inner, 'Received: from c.example by a.example; x', '', 'hello'),
    );
  });
});

describe('p≡p', () => {
  const wrapped = [
    'Subject: real',
    'From: Bob <bob@example.com>',
    'MIME-Version: 1.0',
    'Content-Type: text/plain',
    '',
    'hello',
  ];
  const payload = (...extra: readonly string[]): string[] => [
    'Content-Type: multipart/mixed; boundary="m"',
    'MIME-Version: 1.0',
    '',
    '--m',
    'Content-Type: text/plain; charset="utf-8"',
    '',
    'pEp-Wrapped-Message-Info: OUTER',
    '',
    '--m',
    'Content-Type: message/rfc822; forwarded="no"',
    '',
    ...wrapped,
    '--m',
    'Content-Type: application/pgp-keys; name="sender_key.asc"',
    '',
    'x',
    ...extra,
    '--m--',
  ];
  for (const marker of ['Subject: =?utf-8?Q?p=E2=89=A1p?=', 'Subject: pEp', 'X-pEp-Version: 2.1', 'Subject: p≡p']) {
    it(`shows the wrapped message (${JSON.stringify(marker)})`, async () => {
      const outer = ['From: Bob <bob@example.com>', marker];
      const shown = await viewOf({ outer, payload: payload() });
      assert.equal(shown, text(UNSIGNED, ...wrapped).slice(0, -2));
    });
  }
  it('shows all of it where there is more, or the outer header is no p≡p', async () => {
    const outer = ['From: Bob <bob@example.com>', 'Subject: pEp'];
    const more = await viewOf({ outer, payload: payload('--m', 'Content-Type: text/plain', '', 'more') });
    assert.match(more, /OUTER[^]*hello[^]*more/);
    assert.match(await viewOf({ payload: payload() }), /OUTER[^]*hello/);
    const note = payload().map((line) => line.replace('OUTER', 'other'));
    assert.match(await viewOf({ outer, payload: note }), /other[^]*hello/);
  });
  it('judges the wrapped From', async () => {
    const outer = ['From: eve@example.net', 'Subject: pEp'];
    const shown = await viewOf({ outer, payload: payload() });
    assert.match(
      shown,
      /^Postern-Status: encrypted; signature=none; from-mismatch\r\nSubject: real\r\nFrom: eve@example.net\r\n/,
    );
  });
});

describe('inline armor', () => {
  const PLAIN = 'From: not a header\r\n\r\nhello\r\n';
  it('is opened where it is the whole text', async () => {
    const armored = await armor(Buffer.from(PLAIN), { recipients: [alice.recipient], signers: [bob.key] });
    const { view, text: shown } = await open(
      `${text(...OUTER, 'Content-Type: text/plain; charset=us-ascii', '', '')}${armored}\r\n\r\n`,
    );
    assert.equal(view.kind, 'opened');
    const header = text(
      SIGNED,
      ...OUTER,
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
      '',
    );
    assert.equal(shown, header + PLAIN);
  });
  it('keeps the charset that the message tells, and its transfer encoding is undone', async () => {
    const armored = await armor(Buffer.from(PLAIN), { recipients: [alice.recipient] });
    const fields = ['Content-Type: text/plain; charset=iso-8859-1', 'Content-Transfer-Encoding: base64'];
    const { text: shown } = await open(`${text(...fields, '')}${Buffer.from(armored).toString('base64')}`);
    assert.match(
      shown,
      /Content-Type: text\/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nFrom: not a header/,
    );
  });
});

describe('left alone: nothing is decrypted', () => {
  it('what is not as a whole the encryption', async () => {
    const armored = await armor(lines('Content-Type: text/plain', '', 'hello'), { recipients: [alice.recipient] });
    const mime = pgpMime(OUTER, armored).toString();
    for (const message of [
      `From: a@example.com\r\n\r\n${armored}\r\nmore`,
      `From: a@example.com\r\n\r\nmore\r\n${armored}`,
      `From: a@example.com\r\n\r\n${armored}${armored}`,
      `From: a@example.com\r\nContent-Type: text/html\r\n\r\n${armored}`,
      mime.replace('--b--', '--b\r\nContent-Type: text/plain\r\n\r\nmore\r\n--b--'),
      mime.replace('\r\n--b\r\n', '\r\n--b\r\n\r\nmore\r\n--b\r\n'),
      mime.replace('\r\n--b\r\n', '\r\n<img src="http://eve.example/?\r\n--b\r\n'),
      `${mime}">\r\n`,
      lines(
        'Content-Type: multipart/mixed; boundary=m',
        '',
        '--m',
        mime.slice(mime.indexOf('Content-Type')),
        '--m--',
      ).toString(),
      lines('Content-Type: message/rfc822', '', mime).toString(),
    ]) {
      let asked = false;
      const { view, text: shown } = await viewText(Buffer.from(message), {
        keys: () => {
          asked = true;
          return [alice.key];
        },
      });
      assert.equal(view.kind, 'plain', message);
      assert.equal(shown, message);
      assert.equal(asked, false);
    }
  });
});

describe('nothing is believed that comes from outside', () => {
  const CLAIMS = [
    'Postern-Status: encrypted; signature=valid',
    'POSTERN-Other : x',
    'X-A: y\rPostern-Status: forged',
    'X-B: y\0Postern-Status: forged',
  ];
  it('neither outside nor inside', async () => {
    for (const payload of [
      [...CLAIMS, 'Content-Type: text/plain', '', 'hello'],
      [...CLAIMS, 'From: Bob <bob@example.com>', 'Content-Type: text/plain; hp="cipher"', '', 'hello'],
      [...CLAIMS, 'From: Bob <bob@example.com>', '', 'hello'],
    ]) {
      const shown = await viewOf({ outer: [...CLAIMS, ...OUTER], payload });
      assert.equal(shown.match(/postern-/gi)?.length, 1);
      assert.ok(shown.startsWith(UNSIGNED));
    }
  });
  it('nor in lines that are no fields, nor by a CR inside a field', async () => {
    const shown = await viewOf({
      outer: ['X: a\rFrom: boss@example.com', ...OUTER],
      payload: ['Subject: a\rFrom: boss@example.com', 'no field', 'Content-Type: text/plain', '', 'hello'],
    });
    assert.match(shown, /\r\nX: a From: boss@example.com\r\n/);
    assert.match(shown, /\r\nSubject: a From: boss@example.com\r\nContent-Type: text\/plain\r\n/);
    assert.doesNotMatch(shown, /\r(?!\n)/);
  });
  it('nor an HP-Outer outside', async () => {
    assert.doesNotMatch(
      await viewOf({ outer: ['HP-Outer: From: x', ...OUTER], payload: ['Content-Type: text/plain', '', 'x'] }),
      /HP-Outer/i,
    );
  });
  it('refuses a payload whose header is above the limits', async () => {
    const armored = await armor(Buffer.concat([Buffer.alloc(1_200_000, 'X: y\r\n'), lines('', 'x')]), {
      recipients: [alice.recipient],
    });
    const { view } = await open(pgpMime(OUTER, armored));
    assert.equal(view.kind, 'stored');
    assert.equal(view.reason.code, 'limit');
  });
});
