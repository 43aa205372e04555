import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readResponse } from '#imap/wire/response';
import { octets, outcome, response } from './octets.js';
import { read } from './responses.js';

function refused(...texts: readonly string[]): void {
  for (const text of texts)
    assert.equal(
      outcome(() => readResponse(response(`${text}\r\n`))),
      'syntax',
      text,
    );
}

describe('responses about mailboxes', () => {
  it('LIST, LSUB, XLIST', () => {
    const list = { kind: 'list', name: 'LIST', delimiter: octets('/'), extended: undefined };
    assert.deepEqual(read('* LIST (\\Noselect) "/" ~/Mail/foo'), {
      ...list,
      attributes: ['\\Noselect'],
      mailbox: octets('~/Mail/foo'),
    });
    assert.deepEqual(read('* LIST () NIL INBOX'), {
      ...list,
      attributes: [],
      delimiter: undefined,
      mailbox: octets('INBOX'),
    });
    assert.deepEqual(read('* lsub () "\\\\" {3}\r\na b'), {
      ...list,
      name: 'LSUB',
      attributes: [],
      delimiter: octets('\\'),
      mailbox: octets('a b'),
    });
    // RFC 9051 §6.3.9.8.
    const extended = read('* LIST (\\Subscribed) "/" "Foo/Bar" ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" ("x"))');
    assert.ok(extended.kind === 'list');
    assert.deepEqual(extended.extended, [
      { name: octets('CHILDINFO'), value: [octets('("SUBSCRIBED")')] },
      { name: octets('OLDNAME'), value: [octets('("x")')] },
    ]);
    read('* XLIST (\\HasNoChildren \\Inbox) "/" "Inbox"');
    read('* LIST () "/" "" ()');
    refused(
      '* LIST',
      '* LIST () "/"',
      '* LIST () / x',
      '* LIST "/" x',
      '* LIST () "/" x y',
      '* LIST () "/" x ("a")',
      '* LIST () "/" (x)',
    );
  });

  it('NAMESPACE', () => {
    const [personal, others] = [
      [{ prefix: octets(''), delimiter: octets('/'), extended: [] }],
      [{ prefix: octets('~'), delimiter: octets('/'), extended: [] }],
    ];
    assert.deepEqual(read('* NAMESPACE (("" "/")) (("~" "/")) NIL'), {
      kind: 'namespace',
      personal,
      others,
      shared: undefined,
    });
    assert.deepEqual(read('* NAMESPACE NIL NIL (("" "."))').kind, 'namespace');
    const two = read('* NAMESPACE (("" "/")("#mh/" "/" "X-PARAM" ("FLAG1" "FLAG2"))) NIL NIL');
    assert.ok(two.kind === 'namespace');
    assert.deepEqual(two.personal?.[1]?.extended, [{ name: octets('X-PARAM'), value: [octets('("FLAG1" "FLAG2")')] }]);
    refused(
      '* NAMESPACE',
      '* NAMESPACE NIL NIL',
      '* NAMESPACE NIL NIL NIL NIL',
      '* NAMESPACE (("")) NIL NIL',
      '* NAMESPACE ("" "/") NIL NIL',
    );
  });

  it('STATUS', () => {
    assert.deepEqual(
      read('* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 HIGHESTMODSEQ 7011231777 MAILBOXID (F2) APPENDLIMIT NIL)'),
      {
        kind: 'mailbox-status',
        mailbox: octets('blurdybloop'),
        items: [
          { kind: 'number', name: 'MESSAGES', number: 231n },
          { kind: 'number', name: 'UIDNEXT', number: 44292n },
          { kind: 'number', name: 'HIGHESTMODSEQ', number: 7011231777n },
          { kind: 'other', name: 'MAILBOXID', value: [octets('(F2)')] },
          { kind: 'other', name: 'APPENDLIMIT', value: [octets('NIL')] },
        ],
      },
    );
    read('* STATUS "" ()');
    refused('* STATUS', '* STATUS x', '* STATUS x (MESSAGES)', '* STATUS x MESSAGES 1', '* STATUS x (MESSAGES 1');
  });
});

describe('responses about searches', () => {
  it('SEARCH and SORT', () => {
    assert.deepEqual(read('* SEARCH 2 84 882'), { kind: 'search', numbers: [2, 84, 882], modseq: undefined });
    assert.deepEqual(read('* SEARCH 2 5 (MODSEQ 917162500)'), { kind: 'search', numbers: [2, 5], modseq: 917162500n });
    assert.deepEqual(read('* SORT'), { kind: 'sort', numbers: [], modseq: undefined });
    assert.deepEqual(readResponse(response('* SEARCH \r\n')), { kind: 'search', numbers: [], modseq: undefined });
    refused(
      '* SEARCH 0',
      '* SEARCH 1,2',
      '* SEARCH x',
      '* SEARCH 1  2',
      '* SEARCH 4294967296',
      '* SEARCH (MODSEQ 1) 2',
    );
  });

  it('ESEARCH', () => {
    assert.deepEqual(
      read('* ESEARCH (TAG "a567") UID COUNT 5 ALL 4:19,21,28 MIN 4 MAX 28 MODSEQ 1236 PARTIAL (1:2 3)'),
      {
        kind: 'esearch',
        tag: octets('a567'),
        uid: true,
        results: [
          { kind: 'count', number: 5 },
          { kind: 'all', set: [{ first: 4, last: 19 }, { first: 21 }, { first: 28 }] },
          { kind: 'min', number: 4 },
          { kind: 'max', number: 28 },
          { kind: 'modseq', modseq: 1236n },
          { kind: 'other', name: 'PARTIAL', value: [octets('(1:2 3)')] },
        ],
      },
    );
    assert.deepEqual(read('* ESEARCH'), { kind: 'esearch', tag: undefined, uid: false, results: [] });
    assert.deepEqual(read('* ESEARCH (TAG "a") UID'), { kind: 'esearch', tag: octets('a'), uid: true, results: [] });
    assert.deepEqual(read('* ESEARCH UIDX 1').kind, 'esearch');
    refused('* ESEARCH (TAG)', '* ESEARCH UID COUNT', '* ESEARCH ALL 0', '* ESEARCH COUNT 1 UID');
  });

  it('THREAD', () => {
    // RFC 5256 §4.
    assert.deepEqual(read('* THREAD (2)(3 6 (4 23)(44 7 96))'), {
      kind: 'thread',
      threads: [
        { numbers: [2], branches: [] },
        {
          numbers: [3, 6],
          branches: [
            { numbers: [4, 23], branches: [] },
            { numbers: [44, 7, 96], branches: [] },
          ],
        },
      ],
    });
    assert.deepEqual(read('* THREAD ((3)(5))'), {
      kind: 'thread',
      threads: [
        {
          numbers: [],
          branches: [
            { numbers: [3], branches: [] },
            { numbers: [5], branches: [] },
          ],
        },
      ],
    });
    read('* THREAD');
    refused(
      '* THREAD (',
      '* THREAD (1',
      '* THREAD (1)(',
      '* THREAD 1',
      '* THREAD (0)',

      '* THREAD (1 )x',
    );
    assert.equal(
      outcome(() => readResponse(response(`* THREAD ${'('.repeat(1000)}\r\n`))),
      'limit',
    );
  });
});
