/** How mailboxes are listed: in few commands, whatever is in them. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { type Conduct, Session, own, text } from './fixture.js';

const COUNT = 130;
const HTML = text('Plain', '<p>\r\n', 'Content-Type: text/html');
const FIRST = text('First');
const SUMMARISED = await own(FIRST, { summary: FIRST });
const BARE = await own(text('Second'));
const ENVELOPE = /ENVELOPE \(NIL "First"/;

let session: Session | undefined;

async function begin(stored: readonly Buffer[], conduct?: Conduct): Promise<Session> {
  session = await new Session(stored).select();
  if (conduct !== undefined) session.conduct = conduct;
  // So that the provider need not be asked which messages there are.
  await session.ask('u FETCH 1:* UID');
  session.asked.length = 0;
  return session;
}

function many(octets: Buffer): readonly Buffer[] {
  return Array.from({ length: COUNT }, () => octets);
}

const answered = (heard: string): readonly string[] => heard.match(/^\* \d+ FETCH/gm) ?? [];

describe('a listing', { timeout: 60_000 }, () => {
  afterEach(async () => {
    await session?.close();
    session = undefined;
  });

  it('has the provider answer for plain messages where most of them are, in the command that finds that out', async () => {
    const s = await begin(many(HTML));
    const heard = await s.ask('a FETCH 1:* (FLAGS ENVELOPE BODY.PEEK[HEADER.FIELDS (Subject)])');
    assert.equal(new Set(answered(heard)).size, COUNT);
    assert.equal(answered(heard).length, COUNT);
    assert.match(heard, /^\* 130 FETCH \(FLAGS \(\\Recent\) ENVELOPE NIL BODY\[HEADER.FIELDS \(Subject\)\] \{18\}/m);
    assert.match(heard, /a OK fetched\r\n$/);
    // Those of the sample, the others, and once more the sample, for what it was not asked at first.
    assert.equal(s.asked.length, 3);
    assert.doesNotMatch(s.asked[0] ?? '', /ENVELOPE/);
    assert.match(s.asked[1] ?? '', /^FETCH 101:130 \(UID .*ENVELOPE/);
    assert.match(s.asked[2] ?? '', /^FETCH 1:100 \(FLAGS ENVELOPE/);
  });

  it('answers from summaries in the command that tells of them, and asks for whole headers where most have one', async () => {
    const s = await begin([...many(SUMMARISED), HTML]);
    const heard = await s.ask('a UID FETCH 1:* (FLAGS ENVELOPE)');
    assert.equal(answered(heard).length, COUNT + 1);
    assert.equal(heard.match(new RegExp(ENVELOPE, 'g'))?.length, COUNT);
    assert.match(heard, /^\* 1 FETCH \(UID 11 FLAGS \(\\Recent\) ENVELOPE/m);
    assert.match(s.asked[0] ?? '', /HEADER.FIELDS/);
    assert.match(s.asked[1] ?? '', /^UID FETCH 111:141 \(UID RFC822.SIZE BODY.PEEK\[HEADER\] FLAGS\)/);
    // The plain one.
    assert.deepEqual(s.asked.slice(2), ['UID FETCH 141 (FLAGS ENVELOPE)']);
  });

  it('takes the fields that it asks for, and not those of the client', async () => {
    const s = await begin([SUMMARISED, BARE]);
    const heard = await s.ask('a FETCH 1:2 (BODY.PEEK[HEADER.FIELDS (Subject)])');
    assert.match(heard, /^\* 1 FETCH \(BODY\[HEADER.FIELDS \(Subject\)\] \{18\}\r\nSubject: First/im);
    assert.match(heard, /^\* 2 FETCH \(BODY\[HEADER.FIELDS \(Subject\)\] \{19\}\r\nSubject: Second/im);
  });

  it('does without an item that the provider leaves out', async () => {
    const s = await begin([...many(HTML), SUMMARISED], ({ text: asked }, usual) =>
      asked.includes('ENVELOPE') && asked.includes('HEADER.FIELDS')
        ? usual().toString('latin1').replaceAll(' ENVELOPE NIL', '')
        : undefined,
    );
    const heard = await s.ask('a FETCH 1:* (FLAGS ENVELOPE)');
    assert.match(heard, ENVELOPE);
    assert.equal(heard.match(/^\* \d+ FETCH \(FLAGS \(\\Recent\) ENVELOPE NIL\)/gm)?.length, COUNT);
    assert.match(heard, /a OK fetched\r\n$/);
  });

  it('leaves what is too much to be taken apart to the client', async () => {
    const huge = ` ENVELOPE (${'{1}\r\nx '.repeat(1100)})`;
    const s = await begin(many(HTML), (_, usual) =>
      usual()
        .toString('latin1')
        .replace(/(\* 120 FETCH [^*]*) ENVELOPE NIL/, `$1${huge}`),
    );
    const heard = await s.ask('a FETCH 1:* (FLAGS ENVELOPE)');
    assert.equal(new Set(answered(heard)).size, COUNT);
    assert.ok(heard.includes(`* 120 FETCH (FLAGS (\\Recent)${huge})\r\n`));
    assert.match(heard, /a OK fetched\r\n$/);
  });

  it('is told once of flags that come with it', async () => {
    const s = await begin([SUMMARISED, HTML], ({ text: asked }, usual) =>
      asked.includes('HEADER.FIELDS')
        ? usual().toString('latin1').replace('* 1 FETCH (', '* 1 FETCH (FLAGS (\\Seen) ')
        : undefined,
    );
    const heard = await s.ask('a FETCH 1 (ENVELOPE)');
    assert.match(heard, /^\* 1 FETCH \(FLAGS \(\\Seen\)\)\r\n\* 1 FETCH \(ENVELOPE [^\n]*\)\r\na OK/);
  });
});
