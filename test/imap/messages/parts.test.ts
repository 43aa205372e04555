/** The small parts that FETCH is made of. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Header } from '#lib/mime/header';
import { locate } from '#imap/commands/fetchset';
import { sortByHeader, structureIsMangled, textIsArmored } from '#imap/messages/discovery';
import { expand, isContent, setsSeen } from '#imap/messages/items';
import { setsOf } from '#imap/messages/located';
import { type Shown, decodeShown, encodeShown } from '#imap/messages/shown';
import { Numbering } from '#imap/numbering';
import { Context } from '#imap/pipe/context';
import { Outlet } from '#imap/pipe/outlet';
import { ProviderViolation } from '#imap/pipe/violation';
import { readFetchData } from '#imap/wire/fetchdata';
import { FetchReader } from '#imap/wire/fetchreader';
import { Framer } from '#imap/wire/framer';
import { requestKey } from '#imap/wire/itemname';
import { scripted } from '#test/lib/net/memory';
import { fakeAccount } from '../pipe/account.js';
import { item } from '../view/fetch.js';

const FINGERPRINT = Buffer.alloc(32, 1);

describe('what is remembered of a message', () => {
  const shown: Shown = {
    kind: 'shown',
    storedSize: 12_345,
    fingerprint: FINGERPRINT,
    headerDigest: Buffer.alloc(32, 2),
    tail: Buffer.from('the end'),
    sessionKey: { algorithm: 9, key: Buffer.alloc(32, 3) },
    record: Buffer.from('a record'),
  };

  it('comes back as it was', () => {
    const locked = { ...shown, sessionKey: undefined, headerDigest: Buffer.alloc(0), tail: Buffer.alloc(0) };
    for (const one of [shown, locked]) assert.deepEqual(decodeShown(encodeShown(one), FINGERPRINT), one);
  });

  it('holds any size that a provider tells', () => {
    for (const storedSize of [0, 2 ** 48 - 1, 2 ** 48, Number.MAX_SAFE_INTEGER]) {
      const back = decodeShown(encodeShown({ ...shown, storedSize }), FINGERPRINT);
      assert.equal(back?.storedSize, Math.min(storedSize, 2 ** 48 - 1));
    }
  });

  it('is nothing where it is something else, and never throws', () => {
    const good = encodeShown(shown);
    assert.equal(decodeShown(Buffer.alloc(0), FINGERPRINT), undefined);
    assert.equal(decodeShown(Buffer.concat([Buffer.of(1), good.subarray(1)]), FINGERPRINT), undefined);
    for (let end = 0; end < good.length - shown.record.length; end++) {
      assert.equal(decodeShown(good.subarray(0, end), FINGERPRINT), undefined, String(end));
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        decodeShown(Buffer.from(octets), FINGERPRINT);
      }),
    );
  });
});

describe('discovery', () => {
  const sort = (...fields: readonly string[]): string =>
    sortByHeader(Header.parse(Buffer.from(fields.map((field) => `${field}\r\n`).join(''))));

  it('sorts messages by their header', () => {
    assert.equal(sort(), 'text');
    assert.equal(sort('Content-Type: text/plain; charset=utf-8'), 'text');
    assert.equal(sort('Content-Type: text/html'), 'plain');
    assert.equal(sort('content-type: MULTIPART/Encrypted; protocol="application/pgp-encrypted"'), 'open');
    assert.equal(sort('Content-Type: multipart/mixed; boundary=x'), 'structure');
    assert.equal(sort('Content-Type: multipart/encrypted', 'Content-Type: text/plain'), 'plain');
    assert.equal(sort('Content-Type: text/html', 'postern-status: good'), 'open');
    assert.equal(sort('Content-Type: text/html', 'Postern-Origin: v=1'), 'open');
    assert.equal(sort('Content-Type: \x00'), 'plain');
  });

  it('knows armor by its beginning, its encoding undone', async () => {
    const armor = '-----BEGIN PGP MESSAGE-----\r\n\r\nwcBM';
    const is = (text: string, encoding = '7bit'): boolean | Promise<boolean> =>
      textIsArmored(encoding, Buffer.from(text));
    assert.equal(await is(armor), true);
    assert.equal(await is(`\r\n\r\n${armor}`), true);
    assert.equal(await is(Buffer.from(armor).toString('base64'), 'base64'), true);
    assert.equal(await is(armor.replaceAll('-', '=2D'), 'quoted-printable'), true);
    assert.equal(await is(`Hello\r\n${armor}`), false);
    assert.equal(await is(''), false);
  });

  it('knows the form that Exchange leaves by its structure', () => {
    const structure = (text: string): boolean => {
      const framer = new Framer('provider');
      framer.push(Buffer.from(`* 1 FETCH (BODYSTRUCTURE ${text})\r\n`));
      const reader = new FetchReader();
      const fragment = framer.next();
      assert.ok(fragment !== undefined && fragment.kind !== 'overlong');
      const [raw] = reader.push(fragment)?.items ?? [];
      assert.ok(raw);
      const data = readFetchData(raw);
      assert.ok(data.kind === 'structure');
      return structureIsMangled(data.body);
    };
    const part = (type: string): string => {
      const [main, sub] = type.split('/');
      return main === 'text' ? `("text" "${sub}" NIL NIL NIL "7bit" 1 1)` : `("${main}" "${sub}" NIL NIL NIL "7bit" 1)`;
    };
    const mixed = (...types: readonly string[]): string => `(${types.map(part).join('')} "mixed")`;
    const [empty, version, data] = ['text/plain', 'APPLICATION/Pgp-Encrypted', 'application/octet-stream'];
    assert.equal(structure(mixed(empty, version, data)), true);
    assert.equal(structure(mixed(version, data)), false);
    assert.equal(structure(mixed(version, empty, data)), false);
    assert.equal(structure(mixed(empty, version, data, data)), false);
    assert.equal(structure(part(empty)), false);
  });
});

describe('sets of messages', () => {
  it('are split where a line would be too long, and lose nothing', () => {
    const messages = Array.from({ length: 5_000 }, (_, at) => ({ number: 2 * at + 1, uid: 4_000_000_000 + 2 * at }));
    for (const byUID of [true, false]) {
      const sets = setsOf(messages, byUID);
      assert.ok(sets.length > 1);
      for (const set of sets) assert.ok(set.length <= 7_000, String(set.length));
      assert.deepEqual(
        sets.flatMap((set) => set.split(',').map(Number)),
        messages.map(({ uid, number }) => (byUID ? uid : number)),
      );
    }
    assert.deepEqual(setsOf([], true), []);
    assert.deepEqual(
      setsOf(
        [1, 2, 3, 5].map((number) => ({ number, uid: number })),
        false,
      ),
      ['1:3,5'],
    );
  });

  it('are located by what is known, and only where that settles them', () => {
    const numbering = new Numbering();
    assert.equal(locate([{ first: 1 }], false, numbering), undefined);
    numbering.exists(4);
    for (const [number, uid] of [
      [1, 10],
      [2, 20],
      [4, 40],
    ] as const) {
      numbering.learn(number, uid);
    }
    const uids = (found: ReturnType<typeof locate>): readonly number[] | undefined => found?.map(({ uid }) => uid);
    assert.deepEqual(uids(locate([{ first: 2, last: 1 }, { first: '*' }], false, numbering)), [10, 20, 40]);
    assert.equal(locate([{ first: 3 }], false, numbering), undefined);
    assert.equal(locate([{ first: 4, last: 5 }], false, numbering), undefined);
    assert.equal(locate('$', false, numbering), undefined);
    // The third may have any UID between.
    assert.equal(locate([{ first: 10 }], true, numbering), undefined);
    numbering.learn(3, 30);
    assert.deepEqual(uids(locate([{ first: 35, last: 15 }], true, numbering)), [20, 30]);
    assert.deepEqual(uids(locate([{ first: '*' }], true, numbering)), [40]);
    // RFC 9051 §9: 99:* is *:99.
    assert.deepEqual(uids(locate([{ first: 99, last: '*' }], true, numbering)), [40]);
    assert.deepEqual(uids(locate([{ first: 50, last: 60 }], true, numbering)), []);
  });
});

describe('items of FETCH', () => {
  it('are those that a macro stands for', () => {
    assert.deepEqual(expand([item('FLAGS')]), [item('FLAGS')]);
    for (const [name, expanded] of [
      ['FAST', 'FLAGS INTERNALDATE RFC822.SIZE'],
      ['ALL', 'FLAGS INTERNALDATE RFC822.SIZE ENVELOPE'],
      ['FULL', 'FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY'],
    ] as const) {
      assert.equal(
        expand([{ kind: 'macro', name }])
          .map(requestKey)
          .join(' '),
        expanded,
      );
    }
  });

  it('tell of the content, or do not', () => {
    for (const name of ['UID', 'FLAGS', 'INTERNALDATE', 'MODSEQ', 'SAVEDATE', 'EMAILID', 'THREADID', 'X-GM-MSGID']) {
      assert.equal(isContent(item(name)), false, name);
    }
    for (const name of ['RFC822.SIZE', 'ENVELOPE', 'BODY', 'BODYSTRUCTURE', 'RFC822', 'BODY.PEEK[]', 'PREVIEW']) {
      assert.equal(isContent(item(name)), true, name);
    }
    for (const name of ['BINARY.SIZE[1]', 'BINARY[1]', 'RFC822.HEADER'])
      assert.equal(isContent(item(name)), true, name);
  });

  it('set \\Seen where a server does that', () => {
    for (const name of ['BODY[]', 'BODY[1.MIME]', 'BINARY[1]', 'RFC822', 'RFC822.TEXT', 'BODY[HEADER]']) {
      assert.equal(setsSeen(item(name)), true, name);
    }
    for (const name of ['BODY.PEEK[]', 'BINARY.PEEK[1]', 'RFC822.HEADER', 'BODY', 'BINARY.SIZE[1]', 'PREVIEW']) {
      assert.equal(setsSeen(item(name)), false, name);
    }
  });

  it('are known again in the response, however they are spelled', () => {
    const key = (spelled: string): string => {
      const framer = new Framer('provider');
      framer.push(Buffer.from(`* 1 FETCH (${spelled})\r\n`));
      const fragment = framer.next();
      assert.ok(fragment !== undefined && fragment.kind !== 'overlong');
      const [raw] = new FetchReader().push(fragment)?.items ?? [];
      assert.ok(raw);
      return raw.key;
    };
    for (const [asked, came] of [
      ['BODY.PEEK[TEXT]<0.10>', 'body[text]<0> "x"'],
      ['BODY[HEADER.FIELDS (Subject to)]', 'BODY[HEADER.FIELDS ("SUBJECT" "To")] "x"'],
      ['BINARY.PEEK[1.2]', 'BINARY[1.2] "x"'],
      ['BINARY.SIZE[1]', 'BINARY.SIZE[1] 5'],
      ['BODY[]', 'BODY[] NIL'],
      ['RFC822.SIZE', 'rfc822.size 5'],
    ] as const) {
      assert.equal(requestKey(item(asked)), key(came), asked);
    }
    for (const [asked, came] of [
      ['BODY[TEXT]', 'BODY[TEXT]<0> "x"'],
      ['BODY[TEXT]<5.1>', 'BODY[TEXT]<0> "x"'],
      ['BODY[HEADER.FIELDS (A)]', 'BODY[HEADER.FIELDS.NOT (A)] "x"'],
      ['BODY[1]', 'BODY[1.MIME] "x"'],
      ['BODY[1]', 'BINARY[1] "x"'],
    ] as const) {
      assert.notEqual(requestKey(item(asked)), key(came), asked);
    }
  });
});

describe('the way to the client', () => {
  it('is kept free for who has reserved it', () => {
    const connection = scripted([]);
    const outlet = new Outlet(connection);
    const written = (): string => {
      outlet.flush();
      return connection.written().toString('latin1');
    };
    outlet.add(Buffer.from('a'));
    outlet.reserve();
    assert.equal(outlet.reserved, true);
    outlet.add(Buffer.from('later'));
    outlet.put(Buffer.from('b'));
    outlet.reserve();
    outlet.put(Buffer.from('c'));
    assert.equal(written(), 'abc');
    outlet.release();
    assert.equal(outlet.reserved, false);
    outlet.add(Buffer.from('!'));
    assert.equal(written(), 'abclater!');
    outlet.release();
    assert.equal(written(), 'abclater!');
  });

  it('holds no more than the limit, each time anew', () => {
    const outlet = new Outlet(scripted([]));
    for (let round = 0; round < 2; round++) {
      outlet.reserve();
      outlet.add(Buffer.alloc(1024 * 1024));
      if (round === 1)
        assert.throws(() => {
          outlet.add(Buffer.from('x'));
        }, ProviderViolation);
      outlet.release();
    }
  });

  it('is had when the response that is going out has ended, and not when the session has', async () => {
    const context = new Context(scripted([]), scripted([]), { literals: 'plus', account: fakeAccount() });
    await context.reserveClient();
    assert.equal(context.toClient.reserved, true);
    context.toClient.release();
    context.midResponse = true;
    const turn = context.reserveClient();
    assert.equal(context.toClient.reserved, false);
    context.responseEnded();
    // At once: the next response may follow in the same chunk.
    assert.equal(context.toClient.reserved, true);
    await turn;
    context.toClient.release();
    context.midResponse = true;
    const waiting = context.reserveClient();
    const over = new Error('over');
    context.close(over);
    await assert.rejects(waiting, over);
  });
});
