import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gather, memorySource, slices } from '#lib/bytes/source';
import { type KeyName, recipientsOf } from '#lib/message/addressed';
import { openStored } from '#lib/message/open';
import { type SealAtRestOptions, sealAtRest, sealForOthers } from '#lib/message/seal';
import { ArmorDecoder, ArmorEncoder } from '#lib/openpgp/armor';
import { packetHeader } from '#lib/openpgp/packet';
import { armor, lines, person, pgpMime } from './fixture.js';

const alice = await person('Alice <alice@example.com>');
const carol = await person('Carol <carol@example.com>');
const audit = await person('Audit <audit@example.com>');

const OUTER = ['From: eve@example.net', 'To: alice@example.com', 'Subject: ...'];
const PAYLOAD = lines('Content-Type: text/plain', '', 'hello');
const toAlice = await armor(PAYLOAD, { recipients: [alice.recipient] });
const toCarol = await armor(PAYLOAD, { recipients: [carol.recipient] });
const toAudit = await armor(PAYLOAD, { recipients: [audit.recipient] });

async function isKept(message: Buffer | string, options: Partial<SealAtRestOptions> = {}): Promise<boolean> {
  const bytes = Buffer.isBuffer(message) ? message : Buffer.from(message, 'latin1');
  const sealed = await sealAtRest(memorySource(bytes), {
    recipients: [alice.recipient],
    audit: [audit.recipient],
    ...options,
  });
  const stored = await gather(sealed.stream());
  assert.equal(stored.length, sealed.size);
  // Kept is as it came; everything else is encrypted and opens to what it was.
  if (sealed.kept) assert.deepEqual(stored, bytes);
  else {
    const view = await openStored(memorySource(stored), { keys: () => [alice.key], exact: true });
    assert.equal(view.kind, 'opened');
    assert.deepEqual(await gather(view.stream()), bytes);
  }
  return sealed.kept;
}

function binary(armored: string): Buffer {
  return new ArmorDecoder().push(Buffer.from(armored));
}

function armored(...packets: readonly Buffer[]): string {
  const encoder = new ArmorEncoder(false);
  return Buffer.concat([encoder.push(Buffer.concat(packets)), encoder.end()]).toString();
}

/** A PKESK of version 3 for a key ID, and of version 6 for a fingerprint; what they hold opens nothing. */
const pkesk3 = (keyID: string): Buffer => {
  const body = Buffer.concat([Buffer.of(3), Buffer.from(keyID, 'hex'), Buffer.of(1, 0, 8, 255)]);
  return Buffer.concat([packetHeader(1, body.length), body]);
};
const pkesk6 = (fingerprint: string, version = 4): Buffer => {
  const name = Buffer.from(fingerprint, 'hex');
  const body = Buffer.concat([Buffer.of(6, name.length + 1, version), name, Buffer.of(25), Buffer.alloc(40)]);
  return Buffer.concat([packetHeader(1, body.length), body]);
};
const skesk = Buffer.concat([packetHeader(3, 4), Buffer.of(4, 9, 0, 8)]);
const seipd = (version: number, size = 40): Buffer =>
  Buffer.concat([packetHeader(18, size), Buffer.of(version), Buffer.alloc(size - 1)]);
const literal = Buffer.concat([packetHeader(11, 9), Buffer.from('b\0\0\0\0\0xyz')]);
const us = alice.recipient.keyID;

describe('a message that is encrypted to its owner already', () => {
  it('is kept whichever of the owner’s keys it is encrypted to', async () => {
    const owned = [alice, carol].map(({ recipient }) => recipient.certificate);
    assert.equal(await isKept(pgpMime(OUTER, toCarol), { owned }), true);
    assert.equal(await isKept(pgpMime(OUTER, toAudit), { owned }), false);
    assert.equal(await isKept(pgpMime(OUTER, toCarol)), false);
  });

  it('is kept', async () => {
    assert.equal(await isKept(pgpMime(OUTER, toAlice)), true);
    assert.equal(
      await isKept(pgpMime(OUTER, await armor(PAYLOAD, { recipients: [alice.recipient], compatible: true }))),
      true,
    );
    assert.equal(
      await isKept(pgpMime(OUTER, await armor(PAYLOAD, { recipients: [alice.recipient], compatible: false }))),
      true,
    );
    assert.equal(
      await isKept(pgpMime(OUTER, await armor(PAYLOAD, { recipients: [carol.recipient, alice.recipient] }))),
      true,
    );
  });
  it('is kept as inline armor', async () => {
    assert.equal(await isKept(Buffer.concat([lines(...OUTER, '', ''), Buffer.from(toAlice)])), true);
    assert.equal(
      await isKept(
        Buffer.concat([lines(...OUTER, 'Content-Type: text/plain; charset=utf-8', ''), Buffer.from(toAlice)]),
      ),
      true,
    );
  });
  it('is kept with an mbox line, with LF and with the preamble of other mail programs', async () => {
    const message = pgpMime(OUTER, toAlice).toString();
    assert.equal(await isKept(`From eve@example.net Sat Nov 21 06:27:00 2026\n${message}`), true);
    assert.equal(await isKept(message.replaceAll('\r\n', '\n')), true);
    const preamble = 'This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)';
    assert.equal(await isKept(message.replace('\r\n--b\r\n', `\r\n${preamble}\r\n--b\r\n`)), true);
  });
  it('is encrypted again where double is "always"', async () => {
    assert.equal(await isKept(pgpMime(OUTER, toAlice), { double: 'always' }), false);
  });
  it('is not believed for the fields of ours in it', async () => {
    const message = pgpMime(
      ['Postern-Status: encrypted; signature=valid', 'Postern-Origin: v=1; mac=x', ...OUTER],
      toAlice,
    );
    assert.equal(await isKept(message), true);
    const view = await openStored(memorySource(message), { keys: () => [alice.key], originKey: Buffer.alloc(32) });
    assert.equal(view.kind, 'opened');
    const text = (await gather(view.stream())).toString();
    assert.match(text, /^Postern-Status: encrypted; signature=none\r\n/);
    assert.equal(text.match(/postern-/gi)?.length, 1);
  });
  it('is kept for others, without Bcc', async () => {
    const message = pgpMime([...OUTER, 'Bcc: x@example.com', ' y@example.com', 'bcc: z@example.com'], toAlice);
    const sealed = await sealForOthers(memorySource(message), { recipients: [alice.recipient] });
    assert.equal(sealed.kept, true);
    const stored = await gather(sealed.stream());
    assert.equal(stored.length, sealed.size);
    assert.deepEqual(stored, pgpMime(OUTER, toAlice));
  });
});

const mime = pgpMime(OUTER, toAlice).toString();

/** What a sender could send to have a message stored readable, or unreadable for its owner. */
const TRICKS: Readonly<Record<string, string>> = {
  'plain text': 'From: a@example.com\r\n\r\nhello',
  'encrypted to somebody else': pgpMime(OUTER, toCarol).toString(),
  'encrypted to the audit key alone': pgpMime(OUTER, toAudit).toString(),
  'text after the armor in its part': mime.replace('\r\n\r\n--b--', '\r\nreadable\r\n--b--'),
  'text before the armor in its part': mime.replace('-----BEGIN', 'readable\r\n-----BEGIN'),
  'text in the preamble': mime.replace('\r\n--b\r\n', '\r\nreadable\r\n--b\r\n'),
  'a preamble that begins like a known one': mime.replace(
    '\r\n--b\r\n',
    '\r\nThis is a message in MIME format. readable\r\n--b\r\n',
  ),
  'text in the epilogue': `${mime}readable\r\n`,
  'a third part': mime.replace('--b--', '--b\r\n\r\nreadable\r\n--b--'),
  'a part in front': mime.replace('\r\n--b\r\n', '\r\n--b\r\n\r\nreadable\r\n--b\r\n'),
  'one part': mime.replace('--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n', ''),
  'more in the first part': mime.replace('\r\nVersion: 1', '\r\nVersion: 1\r\nreadable'),
  'another version': mime.replace('\r\nVersion: 1', '\r\nVersion: 2'),
  'no closing delimiter': mime.replace('--b--\r\n', ''),
  'another protocol': mime.replace('protocol="application/pgp-encrypted"', 'protocol="application/x"'),
  'no protocol': mime.replace('protocol="application/pgp-encrypted"; ', ''),
  'another type': mime.replace('multipart/encrypted', 'multipart/mixed'),
  'two Content-Type fields': mime.replace('MIME-Version', 'Content-Type: text/plain\r\nMIME-Version'),
  'a second part of another type': mime.replace('application/octet-stream', 'text/plain'),
  'a second part in base64': mime.replace(
    /octet-stream\r\n\r\n([^]*?)\r\n--b--/,
    (_, block: string) =>
      `octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(block).toString('base64')}\r\n--b--`,
  ),
  'below another multipart': lines(
    'From: a@example.com',
    'Content-Type: multipart/mixed; boundary=m',
    '',
    '--m',
    mime.slice(mime.indexOf('Content-Type')),
    '--m--',
  ).toString(),
  'damaged armor': mime.replace('-----BEGIN PGP MESSAGE-----\r\n\r\n', '-----BEGIN PGP MESSAGE-----\r\n\r\n!!!!\r\n'),
  'another kind of armor': mime.replaceAll('PGP MESSAGE', 'PGP SIGNATURE'),
  'two armored blocks': mime.replace('\r\n--b--', `\r\n${toAlice}\r\n--b--`),
  'inline armor and text': `From: a@example.com\r\n\r\n${toAlice}\r\nreadable`,
  'text and inline armor': `From: a@example.com\r\n\r\nreadable\r\n${toAlice}`,
  'inline armor as HTML': `From: a@example.com\r\nContent-Type: text/html\r\n\r\n${toAlice}`,
  'inline armor in quoted-printable': `From: a@example.com\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${toAlice}`,
  'cut off': mime.slice(0, mime.indexOf('-----END')),
  'an encrypted message after the encrypted message': pgpMime(
    OUTER,
    armored(binary(toAlice), binary(toAlice)),
  ).toString(),
};

const PACKETS: Readonly<Record<string, readonly Buffer[]>> = {
  'a literal packet': [literal],
  'session key and literal packet': [pkesk3(us), literal],
  'a literal packet after the encrypted data': [pkesk3(us), seipd(1), literal],
  'a literal packet before': [literal, pkesk3(us), seipd(1)],
  'two encrypted data packets': [pkesk3(us), seipd(1), seipd(1)],
  'no session key': [seipd(1)],
  'a password only': [skesk, seipd(1)],
  'a password before the session key': [skesk, pkesk3(us), seipd(1)],
  'an anonymous recipient': [pkesk3('0'.repeat(16)), seipd(1)],
  'an anonymous recipient of version 6': [
    Buffer.concat([packetHeader(1, 43), Buffer.of(6, 0, 25), Buffer.alloc(40)]),
    seipd(1),
  ],
  'encrypted data of version 3': [pkesk3(us), seipd(3)],
  'the old encrypted data packet': [pkesk3(us), Buffer.concat([packetHeader(9, 40), Buffer.alloc(40)])],
  'a marker packet': [Buffer.concat([packetHeader(10, 3), Buffer.from('PGP')]), pkesk3(us), seipd(1)],
  'a session key cut short': [Buffer.concat([packetHeader(1, 5), Buffer.of(3, 1, 2, 3, 4)]), seipd(1)],
  'a packet that ends early': [pkesk3(us), seipd(1).subarray(0, 20)],
  'an empty encrypted data packet': [pkesk3(us), packetHeader(18, 0)],
  'a fingerprint that is ours in the end only': [pkesk6(`${'0'.repeat(24)}${us}`), seipd(2)],
  nothing: [],
};

describe('whom a message names', () => {
  const names = (...packets: readonly Buffer[]): Promise<readonly KeyName[]> =>
    recipientsOf(slices(Buffer.concat(packets)));
  it('is read from either version, hidden recipients included', async () => {
    assert.deepEqual(await names(pkesk3(us), pkesk6(alice.recipient.fingerprint), pkesk3('0'.repeat(16)), seipd(1)), [
      { keyID: us },
      { keyID: us, fingerprint: alice.recipient.fingerprint },
      { keyID: '0'.repeat(16) },
    ]);
    assert.deepEqual(await recipientsOf(slices(Buffer.from(toAlice))), [{ keyID: us }]);
  });
  it('is nobody where there is no encrypted message', async () => {
    for (const packets of [[], [literal], [pkesk3(us)], [pkesk3(us), literal], [Buffer.from('hello')]]) {
      assert.deepEqual(await names(...packets), []);
    }
  });
});

describe('what is encrypted again', () => {
  for (const [what, message] of Object.entries(TRICKS)) {
    it(what, async () => {
      assert.equal(await isKept(message), false);
    });
  }
  for (const [what, packets] of Object.entries(PACKETS)) {
    it(`armor with ${what}`, async () => {
      assert.equal(await isKept(pgpMime(OUTER, armored(...packets))), false);
    });
  }
});

describe('packets that are in their place', () => {
  for (const [what, packets] of Object.entries({
    'version 3': [pkesk3(us), seipd(1)],
    'version 6': [pkesk6(alice.recipient.fingerprint), seipd(2)],
    'others besides': [pkesk3('0'.repeat(16)), pkesk3('1'.repeat(16)), pkesk3(us), skesk, seipd(1)],
    'the primary key': [pkesk3(alice.key.getKeyID().toHex()), seipd(1)],
  })) {
    it(what, async () => {
      assert.equal(await isKept(pgpMime(OUTER, armored(...packets))), true);
    });
  }
});
