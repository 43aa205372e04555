import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { judgeSender } from '#lib/message/sender';
import { statusText } from '#lib/message/status';
import { Header } from '#lib/mime/header';
import type { PublicKey } from '#lib/openpgp/library';
import type { SignatureVerdict } from '#lib/openpgp/verification';
import { type Person, person } from './fixture.js';

let boss: Person;
let eve: Person;
let both: Person;

before(async () => {
  boss = await person('Boss <boss@example.com>');
  eve = await person('Eve <eve@example.net>');
  both = await person('Boss <boss@example.com>', 'Boss at home <boss@example.org>');
});

function header(fields: readonly string[]): Header {
  return Header.parse(Buffer.from(fields.map((field) => `${field}\r\n`).join(''), 'latin1'));
}

const verdict = (status: SignatureVerdict['status'], certificate?: PublicKey): SignatureVerdict => ({
  status,
  keyID: '0123456789ABCDEF',
  ...(certificate === undefined ? {} : { certificate, fingerprint: certificate.getFingerprint().toUpperCase() }),
});
const by = (who: Person): SignatureVerdict => verdict('valid', who.key.toPublic());
const fingerprint = (who: Person): string => who.key.getFingerprint().toUpperCase();

async function judge(
  outer: readonly string[],
  inner: readonly string[] | undefined,
  verdicts: readonly SignatureVerdict[] = [],
): Promise<{ readonly from: readonly string[]; readonly sender: readonly string[]; readonly status: string }> {
  const { from, sender, status } = await judgeSender(header(outer), inner && header(inner), verdicts);
  const bodies = (fields: typeof from): string[] => fields.map(({ body }) => body.toString('latin1').trim());
  return { from: bodies(from), sender: bodies(sender), status: statusText(status) };
}

type User = PublicKey['users'][number];

/** A method that openpgp has and does not publish the type of. */
function revocable(user: User): { readonly revoke: (primaryKey: unknown) => Promise<User> } {
  return user as unknown as { revoke: (primaryKey: unknown) => Promise<User> };
}

describe('a signature counts', () => {
  it('for its signer in From', async () => {
    for (const inner of [undefined, [], ['From: The Boss <BOSS@example.com>']]) {
      const { status } = await judge(['From: boss@example.com'], inner, [by(boss)]);
      assert.equal(status, `encrypted; signature=valid; signer=boss@example.com; key=${fingerprint(boss)}`);
    }
  });
  it('for any user ID of the certificate', async () => {
    const { status } = await judge(['From: boss@example.org'], undefined, [by(both)]);
    assert.match(status, /signature=valid; signer=boss@example.org/);
  });
  it('beside others', async () => {
    const { status } = await judge(['From: boss@example.com'], undefined, [verdict('unknown-key'), by(eve), by(boss)]);
    assert.match(status, /signature=valid; signer=boss@example.com/);
  });
  it('not for somebody else', async () => {
    const { status } = await judge(['From: boss@example.com'], undefined, [by(eve)]);
    assert.equal(status, `encrypted; signature=signer-mismatch; signer=eve@example.net; key=${fingerprint(eve)}`);
  });
  for (const [what, from] of [
    ['two From fields', ['From: boss@example.com', 'From: boss@example.com']],
    ['two mailboxes', ['From: boss@example.com, eve@example.net']],
    ['a group', ['From: x: boss@example.com;']],
    ['an empty From', ['From: ']],
    ['no From', ['To: boss@example.com']],
    ['an address in the display name', ['From: "boss@example.com" <stranger@example.net>']],
    ['an encoded address', ['From: =?utf-8?q?boss=40example.com?= <stranger@example.net>']],
    ['an address in a comment', ['From: stranger@example.net (boss@example.com)']],
    ['a Sender', ['From: stranger@example.net', 'Sender: boss@example.com']],
    ['a bare CR', ['From: boss@example.com\rFrom: eve@example.net']],
  ] as const) {
    it(`not with ${what}`, async () => {
      for (const inner of [undefined, from]) {
        const { status } = await judge(from, inner, [by(boss)]);
        assert.match(status, /signature=signer-mismatch; signer=boss@example.com/);
      }
    });
  }
  it('not by a user ID that is revoked, or that nobody has signed', async () => {
    for (const spoil of ['revoked', 'unsigned']) {
      const certificate = both.key.toPublic();
      const [user] = certificate.users;
      assert.ok(user);
      if (spoil === 'unsigned') user.selfCertifications.length = 0;
      else certificate.users[0] = await revocable(user).revoke(both.key.keyPacket);
      const { status } = await judge(['From: boss@example.com'], undefined, [verdict('valid', certificate)]);
      assert.match(status, /signature=signer-mismatch; signer=boss@example.org/, spoil);
    }
  });
  it('is told as none, unknown or invalid', async () => {
    const outer = ['From: boss@example.com'];
    assert.equal((await judge(outer, undefined)).status, 'encrypted; signature=none');
    assert.equal(
      (await judge(outer, undefined, [verdict('unknown-key')])).status,
      'encrypted; signature=unknown-key; key=0123456789ABCDEF',
    );
    assert.match(
      (await judge(outer, undefined, [verdict('unknown-key'), verdict('invalid', boss.key.toPublic())])).status,
      /signature=invalid; key=/,
    );
  });
});

describe('an inner From', () => {
  const outer = ['From: Stranger <stranger@example.net>'];

  it('that is the outer one is shown as it stands inside', async () => {
    const { from, status } = await judge(['From: boss@example.com'], ['From: The Boss <boss@Example.com>']);
    assert.deepEqual(from, ['The Boss <boss@Example.com>']);
    assert.equal(status, 'encrypted; signature=none');
  });
  it('that differs counts with its own signature', async () => {
    const { from, status } = await judge(outer, ['From: boss@example.com'], [by(boss)]);
    assert.deepEqual(from, ['boss@example.com']);
    assert.equal(status, `encrypted; signature=valid; signer=boss@example.com; key=${fingerprint(boss)}`);
  });
  for (const [what, verdicts] of [
    ['no signature', () => []],
    ['a signature of somebody else', () => [by(eve)]],
    ['an invalid signature of its own', () => [verdict('invalid', boss.key.toPublic())]],
    ['an unknown signature', () => [verdict('unknown-key')]],
  ] as const) {
    it(`that differs gives way to the outer one with ${what}`, async () => {
      const { from, status } = await judge(outer, ['From: boss@example.com'], verdicts());
      assert.deepEqual(from, ['Stranger <stranger@example.net>']);
      assert.match(status, /; from-mismatch$/);
      assert.doesNotMatch(status, /signature=valid/);
    });
  }
  it('that differs gives way with a signature of the outer address: it covers another author', async () => {
    const { from, status } = await judge(['From: eve@example.net'], ['From: boss@example.com'], [by(eve)]);
    assert.deepEqual(from, ['eve@example.net']);
    assert.match(status, /signature=signer-mismatch; .*from-mismatch$/);
  });
  for (const inner of [
    ['From: boss@example.com', 'From: stranger@example.net'],
    ['From: stranger@example.net', 'From: boss@example.com'],
    ['From: boss@example.com, stranger@example.net'],
    ['From: boss@example.com,'],
    ['From:'],
    ['From: boss@example.com\rX: y'],
  ]) {
    it(`gives way where it is ${JSON.stringify(inner)}, signed or not`, async () => {
      for (const verdicts of [[], [by(boss)]]) {
        const { from, status } = await judge(outer, inner, verdicts);
        assert.deepEqual(from, ['Stranger <stranger@example.net>']);
        assert.match(status, /; from-mismatch$/);
      }
    });
  }
  it('is not shown where the outer header has none', async () => {
    const { from, status } = await judge(['To: x@example.com'], ['From: boss@example.com']);
    assert.deepEqual(from, []);
    assert.match(status, /; from-mismatch$/);
  });
  it('of several authors is no mismatch where the outer one says the same', async () => {
    const several = ['From: a@example.com,\r\n b@example.com'];
    const { from, status } = await judge(['From: a@example.com, b@example.com'], several);
    assert.deepEqual(from, ['a@example.com,\r\n b@example.com']);
    assert.equal(status, 'encrypted; signature=none');
  });
});

describe('an inner Sender', () => {
  it('counts where it is the outer one, or a signature is valid', async () => {
    const same = await judge(
      ['From: a@x.example', 'Sender: s@x.example'],
      ['From: a@x.example', 'Sender: S <s@x.example>'],
    );
    assert.deepEqual(same.sender, ['S <s@x.example>']);
    const signed = await judge(
      ['From: boss@example.com'],
      ['From: boss@example.com', 'Sender: s@x.example'],
      [by(boss)],
    );
    assert.deepEqual(signed.sender, ['s@x.example']);
  });
  it('gives way else', async () => {
    const inner = ['From: a@x.example', 'Sender: boss@example.com'];
    assert.deepEqual((await judge(['From: a@x.example', 'Sender: s@x.example'], inner)).sender, ['s@x.example']);
    assert.deepEqual((await judge(['From: a@x.example'], inner)).sender, []);
    assert.deepEqual((await judge(['From: a@x.example'], inner, [by(boss)])).sender, []);
  });
});

describe('the status', () => {
  it('has no signer that would need quoting', () => {
    for (const signer of ['"a;b"@example.com', 'a b@example.com', 'm\u00fcller@example.com', 'a\r\n@example.com']) {
      assert.equal(
        statusText({ signature: 'valid', signer, key: 'F', fromMismatch: false }),
        'encrypted; signature=valid; key=F',
      );
    }
  });
});
