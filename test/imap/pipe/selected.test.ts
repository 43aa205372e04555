import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HANDLERS } from '#imap/commands/handlers';
import { Commands } from '#imap/pipe/commands';
import { Context } from '#imap/pipe/context';
import { Responses } from '#imap/pipe/responses';
import type { MessageName } from '#imap/selected';
import { Framer } from '#imap/wire/framer';
import { connectionPair } from '#test/lib/net/memory';
import { fakeAccount } from './account.js';

/** The two directions of a session, without loops around them: what is said is taken at once. */
class Session {
  readonly context: Context;
  readonly #commands: Commands;
  readonly #responses: Responses;
  readonly #fromClient = new Framer('client');
  readonly #fromProvider = new Framer('provider');

  constructor() {
    const options = { literals: 'plus', account: fakeAccount() } as const;
    this.context = new Context(connectionPair()[0], connectionPair()[0], options);
    this.#commands = new Commands(this.context, this.#fromClient, HANDLERS);
    this.#responses = new Responses(this.context);
  }

  /** Lines; the octets of literals are lines too. */
  async client(...lines: readonly string[]): Promise<void> {
    this.#fromClient.push(Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'));
    for (let one = this.#fromClient.next(); one !== undefined; one = this.#fromClient.next())
      await this.#commands.take(one);
  }

  async provider(...lines: readonly string[]): Promise<void> {
    this.#fromProvider.push(Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'));
    for (let one = this.#fromProvider.next(); one !== undefined; one = this.#fromProvider.next())
      await this.#responses.take(one);
  }

  /** How many messages there are, and what the pipe would call the one with this number. */
  at(number: number): readonly [count: number, name: MessageName | undefined] {
    const { selected } = this.context;
    return [selected.numbering.count, selected.nameOf(number)];
  }

  /** Selects INBOX: 3 messages, the second with UID 7. */
  async begin(): Promise<void> {
    await this.client('s SELECT inbox');
    await this.provider('* 3 EXISTS', '* OK [UIDVALIDITY 11] x', 's OK [READ-WRITE] x');
    await this.provider('* 2 FETCH (UID 7)');
    assert.deepEqual(this.at(2), INBOX);
  }
}

const INBOX = [3, { mailbox: 'INBOX', uidValidity: 11, uid: 7 }] as const;
const NOTHING = [0, undefined] as const;
const OTHER = ['* 5 EXISTS', '* OK [UIDVALIDITY 12] x', '* 2 FETCH (UID 9)'] as const;
const other = (mailbox: string) => [5, { mailbox, uidValidity: 12, uid: 9 }] as const;

async function begun(): Promise<Session> {
  const session = new Session();
  await session.begin();
  return session;
}

describe('the mailbox that is selected', () => {
  for (const command of ['SELECT', 'EXAMINE'] as const) {
    it(`is another one from the moment that ${command} has begun`, async () => {
      const session = await begun();
      await session.client(`a ${command} Other`);
      assert.deepEqual(session.at(2), NOTHING);
      await session.provider(...OTHER);
      assert.deepEqual(session.at(2), other('Other'));
      await session.provider('a OK x');
      assert.deepEqual(session.at(2), other('Other'));
    });

    it(`is none where ${command} is answered with NO`, async () => {
      const session = await begun();
      await session.client(`a ${command} Other`);
      await session.provider('a NO x');
      assert.deepEqual(session.at(2), NOTHING);
      assert.equal(session.context.selected.mailbox, undefined);
    });

    it(`is the one before where ${command} is answered with BAD`, async () => {
      const session = await begun();
      await session.client(`a ${command} Other Other`);
      await session.provider('a BAD x');
      assert.deepEqual(session.at(2), INBOX);
    });
  }

  it('is the one before with a new message that came before the BAD', async () => {
    const session = await begun();
    await session.client('a SELECT');
    await session.provider('* 4 EXISTS', 'a BAD x');
    assert.deepEqual(session.at(2), [4, INBOX[1]]);
  });

  it('is none where the mailbox before was closed, and then comes BAD', async () => {
    const session = await begun();
    await session.client('a SELECT Other');
    await session.provider('* OK [CLOSED] x', 'a BAD x');
    assert.deepEqual(session.at(2), NOTHING);
  });

  it('is forgotten with what is still told of it up to CLOSED', async () => {
    const session = await begun();
    await session.client('a SELECT Other');
    await session.provider('* 4 EXISTS', '* 2 FETCH (UID 7)', '* OK [UIDVALIDITY 11] x', '* OK [CLOSED] x');
    assert.deepEqual(session.at(2), NOTHING);
    await session.provider(...OTHER, 'a OK x');
    assert.deepEqual(session.at(2), other('Other'));
  });

  it('is none after CLOSED without SELECT', async () => {
    const session = await begun();
    await session.provider('* OK [CLOSED] x');
    assert.deepEqual(session.at(2), NOTHING);
    assert.equal(session.context.selected.mailbox, undefined);
  });

  for (const command of ['CLOSE', 'UNSELECT'] as const) {
    it(`is none after ${command}, and stays where that is refused`, async () => {
      const session = await begun();
      await session.client(`a ${command}`);
      assert.deepEqual(session.at(2), INBOX);
      await session.provider('a BAD x');
      assert.deepEqual(session.at(2), INBOX);
      await session.client(`b ${command}`);
      await session.provider('b OK x');
      assert.deepEqual(session.at(2), NOTHING);
      await session.client('c SELECT Other');
      await session.provider(...OTHER, 'c OK x');
      assert.deepEqual(session.at(2), other('Other'));
    });
  }

  it('begins anew when the same one is selected again', async () => {
    const session = await begun();
    await session.client('a SELECT INBOX');
    await session.provider('* 3 EXISTS', '* OK [UIDVALIDITY 11] x', 'a OK x');
    assert.deepEqual(session.at(2), [3, undefined]);
    assert.equal(session.context.selected.mailbox, 'INBOX');
  });

  it('is the one whose turn it is when several SELECTs are under way', async () => {
    const session = await begun();
    await session.client(
      'a UID FETCH 7 FLAGS',
      'b SELECT Other',
      'c SELECT Bad Bad',
      'd EXAMINE None',
      'e SELECT inbox',
    );
    assert.deepEqual(session.at(2), INBOX);
    await session.provider('* 2 EXPUNGE', '* 2 FETCH (UID 8)', 'a OK x');
    assert.equal(session.context.selected.mailbox, 'Other');
    await session.provider(...OTHER, 'b OK x');
    assert.deepEqual(session.at(2), NOTHING);
    await session.provider('c BAD x');
    assert.equal(session.context.selected.mailbox, 'None');
    await session.provider('d NO x');
    assert.equal(session.context.selected.mailbox, 'INBOX');
    await session.provider('* 3 EXISTS', '* OK [UIDVALIDITY 11] x', '* 2 FETCH (UID 7)', 'e OK x');
    assert.deepEqual(session.at(2), INBOX);
  });

  it('is the one before a SELECT that is BAD, also where another follows', async () => {
    const session = await begun();
    await session.client('a SELECT Bad Bad', 'b NOOP');
    await session.provider('a BAD x');
    assert.deepEqual(session.at(2), INBOX);
  });

  it('is another one where SELECT is answered before its turn', async () => {
    const session = await begun();
    await session.client('a NOOP', 'b SELECT Other');
    await session.provider('b OK x');
    assert.deepEqual(session.at(2), NOTHING);
    assert.equal(session.context.selected.mailbox, 'Other');
  });

  it('keeps EXPUNGEs for the client that were held when a SELECT is BAD', async () => {
    const session = await begun();
    await session.client('a FETCH 1 FLAGS', 'b SELECT Bad Bad');
    await session.provider('* 1 EXPUNGE', 'a OK x', 'b BAD x');
    assert.equal(session.context.held.count, 1);
    await session.client('c NOOP');
    assert.ok(session.context.held.none);
  });
});

describe('the name of the mailbox', () => {
  const NAMES: readonly (readonly [string, readonly string[], string | undefined])[] = [
    ['a quoted string', ['a SELECT "In \\"Box\\""'], 'In "Box"'],
    ['a literal', ['a SELECT {5+}', 'Other'], 'Other'],
    ['a literal, with parameters behind it', ['a EXAMINE {5+}', 'inBOX (CONDSTORE)'], 'INBOX'],
    ['an atom, with QRESYNC', ['a SELECT Other (QRESYNC (12 5 1:9))'], 'Other'],
    ['modified UTF-7', ['a SELECT Entw&APw-rfe'], 'Entwürfe'],
    ['not readable', ['a SELECT Other Other'], undefined],
    ['longer than any', ['a SELECT {5000+}', 'n'.repeat(5000)], undefined],
  ];
  for (const [what, lines, mailbox] of NAMES) {
    it(`is read where it is ${what}`, async () => {
      const session = new Session();
      await session.client(...lines);
      await session.provider(...OTHER, 'a OK x');
      assert.equal(session.context.selected.mailbox, mailbox);
      assert.deepEqual(session.at(2), mailbox === undefined ? [5, undefined] : other(mailbox));
    });
  }

  it('is read where it is a literal that has to be asked for', async () => {
    const session = await begun();
    const sent = session.client('a SELECT {5}', 'Other');
    await session.provider('+ go on');
    await sent;
    await session.provider(...OTHER, 'a OK x');
    assert.deepEqual(session.at(2), other('Other'));
  });

  it('is UTF-8 from the moment that this is enabled', async () => {
    const session = new Session();
    await session.client('a ENABLE UTF8=ACCEPT', 'b SELECT "Entw\xc3\xbcrfe"');
    await session.provider('* ENABLED UTF8=ACCEPT', 'a OK x', 'b OK x');
    assert.equal(session.context.selected.mailbox, 'Entwürfe');
  });
});

describe('the UIDVALIDITY', () => {
  it('makes known UIDs worthless when it changes', async () => {
    const session = await begun();
    await session.provider('* OK [UIDVALIDITY 11] x');
    assert.deepEqual(session.at(2), INBOX);
    await session.provider('* OK [UIDVALIDITY 12] x');
    assert.deepEqual(session.at(2), [3, undefined]);
  });

  it('is none where it is no number, and nobody else can tell it', async () => {
    const session = await begun();
    await session.client('a NOOP');
    await session.provider('a OK [UIDVALIDITY 12] x');
    assert.deepEqual(session.at(2), INBOX);
    await session.provider('* OK [UIDVALIDITY x] x');
    assert.equal(session.context.selected.uidValidity, undefined);
  });
});

describe('the UID of a FETCH response', () => {
  // With the line end behind them they are the 36 octets of a literal.
  const body = 'x'.repeat(34);
  for (const [what, lines, uid] of [
    ['before a literal', ['* 1 FETCH (UID 5 BODY[] {36}', body, ')'], 5],
    ['behind a literal', ['* 1 FETCH (BODY[HEADER] {36}', body, ' UID 5)'], 5],
    ['behind several', ['* 1 FETCH (BODY[1] {36}', body, ' BODY[2] {36}', body, ' FLAGS () UID 5)'], 5],
    ['behind a literal in an ENVELOPE', ['* 1 FETCH (ENVELOPE (NIL {36}', body, ' NIL) UID 5)'], 5],
    ['in a literal only', ['* 1 FETCH (BODY[HEADER] {36}', ' UID 5)'.padEnd(34), ')'], undefined],
    ['in a list behind a literal', ['* 1 FETCH (ENVELOPE ({36}', body, ' UID 5))'], undefined],
    ['behind what is malformed', ['* 1 FETCH (BODY[HEADER] {36}', body, ')) UID 5)'], undefined],
    ['behind a line of many octets', [`* 1 FETCH (X "${'y'.repeat(70_000)}" UID 5)`], 5],
  ] as const) {
    it(`is ${uid === undefined ? 'not ' : ''}found ${what}`, async () => {
      const session = new Session();
      await session.client('a SELECT INBOX');
      await session.provider('* 3 EXISTS', 'a OK x');
      await session.provider(...lines);
      assert.equal(session.context.selected.numbering.uid(1), uid);
    });
  }
});
