/** FETCH of messages that are encrypted, before providers that do what they should and such that do not. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, it } from 'node:test';
import type { MessageAccess } from '#imap/messages/messages';
import { type Conduct, Session, alice, literal, literalOf, own, response, text } from './fixture.js';

const PLAIN = text('Plain');
const FIRST = text('First');
const SECOND = text('Second');
const SMALL = await own(FIRST, { summary: FIRST });
const OTHER = await own(SECOND);
/** Above what is opened in memory. */
const BIG = text('Big', `${randomBytes(1_300_000).toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`);
const LARGE = await own(BIG, { compatible: false });
const EVICTING = await own(text('Elsewhere', BIG.toString('latin1')), { compatible: false });

let session: Session | undefined;

async function begin(
  stored: readonly Buffer[],
  conduct?: Conduct,
  changes: Partial<MessageAccess> = {},
  room?: number,
): Promise<Session> {
  session = await new Session(stored, changes, room).select();
  if (conduct !== undefined) session.conduct = conduct;
  return session;
}

/** The provider says this at commands that match, in place of the usual. */
function at(pattern: RegExp, what: Buffer | string | ((usual: () => Buffer) => Buffer | string)): Conduct {
  return (asked, usual) => {
    if (!pattern.test(asked.text)) return undefined;
    return typeof what === 'function' ? what(usual) : what;
  };
}

/** At the first of them only. */
function once(conduct: Conduct): Conduct {
  let done = false;
  return (asked, usual) => {
    const answer = done ? undefined : conduct(asked, usual);
    done ||= answer !== undefined;
    return answer;
  };
}

const DOWNLOAD = /FETCH \d+(?::\d+)? \(UID (?:FLAGS )?BODY(?:\.PEEK)?\[\]/;
const DISCOVERY = /POSTERN-ORIGIN/;
/** With another character of the armor at this place, or the next one that is none of a line end. */
function flipped(octets: Buffer, from: number): Buffer {
  const changed = Buffer.from(octets);
  let at = from;
  while (/[\r\n]/.test(changed.toString('latin1', at, at + 1))) at += 1;
  changed.write(changed.toString('latin1', at, at + 1) === 'A' ? 'B' : 'A', at);
  return changed;
}

const lastLine = (heard: string): string => heard.trimEnd().split('\r\n').at(-1) ?? '';

describe('FETCH of encrypted messages', { timeout: 60_000 }, () => {
  afterEach(async () => {
    await session?.close();
    session = undefined;
  });

  it('answers from the summary, from the message, and with what the provider says of the others', async () => {
    const s = await begin([PLAIN, SMALL, OTHER]);
    const heard = await s.ask('a FETCH 1:3 (BODY.PEEK[] FLAGS)');
    const [, first = '', second = ''] = heard.split(/(?=^\* \d FETCH)/m);
    assert.equal(literalOf(heard, 'BODY[]'), PLAIN.toString('latin1'));
    assert.equal(literalOf(first, 'BODY[]'), FIRST.toString('latin1'));
    assert.equal(literalOf(second, 'BODY[]'), SECOND.toString('latin1'));
    assert.match(heard, /a OK fetched\r\n$/);
    s.asked.length = 0;
    const listed = await s.ask('b FETCH 2:3 (RFC822.SIZE)');
    assert.match(
      listed,
      new RegExp(`\\* 2 FETCH \\(RFC822.SIZE ${FIRST.length}\\)\\r\\n\\* 3 FETCH \\(RFC822.SIZE ${SECOND.length}\\)`),
    );
    assert.deepEqual(s.asked, []);
  });

  it('keeps the order of a pipeline', async () => {
    const s = await begin([SMALL, OTHER]);
    const heard = await s.ask('a FETCH 2 BODY.PEEK[]', 'b NOOP', 'c FETCH 1 BODY.PEEK[]', 'd NOOP');
    const order = [...heard.matchAll(/^(?:\* \d FETCH|[a-d] OK)/gm)].map(([match]) => match);
    assert.deepEqual(order, ['* 2 FETCH', 'a OK', 'b OK', '* 1 FETCH', 'c OK', 'd OK']);
  });

  it('lets nothing into a large literal', async () => {
    let block = 0;
    const s = await begin([PLAIN, LARGE], (asked, usual) =>
      asked.text.includes('BODY.PEEK[]<')
        ? Buffer.concat([Buffer.from(`* ${3 + block++} EXISTS\r\n* 1 FETCH (FLAGS (k${block}))\r\n`), usual()])
        : undefined,
    );
    const heard = await s.ask('a FETCH 2 (BODY.PEEK[])');
    assert.equal(literalOf(heard, 'BODY[]'), BIG.toString('latin1'));
    const after = heard.slice(heard.indexOf('BODY[] {') + BIG.length);
    assert.ok(block > 2);
    for (let count = 0; count < block; count++) {
      assert.ok(heard.includes(`* ${3 + count} EXISTS\r\n`));
      assert.ok(heard.includes(`* 1 FETCH (FLAGS (k${count + 1}))\r\n`));
    }
    assert.match(after, /EXISTS\r\n/);
    assert.match(heard, /a OK Fetch completed\.\r\n$/);
  });

  /** The first message goes with the discovery, and the provider says so before or after the tagged response. */
  function expunging(of: () => Session, when: 'before' | 'after'): Conduct {
    return once(
      at(DISCOVERY, (usual) => {
        const answer = usual().toString('latin1');
        of().stored.shift();
        return when === 'after' ? `${answer}* 1 EXPUNGE\r\n` : answer.replace(/TAG OK/, '* 1 EXPUNGE\r\nTAG OK');
      }),
    );
  }

  it('lets EXPUNGE through during UID FETCH, and goes on with what is left', async () => {
    const s: Session = await begin([PLAIN, SMALL, OTHER]);
    s.conduct = expunging(() => s, 'before');
    const heard = await s.ask('a UID FETCH 12:13 (BODY.PEEK[])');
    assert.match(heard, /\* 1 EXPUNGE\r\n/);
    assert.match(heard, /\* 1 FETCH \(UID 12 BODY\[\]/);
    assert.match(heard, /\* 2 FETCH \(UID 13 BODY\[\]/);
    assert.match(heard, /a OK Fetch completed\.\r\n$/);
  });

  it('has no EXPUNGE during FETCH, though the provider sends it: it waits for NOOP', async () => {
    for (const [second, third] of [
      [SMALL, OTHER],
      [LARGE, EVICTING],
    ] as const) {
      const s: Session = await begin([PLAIN, second, third]);
      s.conduct = expunging(() => s, 'after');
      const heard = await s.ask('a FETCH 2 (BODY.PEEK[])');
      assert.doesNotMatch(heard, /EXPUNGE\r\n/);
      // The second is another one by now.
      assert.doesNotMatch(heard, /Subject: (?:Second|Elsewhere)/);
      assert.match(lastLine(heard), /^a NO /);
      assert.match(await s.ask('b NOOP'), /^\* 1 EXPUNGE\r\nb OK/);
      assert.match(await s.ask('c FETCH 1 (BODY.PEEK[])'), /Subject: (?:First|Big)/);
      await s.close();
    }
  });

  it('opens no other message under the number of a large one that moved', async () => {
    const again = await own(text('Else', BIG.toString('latin1')), { compatible: false });
    const s = await begin([PLAIN, LARGE, again]);
    assert.match(await s.ask('a FETCH 2 (BODY.PEEK[]<0.20>)'), /BODY\[\]<0> \{20\}/);
    s.conduct = at(/NOOP/, '* 1 EXPUNGE\r\nTAG OK done\r\n');
    s.stored.shift();
    await s.ask('b NOOP');
    s.conduct = () => undefined;
    // Read on at its new place, and by what the client's command allows.
    const heard = await s.ask('c FETCH 1 (BODY.PEEK[]<900000.100>)');
    assert.equal(literalOf(heard, 'BODY[]<900000>'), BIG.toString('latin1', 900_000, 900_100));
    s.asked.length = 0;
    const byUID = await s.ask('d UID FETCH 12 (BODY.PEEK[]<300000.100>)');
    assert.equal(literalOf(byUID, 'BODY[]<300000>'), BIG.toString('latin1', 300_000, 300_100));
    for (const command of s.asked) assert.match(command, /^UID FETCH 12 /);
  });

  it('does not ask for the end of a large message again to read its beginning', async () => {
    const s = await begin([LARGE, EVICTING]);
    await s.ask('a FETCH 1 (BODY.PEEK[]<0.10>)');
    assert.ok(s.asked.some((asked) => /\]<\d{7}\./.test(asked)));
    // It takes the room of what is open.
    await s.ask('b FETCH 2 (BODY.PEEK[]<0.10>)');
    s.asked.length = 0;
    const heard = await s.ask('c FETCH 1 (BODY.PEEK[]<100000.10>)');
    assert.equal(literalOf(heard, 'BODY[]<100000>'), BIG.toString('latin1', 100_000, 100_010));
    const [first, second, ...more] = s.asked;
    assert.equal(first, 'FETCH 1 (UID BODY.PEEK[]<0.131072>)');
    assert.match(second ?? '', /^FETCH 1 \(UID BODY.PEEK\[\]<131072\.\d{5}>\)$/);
    assert.deepEqual(more, []);
  });

  it('shows nothing of a message whose octets are other ones the second time, and then what is there', async () => {
    const mine = await own(FIRST);
    const damaged = flipped(mine, mine.indexOf('BEGIN PGP') + 400);
    for (const [before, after] of [
      [mine, OTHER],
      [mine, damaged],
      [mine, PLAIN],
      [LARGE, EVICTING],
      [LARGE, flipped(LARGE, 10_000)],
    ] as const) {
      const s = await begin([before, PLAIN, EVICTING]);
      assert.match(await s.ask('a FETCH 1 (BODY.PEEK[]<0.20>)'), /BODY\[\]<0> \{20\}\r\nFrom: Bob/);
      // It takes the room of what is open.
      await s.ask('a FETCH 3 (BODY.PEEK[]<0.1>)');
      s.stored.splice(0, 1, { uid: 11, octets: after });
      const heard = await s.ask('b FETCH 1:2 (BODY.PEEK[]<0.100>)');
      assert.match(lastLine(heard), /^b NO The (?:mail provider|encrypted message)/);
      assert.doesNotMatch(heard, /\* 1 FETCH/);
      assert.match(heard, /\* 2 FETCH/);
      // Never lost: what cannot be opened is shown as it is.
      assert.match(await s.ask('c FETCH 1 (BODY.PEEK[])'), /\* 1 FETCH [^]*c OK/);
      await s.close();
    }
  });

  it('shows a damaged message as it is stored, whole, and the others', async () => {
    const sealed = await own(FIRST, { compatible: false });
    const bad = flipped(sealed, sealed.indexOf('-----END PGP') - 60);
    const large = flipped(LARGE, 1_000_000);
    const s = await begin([bad, large, OTHER]);
    const heard = await s.ask('a FETCH 1:3 (BODY.PEEK[])');
    const [small = '', second = '', big = ''] = heard.split(/(?=^\* \d FETCH)/m);
    const stripped = (octets: Buffer): string =>
      octets.toString('latin1').replace(/^Postern-.*\r\n(?:[ \t].*\r\n)*/gm, '');
    assert.equal(literalOf(small, 'BODY[]'), stripped(bad));
    assert.equal(literalOf(second, 'BODY[]'), SECOND.toString('latin1'));
    assert.equal(literalOf(big, 'BODY[]'), stripped(large));
    assert.match(heard, /a OK Fetch completed\.\r\n$/);
    assert.match(await s.ask('b FETCH 2 RFC822.SIZE'), new RegExp(`RFC822.SIZE ${stripped(large).length}\\)`));
  });

  it('shows what no key opens as it is stored, and does not keep that for when there is one', async () => {
    let keys: readonly (typeof alice.key)[] = [];
    const s = await begin([OTHER], undefined, { keys: () => Promise.resolve(keys) });
    assert.match(await s.ask('a FETCH 1 (BODY.PEEK[])'), /BEGIN PGP MESSAGE[^]*a OK/);
    keys = [alice.key];
    await s.ask('b SELECT INBOX');
    assert.match(await s.ask('c FETCH 1 (ENVELOPE)'), /Second/);
  });

  it('says NO where the provider refuses to tell, instead of OK and nothing', async () => {
    for (const [pattern, answer] of [
      [DISCOVERY, 'TAG NO [UNAVAILABLE] later\r\n'],
      [DOWNLOAD, 'TAG NO [UNAVAILABLE] later\r\n'],
      [DISCOVERY, 'TAG BAD what\r\n'],
      [DOWNLOAD, 'TAG OK nothing\r\n'],
      [DISCOVERY, 'TAG OK nothing\r\n'],
      [DISCOVERY, '* 1 FETCH (UID 11)\r\nTAG OK short\r\n'],
      [DOWNLOAD, '* 1 FETCH (UID 11)\r\nTAG OK short\r\n'],
    ] as const) {
      const s = await begin([OTHER], once(at(pattern, answer)));
      assert.match(lastLine(await s.ask('a FETCH 1 (BODY.PEEK[])')), /^a (?:NO|BAD) /, `${pattern.source} ${answer}`);
      // And the session goes on.
      assert.match(await s.ask('b FETCH 1 (BODY.PEEK[])'), /Text of Second[^]*b OK/);
      await s.close();
    }
  });

  it('says NO where a large message does not come, and cuts the connection where it has begun', async () => {
    const s = await begin([LARGE], once(at(/\[\]<0\./, 'TAG NO [UNAVAILABLE] later\r\n')));
    // Ranges are refused; the whole one is not.
    assert.match(lastLine(await s.ask('a FETCH 1 (BODY.PEEK[]<0.10>)')), /^a OK/);
    s.conduct = at(/PEEK\[\]/, 'TAG NO later\r\n');
    await s.ask('b SELECT INBOX');
    assert.match(lastLine(await s.ask('b FETCH 1 (BODY.PEEK[]<0.10>)')), /^b NO The mail provider refuses/);
    s.conduct = () => undefined;
    assert.match(await s.ask('b FETCH 1 (BODY.PEEK[]<0.10>)'), /b OK/);
    s.conduct = ({ text: asked }) => {
      const offset = Number(/PEEK\[\]<(\d+)\./.exec(asked)?.[1] ?? 0);
      return offset > 500_000 && offset < 2_000_000 ? 'TAG NO later\r\n' : undefined;
    };
    await assert.rejects(s.ask('c FETCH 1 (BODY.PEEK[])'), ({ message }: Error) => {
      assert.match(message, /\* 1 FETCH \(BODY\[\] \{/);
      assert.doesNotMatch(message, /\* BYE|c NO /);
      return true;
    });
    assert.equal((await s.ending).cause, 'provider-violation');
  });

  it('takes a message that comes as NIL for an empty one', async () => {
    const s = await begin([OTHER], once(at(DOWNLOAD, '* 1 FETCH (UID 11 BODY[] NIL)\r\nTAG OK done\r\n')));
    assert.match(lastLine(await s.ask('a FETCH 1 (BODY.PEEK[])')), /^a OK/);
  });

  it('understands answers in another order and case, and passes what belongs to nobody', async () => {
    const s = await begin(
      [PLAIN, OTHER],
      at(DOWNLOAD, () =>
        Buffer.concat([
          response(1, ['UID 11', 'FLAGS (\\Deleted)']),
          Buffer.from('* 2 fetch (flags (x) body[] '),
          Buffer.from(`{${OTHER.length}}\r\n`),
          OTHER,
          Buffer.from(' uid 12)\r\n* 7 RECENT\r\nTAG OK done\r\n'),
        ]),
      ),
    );
    const heard = await s.ask('a FETCH 2 (BODY.PEEK[] FLAGS)');
    assert.equal(literalOf(heard, 'BODY[]'), SECOND.toString('latin1'));
    assert.match(heard, /\* 1 FETCH \(UID 11 FLAGS \(\\Deleted\)\)\r\n/);
    assert.match(heard, /\* 7 RECENT\r\n/);
    assert.match(heard, /flags \(x\)\)\r\n\* 7 RECENT\r\na OK/i);
  });

  it('tells of flags that nobody asked for once: in the response, or alone where there is none', async () => {
    const seeing = at(/FETCH .*BODY\[/, (usual) =>
      usual()
        .toString('latin1')
        .replace(/^\* 1 FETCH \(UID 11 /m, '$&FLAGS (\\Seen) '),
    );
    const armored = text('Armored', '-----BEGIN PGP MESSAGE-----\r\n\r\nnonsense\r\n-----END PGP MESSAGE-----\r\n');
    for (const [stored, told] of [
      [OTHER, /^\* 1 FETCH \(BODY\[\] [^]* FLAGS \(\\Seen\)\)\r\na OK/],
      [LARGE, /^\* 1 FETCH \(BODY\[\] [^]* FLAGS \(\\Seen\)\)\r\na OK/],
      [armored, /^\* 1 FETCH \(FLAGS \(\\Seen\)\)\r\n\* 1 FETCH \(BODY\[\] [^]*a OK/],
    ] as const) {
      const s = await begin([stored], once(seeing));
      const heard = await s.ask('a FETCH 1 (BODY[])');
      assert.match(heard, told);
      assert.equal(heard.split('FLAGS (\\Seen)').length, 2);
      await s.close();
    }
  });

  it('passes no content of messages that nobody asked for', async () => {
    const s = await begin(
      [SMALL, OTHER],
      at(DOWNLOAD, (usual) => Buffer.concat([response(1, ['UID 11', literal('BODY[]', SMALL)]), usual()])),
    );
    const heard = await s.ask('a FETCH 2 (BODY.PEEK[])');
    assert.doesNotMatch(heard, /\* 1 FETCH|PGP/);
    assert.match(heard, /Text of Second/);
  });

  it('takes a response twice, and a download twice for none', async () => {
    const s = await begin(
      [OTHER],
      at(DOWNLOAD, (usual) => {
        const one = usual()
          .toString('latin1')
          .replace(/TAG OK fetched\r\n$/, '');
        return `${one}${one}TAG OK done\r\n`;
      }),
    );
    assert.match(lastLine(await s.ask('a FETCH 1 (BODY.PEEK[])')), /^a OK/);
    const spooled = await own(text('Spooled', BIG.toString('latin1')), { compatible: true });
    s.stored.push({ uid: 12, octets: spooled });
    await s.ask('b SELECT INBOX');
    assert.match(
      lastLine(await s.ask('c FETCH 2 (BODY.PEEK[]<0.1>)')),
      /^c NO The mail provider gave the message twice/,
    );
  });

  it('ends the session at a response that cannot be read, or is larger than what was asked for', async () => {
    for (const [pattern, answer] of [
      [DISCOVERY, '* 1 FETCH (UID 11 (\r\nTAG OK done\r\n'],
      [DISCOVERY, '* 1 FETCH (UID 0 BODY[])\r\nTAG OK done\r\n'],
      [DOWNLOAD, response(1, ['UID 11', literal('BODY[]', Buffer.alloc(9 * 1024 * 1024, 'x'))])],
    ] as const) {
      const s = await begin([OTHER], at(pattern, answer));
      await assert.rejects(s.ask('a FETCH 1 (BODY.PEEK[])'), /BYE The mail provider sent/, pattern.source);
      assert.equal((await s.ending).cause, 'provider-violation');
      await s.close();
    }
  });

  it('ends the session at an item that cannot be read', async () => {
    const nonsense = at(DISCOVERY, (usual) =>
      usual()
        .toString('latin1')
        .replace(/SIZE \d+/, 'SIZE many'),
    );
    const s = await begin([OTHER], nonsense);
    await assert.rejects(s.ask('a FETCH 1 (BODY.PEEK[])'), /BYE The mail provider sent/);
    assert.equal((await s.ending).cause, 'provider-violation');
  });

  it('takes sizes that no message has', async () => {
    for (const size of ['0', '281474976710656', '9007199254740991', '4294967296']) {
      const s = await begin(
        [SMALL, OTHER],
        at(DISCOVERY, (usual) =>
          usual()
            .toString('latin1')
            .replace(/RFC822\.SIZE \d+/g, `RFC822.SIZE ${size}`),
        ),
      );
      const heard = await s.ask('a FETCH 1:2 (BODY.PEEK[])');
      assert.match(heard, /Text of First[^]*Text of Second[^]*a OK/, size);
      await s.close();
    }
  });

  it('leaves a structure that cannot be read to the client', async () => {
    const mixed = text('Mixed', 'x\r\n', 'Content-Type: multipart/mixed; boundary=x');
    const s = await begin(
      [mixed],
      at(
        /UID BODYSTRUCTURE/,
        '* 1 FETCH (UID 11 BODYSTRUCTURE (("x" "y"))\r\nTAG OK done\r\n'.replace('(("x" "y"))', '(("x" "y" NIL)))'),
      ),
    );
    const heard = await s.ask('a FETCH 1 (BODY.PEEK[])');
    assert.match(heard, /Subject: Mixed[^]*a OK/);
  });

  it('skips a message that is gone meanwhile', async () => {
    const s = await begin([PLAIN, OTHER], once(at(DOWNLOAD, '* 2 EXPUNGE\r\nTAG NO [EXPUNGEISSUED] gone\r\n')));
    const heard = await s.ask('a UID FETCH 12 (BODY.PEEK[])');
    assert.match(heard, /^\* 2 EXPUNGE\r\na NO \[EXPUNGEISSUED\] gone\r\n$/);
  });

  it('takes the names of fields as literals', async () => {
    const s = await begin([OTHER]);
    s.client.write(Buffer.from('a FETCH 1 (BODY.PEEK[HEADER.FIELDS ({7}\r\n'));
    await s.more();
    s.client.write(Buffer.from('Subject {2+}\r\nTo)])\r\n'));
    const heard = await s.readTo('a');
    assert.match(
      heard,
      /^\+ [^\r]*\r\n\* 1 FETCH \(BODY\[HEADER\.FIELDS \("?Subject"? "?To"?\)\] \{19\}\r\nSubject: Second\r\n\r\n\)\r\na OK/i,
    );
    assert.match(await s.ask('b FETCH 1 (BODY.PEEK[HEADER.FIELDS ({7+}\r\nSubject)])'), /Subject: Second/);
    assert.match(await s.ask('c FETCH 1 (BODY.PEEK[HEADER.FIELDS ({9999+}\r\n' + 'x'.repeat(9999) + ')])'), /c BAD/);
    assert.match(await s.ask('d NOOP'), /d OK/);
  });

  it('refuses items and modifiers that are unknown', async () => {
    const s = await begin([OTHER]);
    s.asked.length = 0;
    for (const [tag, rest] of [
      ['a', '1 (FLAGS X-CONTENT)'],
      ['b', '1 X-RAW[]'],
      ['c', '1 (FLAGS) (PARTIAL 1:5)'],
      ['d', '1'],
      ['e', '1 (BODY[]'],
    ] as const) {
      assert.match(await s.ask(`${tag} FETCH ${rest}`), new RegExp(`^${tag} BAD `), rest);
    }
    assert.deepEqual(s.asked, []);
  });

  it('passes modifiers, and what comes of them', async () => {
    const s = await begin([PLAIN, OTHER]);
    s.conduct = at(/CHANGEDSINCE/, (usual) => `* VANISHED (EARLIER) 5:9\r\n${usual().toString('latin1')}`);
    const heard = await s.ask('a UID FETCH 11:12 (BODY.PEEK[TEXT]) (CHANGEDSINCE 3 VANISHED)');
    assert.match(heard, /^\* VANISHED \(EARLIER\) 5:9\r\n/);
    assert.match(heard, /\* 2 FETCH \(UID 12 BODY\[TEXT\] \{17\}\r\nText of Second\.\r\n MODSEQ \(5\)\)/);
    assert.ok(s.asked.includes('UID FETCH 11:12 (UID) (CHANGEDSINCE 3 VANISHED)'), s.asked.join('\n'));
  });

  it('asks the provider about sets that it does not know', async () => {
    const s = await begin([PLAIN, OTHER]);
    s.conduct = at(/FETCH \$ /, '* 2 FETCH (UID 12)\r\nTAG OK done\r\n');
    assert.match(
      await s.ask('a FETCH $ (BODY.PEEK[TEXT])'),
      /^\* 2 FETCH \(BODY\[TEXT\] \{17\}\r\nText of Second[^]*a OK/,
    );
    s.conduct = at(/FETCH 2:9/, 'TAG BAD no such number\r\n');
    assert.equal(await s.ask('b FETCH 2:9 (BODY.PEEK[TEXT])'), 'b BAD no such number\r\n');
    s.conduct = () => undefined;
    assert.match(await s.ask('c FETCH * (BODY.PEEK[TEXT])'), /^\* 2 FETCH[^]*c OK/);
    assert.equal(await s.ask('d UID FETCH 700:800 (BODY.PEEK[TEXT])'), 'd OK Fetch completed.\r\n');
  });

  it('counts as the client does while it has not been told what is gone', async () => {
    const s = await begin([PLAIN, SMALL, OTHER]);
    s.provider.write(Buffer.from('* 1 EXPUNGE\r\n'));
    s.stored.shift();
    s.conduct = once(at(DISCOVERY, (usual) => Buffer.concat([Buffer.from('* 1 FETCH (FLAGS (x))\r\n'), usual()])));
    const heard = await s.ask('a UID FETCH 12 (BODY.PEEK[TEXT])');
    // Message 1 of the provider is the second one until EXPUNGE has been told.
    assert.match(
      heard,
      /^(?:\* 2 FETCH \(FLAGS \(x\)\)\r\n\* 1 EXPUNGE|\* 1 EXPUNGE\r\n\* 1 FETCH \(FLAGS \(x\)\))\r\n\* 1 FETCH \(UID 12 BODY/,
    );
  });

  it('lets go of everything when the client goes in the middle of a literal', async () => {
    const s = await begin([LARGE], undefined, {}, 1024);
    s.client.write(Buffer.from('a FETCH 1 (BODY.PEEK[])\r\n'));
    await s.more();
    s.client.lose();
    assert.equal((await s.ending).cause, 'client-gone');
  });

  it('cuts the literal off where the provider goes in the middle of it', async () => {
    const s: Session = await begin([LARGE]);
    assert.match(await s.ask('a FETCH 1 (BODY.PEEK[]<0.10>)'), /a OK/);
    s.conduct = at(/PEEK\[\]<524288\./, (usual) => {
      void s.provider.end();
      return usual().subarray(0, 500_000);
    });
    await assert.rejects(s.ask('b FETCH 1 (BODY.PEEK[])'), ({ message }: Error) => {
      assert.match(message, /\* 1 FETCH \(BODY\[\] \{/);
      assert.doesNotMatch(message, /\* BYE|b (?:OK|NO) /);
      return true;
    });
    assert.equal((await s.ending).cause, 'provider-gone');
  });

  it('says NO where its disk cannot be used, and goes on', async () => {
    const spooled = await own(text('Spooled', BIG.toString('latin1')), { compatible: true });
    const s = await begin([spooled, OTHER], undefined, { spoolDirectory: '/nonexistent' });
    const heard = await s.ask('a FETCH 1:2 (BODY.PEEK[TEXT])');
    assert.match(lastLine(heard), /^a NO Postern cannot use its disk to open a message of this size \(ENOENT\)/);
    assert.match(heard, /Text of Second/);
    assert.match(await s.ask('b NOOP'), /b OK/);
  });
});
