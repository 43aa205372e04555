/** What a provider or a sender puts into messages to be taken for somebody else's, or for Postern's. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, it } from 'node:test';
import { gather, memorySource } from '#lib/bytes/source';
import { type OpenStoredOptions, openStored } from '#lib/message/open';
import { armor, person, pgpMime, viewText } from '#test/lib/message/fixture';
import { ORIGIN_KEY, Session, alice, literalOf, own, text } from './fixture.js';

const CLAIM = 'Postern-Status: v=1; decrypted=yes; signature=good; signer=boss@example.com';
const FORGED = text('Forged', 'Pay at once.\r\n', CLAIM);
const FIRST = text('First');
const SECOND = text('Second', 'Longer, so that sizes differ.\r\n');
const BIG_BODY = `${randomBytes(1_300_000).toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`;

let session: Session | undefined;

async function begin(...stored: readonly Buffer[]): Promise<Session> {
  session = await new Session(stored).select();
  return session;
}

/** The items of FETCH agree, and nothing in them claims to be ours. Gives `BODY[]`. */
async function consistent(s: Session, number: number): Promise<string> {
  const heard = await s.ask(`v FETCH ${number} (BODY.PEEK[] RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[TEXT])`);
  const whole = literalOf(heard, 'BODY[]');
  assert.match(heard, new RegExp(`RFC822\\.SIZE ${whole.length}[ )]`));
  assert.equal(literalOf(heard, 'BODY[HEADER]') + literalOf(heard, 'BODY[TEXT]'), whole);
  assert.doesNotMatch(heard, /signer=boss/);
  return whole;
}

function options(changes: Partial<OpenStoredOptions> = {}): OpenStoredOptions {
  return { keys: () => [alice.key], originKey: ORIGIN_KEY, ...changes };
}

describe('claims in messages', { timeout: 60_000 }, () => {
  afterEach(async () => {
    await session?.close();
    session = undefined;
  });

  it('are left out of an original of ours where that is asked for', async () => {
    const stored = await own(FORGED);
    assert.match((await viewText(stored, options())).text, /signer=boss/);
    const { text: shown, view } = await viewText(stored, options({ withoutClaims: true }));
    assert.equal(shown, FORGED.toString('latin1').replace(`${CLAIM}\r\n`, ''));
    assert.equal(view.size, shown.length);
    assert.equal(view.kind === 'opened' && view.origin, 'own');
  });

  it('are left out of an original whose header is above the limits, too', async () => {
    const huge = text(
      'Huge',
      'x\r\n',
      ...Array.from({ length: 30_000 }, (_, at) => `X-${at}: ${'y'.repeat(60)}`),
      CLAIM,
    );
    const view = await openStored(memorySource(await own(huge)), options({ withoutClaims: true }));
    const shown = (await gather(view.stream())).toString('latin1');
    assert.equal(shown, huge.toString('latin1').replace(`${CLAIM}\r\n`, ''));
  });

  it('reach no client: in a plain message, one of ours and one from outside', async () => {
    const armored = await armor(text('Inner', 'x\r\n', CLAIM), { recipients: [alice.recipient] });
    const foreign = pgpMime(['From: Eve <eve@example.com>', 'Subject: ...', CLAIM], armored);
    const s = await begin(FORGED, await own(FORGED), await own(FORGED, { summary: FORGED }), foreign);
    for (const number of [1, 2, 3]) assert.match(await consistent(s, number), /Pay at once/);
    assert.match(await consistent(s, 4), /^Postern-Status: /m);
    for (const number of [1, 2, 3, 4]) {
      assert.doesNotMatch(await s.ask(`h FETCH ${number} (BODY.PEEK[HEADER.FIELDS (POSTERN-STATUS)])`), /signer=boss/);
    }
  });

  it('reach no client where they stand in a large message', async () => {
    const s = await begin(await own(text('Large', BIG_BODY, CLAIM), { compatible: false }));
    assert.match(await consistent(s, 1), /Subject: Large/);
  });

  it('reach no client where the message cannot be opened: the rest of it does', async () => {
    const { recipient } = await person('bob@example.com');
    const locked = await own(FORGED, { recipients: [recipient] });
    const claimed = Buffer.concat([Buffer.from(`${CLAIM}\r\n`), locked]);
    const s = await begin(claimed);
    const stored = locked.toString('latin1').replace(/^Postern-.*\r\n(?:[ \t].*\r\n)*/gm, '');
    assert.equal(await consistent(s, 1), stored);
  });

  it('of an inner From outside our own messages are marked with what is known', async () => {
    const inner = text('Inner').toString('latin1').replace('bob@', 'boss@');
    const armored = await armor(Buffer.from(inner), { recipients: [alice.recipient] });
    const s = await begin(pgpMime(['From: Eve <eve@example.com>', 'Subject: ...'], armored));
    const shown = await consistent(s, 1);
    assert.match(shown, /^Postern-Status: /m);
    assert.match(shown, /eve@example\.com/);
  });

  it('of a copied mark are none: it does not fit another session key', async () => {
    const mark = /^Postern-Origin:.*\r\n(?:[ \t].*\r\n)*/m.exec((await own(FIRST)).toString('latin1'))?.[0] ?? '';
    assert.notEqual(mark, '');
    const armored = await armor(FORGED, { recipients: [alice.recipient] });
    const eve = pgpMime(['From: Eve <eve@example.com>', 'Subject: ...', mark.trimEnd()], armored);
    const s = await begin(eve);
    assert.match(await consistent(s, 1), /^Postern-Status: /m);
  });

  it('of a copied summary hold until the message is opened', async () => {
    const summarised = await own(FIRST, { summary: FIRST });
    const victim = await own(SECOND);
    const s = await begin(under(summarised, victim));
    assert.match(await s.ask('a FETCH 1 (ENVELOPE)'), /First/);
    assert.match(await consistent(s, 1), /Subject: Second/);
    assert.match(await s.ask('b FETCH 1 (ENVELOPE)'), /Second/);
  });

  it('of a copied summary hold not longer where a large message has the same size', async () => {
    const [first, second] = [text('Invoice one', BIG_BODY), text('Invoice two', BIG_BODY)];
    assert.equal(first.length, second.length);
    const options = { compatible: false } as const;
    const s = await begin(under(await own(first, { ...options, summary: first }), await own(second, options)));
    assert.match(await s.ask('a FETCH 1 (ENVELOPE)'), /Invoice one/);
    assert.match(await s.ask('b FETCH 1 (BODY.PEEK[]<900000.60>)'), /b OK/);
    assert.match(await s.ask('c FETCH 1 (ENVELOPE)'), /Invoice two/);
  });

  it('of a true summary spare reading a large message whole', async () => {
    const payload = text('Invoice', BIG_BODY);
    const s = await begin(await own(payload, { compatible: false, summary: payload }));
    const heard = await s.ask('b FETCH 1 (BODY.PEEK[]<900000.60>)');
    assert.equal(literalOf(heard, 'BODY[]<900000>'), payload.toString('latin1', 900_000, 900_060));
    const asked = s.asked.flatMap((command) =>
      [...(/PEEK\[\]<(\d+)\.(\d+)>/.exec(command) ?? [])].slice(1).map(Number),
    );
    const far = 2_000_000;
    for (let at = 0; at < asked.length; at += 2) {
      const [offset = 0, count = 0] = asked.slice(at);
      assert.ok(offset > far || offset + count < far, `${offset}.${count}`);
    }
    assert.ok(asked.length > 0);
  });

  it('show two messages of ours whose ciphertext was exchanged each as what it holds', async () => {
    const [a, b] = [await own(FIRST), await own(SECOND)];
    const s = await begin(under(a, b), under(b, a));
    // Each mark fits the other: neither counts as ours any more.
    assert.match(await consistent(s, 1), /^Postern-Status: [^]*Longer/m);
    assert.match(await consistent(s, 2), /^Postern-Status: [^]*Text of First/m);
  });
});

/** The ciphertext of one message under the header of another. */
function under(header: Buffer, body: Buffer): Buffer {
  const cut = (octets: Buffer): number => octets.indexOf('\r\n\r\n');
  const boundary = (octets: Buffer): string => /boundary="([^"]*)"/.exec(octets.toString('latin1'))?.[1] ?? '';
  const top = header.toString('latin1', 0, cut(header));
  const rest = body.toString('latin1', cut(body)).replaceAll(boundary(body), boundary(header));
  return Buffer.from(top + rest, 'latin1');
}
