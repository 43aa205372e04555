import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  ALICE,
  type Mode,
  type Site,
  assertSameBytes,
  decrypt,
  filesWith,
  messagesIn,
  openSite,
  sampleMessage,
} from './site.js';

/** What sysexits.h calls "try again later". */
const EX_TEMPFAIL = 75;

interface Agent {
  readonly name: 'procmail' | 'maildrop';
  readonly sample: string;
  /** The arguments that make it take its orders from this file only. */
  readonly args: (file: string) => readonly string[];
  /** What the MTA puts above the message. */
  readonly envelope: string;
  /** What the agent adds to the end of the message. */
  readonly epilogue: string;
}

const agents: readonly Agent[] = [
  {
    name: 'procmail',
    sample: 'procmail/procmailrc',
    args: (file) => ['-m', file],
    envelope: 'From bob@example.com  Sat Nov 21 06:40:56 2026\n',
    epilogue: '\n',
  },
  { name: 'maildrop', sample: 'maildrop/mailfilter', args: (file) => [file], envelope: '', epilogue: '' },
];

let site: Site;
before(() => {
  site = openSite();
});
after(() => {
  site.close();
});

for (const agent of agents) {
  describe(`${agent.name} with etc/${agent.sample}`, () => {
    let maildir: string;
    let file: string;

    before(() => {
      maildir = join(site.makeFolder(agent.name), 'Maildir');
      file = site.install(agent.sample, { '$HOME/Maildir': maildir, '/usr/local/lib/postern': site.library }, 0o600);
    });

    beforeEach(() => {
      site.setMode('work');
      rmSync(maildir, { recursive: true, force: true });
      for (const folder of [maildir, join(maildir, '.Sent')])
        for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(folder, name), { recursive: true });
      site.give(maildir);
    });

    const deliver = (message: Buffer): number | null =>
      site.run(agent.name, agent.args(file), { input: Buffer.concat([Buffer.from(agent.envelope), message]) }).status;

    it('delivers the message encrypted', () => {
      const message = sampleMessage('whimbrel', '\n');
      assert.equal(deliver(message), 0);
      const [stored, ...more] = messagesIn(maildir);
      assert.ok(stored);
      assert.equal(more.length, 0);
      assert.match(stored.toString('latin1'), /^Content-Type: multipart\/encrypted;/m);
      assert.deepEqual(filesWith(site, 'whimbrel'), []);
      const plaintext = decrypt(site, stored);
      assertSameBytes(plaintext, site.handed());
      assertSameBytes(plaintext, Buffer.concat([message, Buffer.from(agent.epilogue)]));
    });

    it('puts blind copies to oneself into Sent', () => {
      const copy = (tag: string): Buffer =>
        Buffer.concat([Buffer.from(`Delivered-To: alice+${tag}@example.com\n`), sampleMessage('avocet', '\n')]);
      assert.equal(deliver(copy('sent-3f9a61c07d')), 0);
      assert.equal(deliver(copy('sent-guess')), 0);
      assert.equal(messagesIn(join(maildir, '.Sent')).length, 1);
      assert.equal(messagesIn(maildir).length, 1);
      assert.deepEqual(filesWith(site, 'avocet'), []);
    });

    const switchTo = (mode: Mode) => (): void => {
      site.setMode(mode);
    };
    const home = (access: number) => (): void => {
      chmodSync(site.home, access);
    };
    const back = switchTo('work');
    for (const [name, begin, end] of [
      ['is killed while it reads', switchTo('killed-reading'), back],
      ['is killed while it writes', switchTo('killed-writing'), back],
      ['exits with 75', switchTo('tempfail'), back],
      ['may not read its keyring', home(0o000), home(0o755)],
    ] as const) {
      it(`exits with EX_TEMPFAIL while the filter ${name}, and delivers once after that`, () => {
        const message = sampleMessage('stilt-', '\n');
        begin();
        try {
          assert.equal(deliver(message), EX_TEMPFAIL);
          assert.deepEqual(messagesIn(maildir), []);
          assert.deepEqual(filesWith(site, 'stilt-'), []);
        } finally {
          end();
        }
        assert.equal(deliver(message), 0);
        assert.equal(messagesIn(maildir).length, 1);
        assert.deepEqual(filesWith(site, 'stilt-'), []);
      });
    }

    it('exits with EX_TEMPFAIL where there is no certificate', () => {
      const other = site.install(
        agent.sample,
        { '$HOME/Maildir': maildir, '/usr/local/lib/postern': site.library, [ALICE]: 'dave@example.com' },
        0o600,
      );
      const { status } = site.run(agent.name, agent.args(other), { input: sampleMessage('knot', '\n') });
      site.install(agent.sample, { '$HOME/Maildir': maildir, '/usr/local/lib/postern': site.library }, 0o600);
      assert.equal(status, EX_TEMPFAIL);
      assert.deepEqual(messagesIn(maildir), []);
    });
  });
}
