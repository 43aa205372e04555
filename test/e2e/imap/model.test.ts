import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CommandKind, Mailbox, Violation } from './model.js';

/** A mailbox with UIDs 10, 20 and 30, and one message that has not been fetched. */
function mailbox(): Mailbox {
  const found = new Mailbox({ numbers: new Map([[20, 7]]) });
  tell(found, '* 4 EXISTS');
  for (const number of [1, 2, 3]) tell(found, `* ${number} FETCH (UID ${number}0 FLAGS ())`);
  return found;
}

function tell(to: Mailbox, response: string, underWay: readonly CommandKind[] = ['other']): void {
  to.apply(Buffer.from(`${response}\r\n`), underWay);
}

describe('what a client believes', () => {
  const uids = ({ messages }: Mailbox): unknown[] => messages.map(({ uid }) => uid);

  it('follows EXPUNGE and VANISHED', () => {
    const found = mailbox();
    tell(found, '* 2 EXPUNGE');
    assert.deepEqual(uids(found), [10, 30, undefined]);
    tell(found, '* VANISHED 10,35', ['uid']);
    assert.deepEqual(uids(found), [30]);
  });

  for (const [response, underWay] of [
    ['* 1 EXPUNGE', ['number']],
    ['* VANISHED 10', ['number', 'number']],
    ['* 5 EXPUNGE', ['other']],
    ['* VANISHED 15', ['other']],
    ['* 3 EXISTS', ['other']],
    ['* 1 FETCH (UID 11)', ['other']],
    ['* 4 FETCH (UID 25)', ['other']],
    ['* 5 FETCH (FLAGS ())', ['other']],
    ['* SEARCH 2 5', ['number']],
    ['* 2 FETCH (UID 20 BODY[HEADER.FIELDS (X-NUMBER)] {13}\r\nX-Number: 8\r\n)', ['number']],
  ] as const) {
    it(`does not take ${response.replace('\r\n', ' ')} while ${underWay.join(', ')} is under way`, () => {
      assert.throws(() => {
        tell(mailbox(), response, underWay);
      }, Violation);
    });
  }

  it('takes an EXPUNGE while another command is under way too', () => {
    tell(mailbox(), '* 1 EXPUNGE', ['number', 'other']);
    tell(mailbox(), '* 1 EXPUNGE', ['number', 'uid']);
  });
});
