import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { startCyrus } from './cyrus.js';
import { type Allowed, type Difference, compare } from './differential.js';
import { startDovecot } from './dovecot.js';
import type { MailServer } from './endpoint.js';
import type { Pace } from './replay.js';
import { type Alter, relay } from './relay.js';
import { parseDialogue, readDialogues } from './script.js';

const PACES: readonly (readonly [string, Pace])[] = [
  ['whole', 'whole'],
  ['an octet at a time', 'octets'],
  ['in random pieces', { seed: 7 }],
  ['pipelined', 'pipelined'],
];

/** Everything that can be tried; else what fits into the time of the ordinary tests. */
const ALL = process.env['E2E'] === 'all';

describe('comparing dialogues', () => {
  let servers: readonly MailServer[];
  before(async () => {
    servers = await Promise.all([startDovecot(), startCyrus()]);
  });
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });

  const server = (name: MailServer['name']): MailServer => {
    const found = servers.find((one) => one.name === name);
    assert.ok(found);
    return found;
  };

  // Most of the time goes by in the servers' own waiting.
  describe('finds nothing between a server and itself', { concurrency: 4 }, () => {
    for (const dialogue of readDialogues()) {
      const [first = 'Dovecot', ...others] = dialogue.servers;
      for (const name of ALL ? [first, ...others] : [first]) {
        it(`${name}: ${dialogue.name}`, async () => {
          const found = await compare({ dialogue, server: server(name), interpose: relay(), pace: 'whole' });
          assert.deepEqual(found, []);
        });
      }
    }
  });

  const select = parseDialogue('select', readFileSync('test/e2e/imap/dialogues/select.txt', 'utf8'));
  for (const [name, pace] of PACES) {
    it(`finds nothing when a dialogue is sent ${name}`, async () => {
      for (const one of servers)
        assert.deepEqual(await compare({ dialogue: select, server: one, interpose: relay(), pace }), []);
    });
  }

  describe('through a relay that is not transparent', () => {
    const text = 'fixture: numbers\nstart: selected\nC: a FETCH 1:3 (FLAGS UID)\nC: b FETCH 2 BODY[]\nC: c NOOP\n';
    const dialogue = parseDialogue('three commands', text);
    const found = (alter: Alter): Promise<readonly Difference[]> =>
      compare({ dialogue, server: server('Dovecot'), interpose: relay(() => alter), pace: 'whole' });
    const seen = (expected: Partial<Difference>) => ({ dialogue: dialogue.name, connection: 1, ...expected });

    it('finds an octet that is another one, also in a literal', async () => {
      const alter: Alter = (response) => [
        Buffer.from(response.toString('latin1').replace('Body of', 'Bodx of'), 'latin1'),
      ];
      const [difference, ...more] = await found(alter);
      assert.deepEqual(more, []);
      assert.match(difference?.provider ?? '', /^\* 2 FETCH .*Body of message 2\.+\r\n\)\r\n$/s);
      assert.equal(difference?.through, difference?.provider?.replace('Body', 'Bodx'));
    });

    it('finds a response that is missing', async () => {
      const provider = '* 2 FETCH (FLAGS (\\Seen \\Recent) UID 2)\r\n';
      const differences = await found((response) =>
        response.toString().startsWith('* 2 FETCH (FLAGS') ? [] : [response],
      );
      assert.deepEqual(differences, [seen({ at: 3, provider })]);
    });

    it('finds a response that comes twice', async () => {
      const through = '* 2 FETCH (FLAGS (\\Seen \\Recent) UID 2)\r\n';
      const differences = await found((response) =>
        response.toString().startsWith('* 2 FETCH (FLAGS') ? [response, response] : [response],
      );
      assert.deepEqual(differences, [seen({ at: 3, through })]);
    });

    it('finds responses in another order', async () => {
      let held: Buffer[] = [];
      const differences = await found((response) => {
        const out = [response, ...held];
        held = [];
        if (!response.toString().startsWith('* 2 FETCH (FLAGS')) return out;
        held = [response];
        return [];
      });
      assert.equal(differences.length, 2);
    });

    it('leaves out what is allowed, and only that', async () => {
      const alter: Alter = (response) =>
        response.toString().startsWith('c OK') ? [Buffer.from('c OK Done.\r\n')] : [response];
      const compareWith = (allowed: Allowed): Promise<readonly Difference[]> =>
        compare({
          dialogue,
          server: server('Dovecot'),
          interpose: relay(() => alter),
          pace: 'whole',
          allowed: [allowed],
        });
      const reason = 'the relay answers NOOP itself';
      assert.deepEqual(await compareWith({ reason, provider: /^c OK NOOP/, through: /^c OK Done/ }), []);
      assert.equal((await compareWith({ reason, provider: null, through: /^c OK Done/ })).length, 1);
      assert.equal((await compareWith({ reason, dialogue: /other/, provider: /^c/, through: /^c/ })).length, 1);
    });
  });
});
