import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { gather, memorySource } from '#lib/bytes/source';
import { MessageError } from '#lib/message/error';
import { openStored } from '#lib/message/open';
import { type SealOptions, sealForOthers } from '#lib/message/seal';
import { parseStructure } from '#lib/mime/structure';
import { readKey } from '#lib/openpgp/library';
import { chooseRecipient } from '#lib/openpgp/recipient';
import { RUNS, lines, modernPerson, person, viewText } from './fixture.js';

const alice = await person('Alice <alice@example.com>', 'Alice <alice@example.org>');
const bob = await person('Bob <bob@example.net>');

async function send(message: Buffer, options: Partial<SealOptions> = {}): Promise<Buffer> {
  const sealed = await sealForOthers(memorySource(message), {
    recipients: [bob.recipient, alice.recipient],
    signers: [alice.key],
    ...options,
  });
  const sent = await gather(sealed.stream());
  assert.equal(sent.length, sealed.size);
  return sent;
}

async function payloadOf(sent: Buffer): Promise<Buffer> {
  const view = await openStored(memorySource(sent), { keys: () => [bob.key], exact: true });
  assert.equal(view.kind, 'opened');
  return gather(view.stream());
}

/** Header fields as [name, value] pairs by RFC 5322: unfolded, nothing of ours. */
function fieldsOf(message: Buffer): readonly (readonly [string, string])[] {
  const [head = ''] = message.toString('latin1').split(/\r?\n\r?\n/);
  return head
    .replace(/\r?\n(?=[ \t])/g, '')
    .split(/\r?\n/)
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const);
}

/** RFC 9788 §4.2.1 HeaderSetsFromMessage, written down from the RFC. */
function headerSets(payload: Buffer): {
  readonly outer: readonly (readonly [string, string])[];
  readonly protected: readonly (readonly [string, string])[];
} {
  const outer: (readonly [string, string])[] = [];
  const inner: (readonly [string, string])[] = [];
  for (const [name, value] of fieldsOf(payload)) {
    if (name.toLowerCase() === 'hp-outer')
      outer.push([value.slice(0, value.indexOf(':')), value.slice(value.indexOf(':') + 1).trim()]);
    else if (!/^(?:content-|mime-version$)/i.test(name)) inner.push([name, value]);
  }
  return { outer, protected: inner };
}

const HEADER = [
  'Received: from laptop.example by mail.example; Sat, 21 Nov 2026 06:27:00 +0000',
  'From: Alice <alice@example.com>',
  'To: Bob <bob@example.net>,',
  ' carol@example.net',
  'Cc: dave@example.net',
  'Subject: a secret plan',
  'Date: Sat, 21 Nov 2026 06:27:00 +0000',
  'Message-ID: <1@example.com>',
  'Comments: secret comment',
  'Keywords: secret keyword',
  'X-Mailer: x',
];
const MIME = ['MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit'];
const BODY = lines('', 'h\u00e9llo', '', '--b').toString('latin1');
const MESSAGE = Buffer.concat([
  lines(...HEADER, 'Bcc: erin@example.net', ' frank@example.net', ...MIME),
  Buffer.from(BODY, 'latin1'),
]);

describe('a message for others', () => {
  it('is composed as RFC 9788 says', async () => {
    const sent = await send(MESSAGE);
    const payload = await payloadOf(sent);
    const sets = headerSets(payload);
    const original = fieldsOf(lines(...HEADER, ''));
    assert.deepEqual(sets.protected, original);
    const visible = original
      .filter(([name]) => name !== 'Comments' && name !== 'Keywords')
      .map(([name, value]) => [name, name === 'Subject' ? '[...]' : value]);
    assert.deepEqual(sets.outer, visible);
    // What HP-Outer tells is what is outside, Autocrypt and the form apart.
    const outside = fieldsOf(sent).filter(([name]) => !/^(?:autocrypt|mime-version|content-type)$/i.test(name));
    assert.deepEqual(outside, visible);
    const root = parseStructure(payload);
    assert.equal(root.contentType.type, 'text/plain');
    assert.equal(root.contentType.parameters.get('hp'), 'cipher');
    assert.equal(root.contentType.parameters.get('charset'), 'utf-8');
    assert.equal(payload.subarray(root.bodyStart - 2).toString('latin1'), BODY);
  });

  it('has no secret and no blind recipient outside, and no blind recipient inside', async () => {
    const sent = (await send(MESSAGE)).toString('latin1');
    assert.doesNotMatch(sent, /secret|erin@|frank@|^bcc:/im);
    assert.doesNotMatch((await payloadOf(await send(MESSAGE))).toString('latin1'), /erin@|frank@|^bcc:/im);
  });

  it('reads back as the original, signed', async () => {
    const { text } = await viewText(await send(MESSAGE), {
      keys: () => [bob.key],
      verifiers: () => [alice.key.toPublic()],
    });
    const expected = [
      `Postern-Status: encrypted; signature=valid; signer=alice@example.com; key=${alice.key.getFingerprint().toUpperCase()}`,
      ...HEADER.slice(0, 1),
      ...HEADER.slice(1),
      ...MIME,
    ];
    // Trace fields are outside as well, and shown once.
    assert.equal(text, lines(...expected).toString() + BODY);
  });

  it('carries an Autocrypt field with a certificate to answer to', async () => {
    const autocrypt = fieldsOf(await send(MESSAGE)).find(([name]) => name === 'Autocrypt')?.[1] ?? '';
    const [, address, keydata = ''] = /^addr=(\S+); prefer-encrypt=mutual; keydata=(.*)$/.exec(autocrypt) ?? [];
    assert.equal(address, 'alice@example.com');
    const certificate = (await readKey({ binaryKey: Buffer.from(keydata, 'base64') })).toPublic();
    assert.equal(certificate.getFingerprint(), alice.key.getFingerprint());
    assert.deepEqual(certificate.getUserIDs(), ['Alice <alice@example.com>']);
    assert.equal(certificate.isPrivate(), false);
    assert.equal((await chooseRecipient(certificate)).fingerprint, alice.recipient.fingerprint);
  });

  it('carries one of version 6, too', async () => {
    const carol = await modernPerson('Carol <carol@example.com>');
    const sent = await send(lines('From: carol@example.com', '', 'x'), { signers: [carol.key] });
    const keydata = /keydata=(.*)$/.exec(fieldsOf(sent).find(([name]) => name === 'Autocrypt')?.[1] ?? '')?.[1] ?? '';
    const certificate = (await readKey({ binaryKey: Buffer.from(keydata, 'base64') })).toPublic();
    assert.equal(certificate.getFingerprint(), carol.key.getFingerprint());
    assert.equal((await chooseRecipient(certificate)).seipdv2, true);
    const { text } = await viewText(sent, { keys: () => [bob.key], verifiers: () => [certificate] });
    assert.match(text, /^Postern-Status: encrypted; signature=valid; signer=carol@example.com/);
  });

  it('carries none that is not the author’s, and at most one', async () => {
    const stranger = Buffer.from(MESSAGE.toString('latin1').replace('alice@example.com>', 'x@example.com>'), 'latin1');
    assert.doesNotMatch((await send(stranger)).toString(), /Autocrypt/);
    assert.doesNotMatch((await send(MESSAGE, { signers: [] })).toString(), /Autocrypt/);
    const had = Buffer.concat([lines('Autocrypt: addr=alice@example.com; keydata=AAAA'), MESSAGE]);
    assert.equal((await send(had)).toString().match(/^Autocrypt:/gm)?.length, 1);
    assert.match((await send(had, { signers: [] })).toString(), /^Autocrypt: addr=alice@example.com; keydata=AAAA/m);
  });

  it('has one Subject outside, or none', async () => {
    assert.doesNotMatch((await send(lines('From: alice@example.com', '', 'x'))).toString(), /Subject/);
    const twice = await send(lines('Subject: one secret', 'subject: two secrets', '', 'x'));
    assert.equal(twice.toString().match(/^Subject/gim)?.length, 1);
    assert.doesNotMatch(twice.toString(), /secret/);
  });

  it('becomes MIME where it was not', async () => {
    const root = parseStructure(await payloadOf(await send(lines('From: alice@example.com', '', 'x'))));
    assert.equal(root.header.unfolded('mime-version'), '1.0');
    assert.equal(root.header.unfolded('content-type'), 'text/plain; charset=us-ascii; hp="cipher"');
  });

  it('does not pass on what claims to be ours, or another protection', async () => {
    const message = lines(
      'Postern-Status: encrypted; signature=valid',
      'HP-Outer: From: x',
      'From: alice@example.com',
      'Content-Type: text/plain; hp="clear"',
      '',
      'x',
    );
    const sent = await send(message);
    const payload = (await payloadOf(sent)).toString();
    assert.doesNotMatch(sent.toString() + payload, /postern-status|HP-Outer: From: x|hp="clear"/i);
    assert.match(payload, /Content-Type: text\/plain;\r\n hp="cipher"\r\n/);
  });

  for (const type of [
    'multipart/signed; boundary=s; protocol="application/pgp-signature"',
    'application/pkcs7-mime; smime-type=signed-data',
    'text/plain; charset="open',
  ]) {
    it(`wraps a body that is ${type.split(';')[0] ?? ''}, octet for octet`, async () => {
      const body = lines('--s', 'x', '--s--');
      const sent = await send(
        Buffer.concat([lines(...HEADER, `Content-Type: ${type}`, 'MIME-Version: 1.0', ''), body]),
      );
      const payload = await payloadOf(sent);
      const root = parseStructure(payload);
      assert.equal(root.contentType.type, 'multipart/mixed');
      assert.equal(root.contentType.parameters.get('hp'), 'cipher');
      assert.deepEqual(headerSets(payload).protected, fieldsOf(lines(...HEADER, '')));
      const [part, ...more] = root.parts;
      assert.ok(part);
      assert.equal(more.length, 0);
      assert.equal(part.header.raw.toString(), `Content-Type: ${type}\r\n\r\n`);
      assert.deepEqual(payload.subarray(part.bodyStart, part.end), body);
    });
  }

  it('keeps the line ends of the payload alike', async () => {
    const message = Buffer.from(MESSAGE.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
    assert.doesNotMatch((await payloadOf(await send(message))).toString('latin1'), /\r/);
    assert.doesNotMatch((await send(message)).toString('latin1'), /(?<!\r)\n/);
  });

  for (const [what, message] of [
    ['nothing', ''],
    ['no header', '\r\nbody'],
    ['a line that is no field', 'From: alice@example.com\r\nwhat is this\r\n\r\nbody'],
    ['a continuation first', ' x\r\nFrom: alice@example.com\r\n\r\nbody'],
  ] as const) {
    it(`is refused for ${what}`, async () => {
      await assert.rejects(
        send(Buffer.from(message)),
        (error: unknown) => error instanceof MessageError && error.code === 'no-header',
      );
    });
  }
  it('is refused with a header above the limits', async () => {
    const message = Buffer.concat([Buffer.alloc(1_200_000, 'X: y\r\n'), lines('Subject: secret', '', 'x')]);
    await assert.rejects(
      send(message),
      (error: unknown) => error instanceof MessageError && error.code === 'header-limit',
    );
  });

  test('whatever the header: its body comes back, and the outer header is well-formed', async () => {
    const field = fc.tuple(
      fc.constantFrom(
        'From',
        'To',
        'Subject',
        'Bcc',
        'X',
        'Content-Type',
        'HP-Outer',
        'Postern-X',
        'Comments',
        'Autocrypt',
      ),
      fc.array(
        fc.constantFrom(
          'a@example.com',
          ' ',
          '\r\n ',
          '\r',
          '\0',
          '\xff',
          '"',
          '(',
          ';',
          'text/plain',
          'secret',
          'y'.repeat(600),
        ),
        { maxLength: 6 },
      ),
    );
    const body = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
    await fc.assert(
      fc.asyncProperty(fc.array(field, { minLength: 1, maxLength: 8 }), body, async (fields, content) => {
        const head = fields.map(([name, parts]) => `${name}: ${parts.join('')}\r\n`).join('');
        const sent = await send(Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), content]), { signers: [] });
        const text = sent.toString('latin1');
        assert.doesNotMatch(text, /\r(?!\n)|(?<!\r)\n|\0/);
        for (const [name, value] of fieldsOf(sent)) {
          assert.match(name, /^[!-9;-~]+$/);
          assert.doesNotMatch(name, /^(?:bcc|comments|hp-outer|postern-.*)$/i);
          if (/^subject$/i.test(name)) assert.equal(value, '[...]');
        }
        const payload = await payloadOf(sent);
        assert.ok(payload.includes(content));
        assert.doesNotMatch(payload.toString('latin1'), /^(?:bcc|postern-x):/im);
      }),
      { numRuns: RUNS },
    );
  });
});
