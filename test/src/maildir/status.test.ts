import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gather } from '#lib/bytes/source';
import { maildirStatus, totalStatus } from '#src/maildir/status';
import { files, maildir } from './toy.js';

describe('the status of a Maildir', () => {
  it('counts messages and octets by folder and by whom they are encrypted to', async (context) => {
    const root = maildir(context, {
      'cur/1.a:2,': 'plain',
      'new/2.b': 'ours',
      '.Sent/cur/3.c:2,': 'others',
      '.Sent/cur/4.d:2,': 'plain, too',
      '.Sent/cur/5.e:2,': Buffer.from('1f8b0800', 'hex'),
    });
    const before = files(root);
    const failures: string[] = [];
    const rows = await maildirStatus({
      root,
      classify: async (message) => {
        const text = (await gather(message.stream())).toString();
        return text === 'ours' || text === 'others' ? text : 'plain';
      },
      onFailure: (file) => failures.push(file),
    });
    const none = { messages: 0, octets: 0 };
    assert.deepEqual(rows, [
      {
        name: 'INBOX',
        ours: { messages: 1, octets: 4 },
        others: none,
        plain: { messages: 1, octets: 5 },
        unreadable: none,
      },
      {
        name: 'Sent',
        ours: none,
        others: { messages: 1, octets: 6 },
        plain: { messages: 1, octets: 10 },
        unreadable: { messages: 1, octets: 4 },
      },
    ]);
    assert.deepEqual(failures, ['Sent: cur/5.e:2,']);
    assert.deepEqual(totalStatus(rows).plain, { messages: 2, octets: 15 });
    assert.deepEqual(files(root), before);
  });
});
