import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { type Source, countOctets, gather, memorySource } from '#lib/bytes/source';
import { type OpenedView, openStored } from '#lib/message/open';
import { type HeaderPolicy, HEADER_POLICIES } from '#lib/message/policy';
import { type SealAtRestOptions, sealAtRest } from '#lib/message/seal';
import { Header } from '#lib/mime/header';
import { parseStructure } from '#lib/mime/structure';
import { OpenPGPError } from '#lib/openpgp/error';
import { readCorpus } from '#test/corpus/corpus';
import { RUNS, cut, lines, modernPerson, person, streamOf } from './fixture.js';

const alice = await person('Alice <alice@example.com>');
const eve = await person('Eve <eve@example.net>');
const originKey = randomBytes(32);

async function seal(message: Buffer, options: Partial<SealAtRestOptions> = {}): Promise<Buffer> {
  const sealed = await sealAtRest(memorySource(message), { recipients: [alice.recipient], originKey, ...options });
  const stored = await gather(sealed.stream());
  assert.equal(stored.length, sealed.size, 'the size that was told is that of the stream');
  return stored;
}

async function open(
  stored: Buffer | Source,
  options: { originKey?: Buffer; keys?: (typeof alice)[] } = { originKey },
): Promise<Buffer> {
  const view = await openStored(Buffer.isBuffer(stored) ? memorySource(stored) : stored, {
    keys: () => (options.keys ?? [alice]).map(({ key }) => key),
    ...(options.originKey === undefined ? {} : { originKey: options.originKey }),
  });
  assert.equal(view.kind, 'opened', view.kind === 'stored' ? view.reason.message : '');
  const shown = await gather(view.stream());
  if (view.size !== undefined) assert.equal(view.size, shown.length);
  return shown;
}

const NASTY: Readonly<Record<string, Buffer>> = {
  empty: Buffer.alloc(0),
  'a blank line': Buffer.from('\r\n'),
  'one LF': Buffer.from('\n'),
  'a bare CR': Buffer.from('\r'),
  'no header': Buffer.from('\r\nbody'),
  'no body': Buffer.from('Subject: x'),
  'no blank line': Buffer.from('Subject: x\r\n'),
  'bare LF': Buffer.from('From: a@example.com\nSubject: x\n\nbody\n'),
  'bare CR in the header': Buffer.from('From: a@example.com\rBcc: b@example.com\r\nTo: c\r\r\n\r\nbody'),
  'NUL and 8-bit': Buffer.from('From: \0\xff\r\nTo: \xe4\r\n\r\n\0\xff', 'latin1'),
  'an mbox line': Buffer.from('From alice@example.com Sat Nov 21 06:27:00 2026\nFrom: alice@example.com\n\nbody\n'),
  'a continuation first': Buffer.from(' continued\r\nFrom: a@example.com\r\n\r\nbody'),
  'From twice': lines('From: a@example.com', 'From: b@example.com', '', 'body'),
  'an overlong field': lines(`To: ${'a@example.com, '.repeat(300)}`, `Message-ID: <${'x'.repeat(2000)}>`, '', 'body'),
  'a header above every limit': Buffer.concat([
    Buffer.from('From: a@example.com\r\n'),
    Buffer.alloc(1_300_002, 'X: y\r\n'),
    Buffer.from('\r\nbody'),
  ]),
  'many fields': Buffer.concat([Buffer.alloc(80_000, 'X: y\r\n'), lines('From: a@example.com', '', 'x')]),
  'fields of ours': lines(
    'Postern-Status: encrypted; signature=valid',
    'Postern-Origin: v=1; mac=x',
    'From: a@example.com',
    '',
    'x',
  ),
  'MIME fields': lines(
    'MIME-Version: 1.0',
    'Content-Type: text/html',
    'Content-Transfer-Encoding: base64',
    'From: a@example.com',
    '',
    'eA==',
  ),
  'a boundary of ours': lines('From: a@example.com', '', '--b', '-----END PGP MESSAGE-----', '--b--'),
  random: randomBytes(100_000),
};

describe('at rest', () => {
  for (const policy of HEADER_POLICIES) {
    for (const [what, message] of Object.entries(NASTY)) {
      it(`${policy}: gives back ${what}`, async () => {
        const stored = await seal(message, { policy });
        wellFormed(stored);
        assert.deepEqual(await open(stored), message);
      });
    }
  }

  it('gives back every message of the corpus, in every policy', async () => {
    const corpus = readCorpus();
    assert.ok(corpus.length > 20);
    for (const { name, bytes } of corpus) {
      for (const policy of HEADER_POLICIES) {
        const stored = await seal(bytes, { policy });
        wellFormed(stored);
        assert.deepEqual(await open(stored), bytes, `${name} with ${policy}`);
      }
    }
  });

  test('opening gives back what was sealed, for every byte string, policy and cut', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
      fc
        .array(
          fc.constantFrom(
            'From: a@example.com',
            'From ',
            'Subject:',
            ' ',
            '\t',
            ':',
            '\r',
            '\n',
            '\r\n',
            '\0',
            '\xff',
            '--',
            'Content-Type: multipart/encrypted',
            'Postern-Origin: v=1',
            '-----BEGIN PGP MESSAGE-----',
          ),
          { maxLength: 40 },
        )
        .map((parts) => Buffer.from(parts.join(''), 'latin1')),
    );
    await fc.assert(
      fc.asyncProperty(
        bytes,
        fc.constantFrom(...HEADER_POLICIES),
        fc.constantFrom(undefined, true, false),
        fc.array(fc.nat(3000), { maxLength: 20 }),
        async (message, policy, compatible, places) => {
          const sealed = await sealAtRest(inPieces(message, places), {
            recipients: [alice.recipient],
            originKey,
            policy,
            ...(compatible === undefined ? {} : { compatible }),
          });
          const stored = await gather(sealed.stream());
          assert.equal(stored.length, sealed.size);
          wellFormed(stored);
          assert.deepEqual(await open(inPieces(stored, places)), message);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('keeps the payload as it is in what any OpenPGP program finds inside', async () => {
    for (const message of Object.values(NASTY)) {
      const view = await openStored(memorySource(await seal(message)), { keys: () => [alice.key], exact: true });
      assert.deepEqual(await gather(view.stream()), message);
    }
  });

  it('serves keys of version 6', async () => {
    const bob = await modernPerson('Bob <bob@example.com>');
    const message = randomBytes(100_000);
    const stored = await seal(message, { recipients: [bob.recipient] });
    const view = await openStored(memorySource(stored), { keys: () => [bob.key], originKey });
    assert.deepEqual(await gather(view.stream()), message);
    const again = await sealAtRest(memorySource(stored), { recipients: [bob.recipient] });
    assert.equal(again.kept, true);
  });

  it('has nothing of the body and the hidden fields in its stored form', async () => {
    const message = lines(
      'From: a@example.com',
      'Subject: the secret subject',
      'X-Other: the other field',
      '',
      'the body',
    );
    for (const policy of ['standard', 'strict', 'pep'] as const) {
      assert.doesNotMatch((await seal(message, { policy })).toString('latin1'), /secret|other|body/i);
    }
  });

  it('cannot be streamed twice', async () => {
    const sealed = await sealAtRest(memorySource(Buffer.from('x')), { recipients: [alice.recipient] });
    await countOctets(sealed.stream());
    assert.throws(() => sealed.stream());
  });

  it('takes the boundary that is given, else a new one for each message', async () => {
    assert.match((await seal(Buffer.from('x'), { boundary: 'given' })).toString(), /boundary="given"/);
    const [one, other] = [await seal(Buffer.from('x')), await seal(Buffer.from('x'))].map(boundaryOf);
    assert.match(one ?? '', /^postern-[0-9a-f]{32}$/);
    assert.notEqual(one, other);
  });

  it('puts an mbox line before the outer header, without the sender where the policy is strict', async () => {
    const message = Buffer.from('From alice@example.com Sat Nov 21 06:27:00 2026\nFrom: alice@example.com\n\nbody\n');
    assert.ok((await seal(message)).toString().startsWith('From alice@example.com Sat Nov 21 06:27:00 2026\nFrom: '));
    const strict = (await seal(message, { policy: 'strict' })).toString();
    assert.ok(strict.startsWith('From MAILER-DAEMON Sat Nov 21 06:27:00 2026\nFrom: hidden'));
    assert.doesNotMatch(strict, /alice/);
  });
});

/** A source whose chunks end at these places. */
function inPieces(bytes: Buffer, places: readonly number[]): Source {
  return {
    size: bytes.length,
    stream: (start = 0, end = bytes.length) =>
      streamOf(
        cut(
          bytes.subarray(start, end),
          places.map((place) => place - start).filter((place) => place >= 0),
        ),
      ),
    close: () => Promise.resolve(),
  };
}

function boundaryOf(stored: Buffer): string | undefined {
  return parseStructure(stored).contentType.parameters.get('boundary');
}

/** The outer form: CRLF only, lines within RFC 5322's limit, a header of fields alone, the parts that RFC 3156 wants. */
function wellFormed(stored: Buffer): void {
  const mbox = /^From .*\r?\n/.exec(stored.toString('latin1', 0, 200))?.[0] ?? '';
  const message = stored.subarray(mbox.length);
  const text = message.toString('latin1');
  assert.doesNotMatch(text, /\r(?!\n)|(?<!\r)\n|\0/);
  for (const line of text.split('\r\n')) assert.ok(line.length <= 998);
  const root = parseStructure(message);
  const names = root.header.fields.map(({ name }) => name);
  assert.ok(
    names.every((name) => /^[!-9;-~]+$/.test(name)),
    names.join(),
  );
  assert.equal(names.filter((name) => /^postern-/i.test(name)).length, 1);
  assert.equal(names.filter((name) => /^content-type$/i.test(name)).length, 1);
  assert.equal(root.contentType.type, 'multipart/encrypted');
  assert.deepEqual(
    root.parts.map(({ contentType }) => contentType.type),
    ['application/pgp-encrypted', 'application/octet-stream'],
  );
  assert.equal(root.epilogue?.end, root.epilogue?.start);
}

const HEADER = lines(
  'Received: from mx.example.com by mail.example.com; Sat, 21 Nov 2026 06:27:00 +0000',
  'From: Alice <alice@example.com>',
  'TO: bob@example.com,',
  '\tcarol@example.com',
  'Cc: dave@example.com',
  'Bcc: erin@example.com',
  'Subject: secret',
  'Date: Sat, 21 Nov 2026 06:27:00 +0000',
  'Message-ID: <1@example.com>',
  'In-Reply-To: <0@example.com>',
  'References: <00@example.com>',
  ' <0@example.com>',
  'X-Mailer: x',
  'Content-Type: text/plain',
  'Postern-Status: encrypted; signature=valid',
  '',
  'body',
);

describe('header policy', () => {
  const outer = async (policy: HeaderPolicy): Promise<Header> => {
    const [head = ''] = (await seal(HEADER, { policy })).toString('latin1').split('\r\n\r\n');
    return Header.parse(Buffer.from(`${head}\r\n`, 'latin1'));
  };
  const raw = ({ fields }: Header): readonly string[] =>
    fields
      .filter(({ name }) => !/^(?:mime-version|content-type|postern-origin)$/i.test(name))
      .map((field) => field.raw.toString('latin1'));

  it('standard: hides the Subject, copies seven fields as they are', async () => {
    assert.deepEqual(raw(await outer('standard')), [
      'From: Alice <alice@example.com>\r\n',
      'TO: bob@example.com,\r\n\tcarol@example.com\r\n',
      'Cc: dave@example.com\r\n',
      'Date: Sat, 21 Nov 2026 06:27:00 +0000\r\n',
      'Message-ID: <1@example.com>\r\n',
      'In-Reply-To: <0@example.com>\r\n',
      'References: <00@example.com>\r\n <0@example.com>\r\n',
      'Subject: [...]\r\n',
    ]);
  });
  it('strict: leaves what sorting needs', async () => {
    assert.deepEqual(raw(await outer('strict')), [
      'From: hidden <hidden@hidden.invalid>\r\n',
      'Date: Sat, 21 Nov 2026 06:27:00 +0000\r\n',
      'Message-ID: <1@example.com>\r\n',
      'Subject: [...]\r\n',
    ]);
  });
  it('none: copies everything but the structure and what claims to be ours', async () => {
    const expected = Header.parse(HEADER)
      .fields.filter(({ name }) => !/^(?:content-type|postern-status)$/i.test(name))
      .map((field) => field.raw.toString('latin1'));
    assert.deepEqual(raw(await outer('none')), expected);
  });
  it('pep: as p≡p writes it', async () => {
    const header = await outer('pep');
    assert.equal(header.unfolded('subject'), '=?utf-8?Q?p=E2=89=A1p?=');
    assert.equal(header.unfolded('x-pep-version'), '2.0');
    assert.equal(header.unfolded('from'), 'Alice <alice@example.com>');
  });
  it('takes the first of a field that stands twice', async () => {
    const stored = await seal(lines('From: a@example.com', 'From: b@example.com', '', ''));
    assert.deepEqual(
      Header.parse(stored)
        .all('from')
        .map(({ body }) => body.toString()),
      [' a@example.com'],
    );
  });
});

describe('whose message it is', () => {
  const message = lines(
    'From: Alice <alice@example.com>',
    'Postern-Status: encrypted; signature=valid',
    'Subject: s',
    '',
    'x',
  );

  it('is ours only under our origin key', async () => {
    const stored = await seal(message);
    assert.deepEqual(await open(stored, { originKey }), message);
    for (const other of [{}, { originKey: randomBytes(32) }]) {
      assert.match((await open(stored, other)).toString(), /^Postern-Status: encrypted; signature=none\r\nFrom: Alice/);
    }
  });

  it('is not ours with a mark that was copied to another encryption', async () => {
    const [mark = ''] = /^Postern-Origin: .*\r\n/m.exec((await seal(message)).toString()) ?? [];
    const forged = await seal(lines('From: boss@example.com', 'Subject: pay', '', 'now'), {
      originKey: randomBytes(32),
    });
    const stored = Buffer.from(forged.toString().replace(/^Postern-Origin: .*\r\n/m, mark));
    const view = await openStored(memorySource(stored), { keys: () => [alice.key], originKey });
    assert.equal((view as OpenedView).origin, 'other');
    assert.match((await gather(view.stream())).toString(), /^Postern-Status: encrypted; signature=none\r\n/);
  });

  it('is not ours with two marks', async () => {
    const stored = (await seal(message)).toString().replace(/^(Postern-Origin: .*\r\n)/m, '$1$1');
    assert.match((await open(Buffer.from(stored))).toString(), /^Postern-Status: /);
  });

  it('can be marked by a delivery filter that cannot read', async () => {
    const stored = await seal(message);
    await assert.rejects(open(stored, { originKey, keys: [eve] }), /stored/);
  });

  it('loses the status that a sender wrote, plain and encrypted', async () => {
    const text = (await open(await seal(message), {})).toString();
    assert.equal(text.match(/Postern-/g)?.length, 1);
    const view = await openStored(memorySource(message), { keys: () => [] });
    assert.equal(view.kind, 'plain');
    const shown = await gather(view.stream());
    assert.equal(shown.toString(), message.toString().replace(/Postern-Status.*\r\n/, ''));
    assert.equal(view.size, shown.length);
  });

  it('loses it from a header that is above every limit, too', async () => {
    const filler = Buffer.alloc(1_300_002, 'X: y\r\n');
    const long = Buffer.concat([Buffer.from('X: '), Buffer.alloc(1_300_002, 'y'), Buffer.from('\r\n')]);
    const claim = Buffer.from('postern-status: forged;\r\n signature=valid\r\n');
    const rest = lines('Post: a', 'P: b', '', 'Postern-Status: in the body');
    for (const before of [filler, long]) {
      const view = await openStored(memorySource(Buffer.concat([before, claim, rest])), { keys: () => [] });
      assert.equal(view.kind, 'plain');
      assert.deepEqual(await gather(view.stream()), Buffer.concat([before, rest]));
    }
  });
});

describe('what cannot be opened', () => {
  it('is shown as it is stored, with the reason and the recipients', async () => {
    const stored = await seal(lines('From: a@example.com', '', 'x'));
    const view = await openStored(memorySource(stored), { keys: () => [eve.key] });
    assert.equal(view.kind, 'stored');
    assert.equal(view.reason.code, 'no-key');
    assert.deepEqual(view.recipients, [{ keyID: alice.recipient.keyID }]);
    const shown = (await gather(view.stream())).toString();
    assert.equal(shown, stored.toString().replace(/^Postern-Origin: .*\r\n/m, ''));
  });

  it('asks for keys once, with the names in the message', async () => {
    const asked: unknown[] = [];
    const view = await openStored(memorySource(await seal(Buffer.from('x'))), {
      keys: (names) => {
        asked.push(names);
        return [alice.key];
      },
    });
    await countOctets(view.stream());
    assert.deepEqual(asked, [[{ keyID: alice.recipient.keyID }]]);
  });

  it('gives no octet of a damaged SEIPDv1 message', async () => {
    const stored = await seal(randomBytes(100_000), { compatible: true });
    const text = stored.toString('latin1');
    const at = text.indexOf('-----END') - 400;
    const damaged = Buffer.from(text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1), 'latin1');
    const view = await openStored(memorySource(damaged), { keys: () => [alice.key], originKey });
    assert.equal(view.kind, 'stored');
    assert.equal(view.reason.code, 'mdc-mismatch');
  });

  it('ends the stream with an error where a SEIPDv2 message of our own is damaged late', async () => {
    const message = randomBytes(600_000);
    const stored = (await seal(message, { compatible: false })).toString('latin1');
    const at = stored.indexOf('-----END') - 4000;
    const damaged = Buffer.from(
      stored.slice(0, at) + (stored[at] === 'A' ? 'B' : 'A') + stored.slice(at + 1),
      'latin1',
    );
    const own = await openStored(memorySource(damaged), { keys: () => [alice.key], originKey });
    assert.equal(own.kind, 'opened');
    const got: Buffer[] = [];
    await assert.rejects(
      async () => {
        for await (const chunk of own.stream()) got.push(chunk);
      },
      (error: unknown) => error instanceof OpenPGPError && error.code === 'tag-mismatch',
    );
    const out = Buffer.concat(got);
    assert.deepEqual(out, message.subarray(0, out.length));
    assert.ok(out.length < message.length);
    // Of a message that is not ours nothing comes out before all of it has been verified.
    const other = await openStored(memorySource(damaged), { keys: () => [alice.key] });
    assert.equal(other.kind, 'stored');
  });

  it('is a message cut off at any place', async () => {
    const stored = await seal(lines('From: a@example.com', '', 'x'.repeat(200)));
    const armorEnd = stored.indexOf('-----END PGP MESSAGE-----') + 25;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: armorEnd - 1 }), async (end) => {
        const view = await openStored(memorySource(stored.subarray(0, end)), { keys: () => [alice.key], originKey });
        assert.notEqual(view.kind, 'opened');
      }),
      { numRuns: RUNS },
    );
  });
});

describe('a failure while sealing', () => {
  it('is met before the first octet where the source cannot be read', async () => {
    const broken: Source = { size: 10, stream: () => failing(), close: () => Promise.resolve() };
    await assert.rejects(sealAtRest(broken, { recipients: [alice.recipient] }), /disk/);
  });
  for (const [what, size] of [
    ['shorter', 200_001],
    ['longer', 199_999],
  ] as const) {
    it(`ends the stream where the source is ${what} than it said: no end of armor, no closing boundary, no plaintext`, async () => {
      const content = Buffer.from('plain text '.repeat(20_000)).subarray(0, 200_000);
      const source: Source = {
        size,
        stream: (start = 0) => streamOf([content.subarray(start)]),
        close: () => Promise.resolve(),
      };
      const sealed = await sealAtRest(source, { recipients: [alice.recipient], boundary: 'bb' });
      const got: Buffer[] = [];
      await assert.rejects(
        async () => {
          for await (const chunk of sealed.stream()) got.push(chunk);
        },
        (error: unknown) => error instanceof OpenPGPError && error.code === 'size-mismatch',
      );
      assert.doesNotMatch(Buffer.concat(got).toString('latin1'), /plain text|END PGP|--bb--/);
    });
  }
  it('leaves nothing where there is no recipient', async () => {
    await assert.rejects(sealAtRest(memorySource(Buffer.from('x')), { recipients: [] }), OpenPGPError);
  });
});

async function* failing(): AsyncGenerator<Buffer, void> {
  yield await Promise.reject<Buffer>(new Error('The disk is gone.'));
}
