import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readCommand, writeCommand } from '#imap/wire/command';
import { readCommandHead, tagOf } from '#imap/wire/commandhead';
import { read, refused } from './commands.js';
import { command, octets, outcome, spelled } from './octets.js';

describe('the head of a command', () => {
  it('is a tag and a name, UID folded in', () => {
    assert.deepEqual(readCommandHead(octets('a.1 noop\r\n')), { tag: 'a.1', name: 'NOOP', end: 8 });
    assert.deepEqual(readCommandHead(octets('] uid Fetch 1 x\r\n')), { tag: ']', name: 'UID FETCH', end: 11 });
    assert.deepEqual(readCommandHead(octets('a LOGIN {3}\r\n')).end, 7);
    for (const text of [
      '',
      ' a',
      '+ NOOP',
      'a',
      'a ',
      'a+ NOOP',
      'a\0 NOOP',
      'a  NOOP',
      'a UID',
      'a UID ',
      '* OK',
      '"a" b',
    ]) {
      assert.equal(
        outcome(() => readCommandHead(octets(`${text}\r\n`))),
        'syntax',
        text,
      );
    }
  });

  it('gives the tag where nothing else can be read', () => {
    assert.equal(tagOf(octets('a1 \0')), 'a1');
    for (const text of ['a1', '', ' x', '+ x', `${'a'.repeat(300)} x`, 'a\r b', '\xe9 b']) {
      assert.equal(tagOf(octets(text)), undefined, text);
    }
  });
});

describe('commands before login', () => {
  it('LOGIN', () => {
    const login = { kind: 'login', tag: 'a', user: octets('bob'), password: octets('p"w') };
    assert.deepEqual(read('a login bob "p\\"w"'), login);
    assert.deepEqual(read('a LOGIN {3+}\r\nbob {3+}\r\np"w'), login);
    assert.deepEqual(read('a LOGIN "" ""'), { kind: 'login', tag: 'a', user: octets(''), password: octets('') });
    refused(
      'a LOGIN',
      'a LOGIN bob',
      'a LOGIN bob pw ',
      'a LOGIN bob pw x',
      'a LOGIN  bob pw',
      'a LOGIN bob "pw',
      'a LOGIN b{3+}\r\nabc d',
    );
  });

  it('AUTHENTICATE', () => {
    const plain = { kind: 'authenticate', tag: 'a', mechanism: 'PLAIN' };
    assert.deepEqual(read('a AUTHENTICATE plain'), { ...plain, initialResponse: undefined });
    assert.deepEqual(read('a AUTHENTICATE PLAIN ='), { ...plain, initialResponse: octets('') });
    assert.deepEqual(read('a AUTHENTICATE PLAIN AHRlc3QAdGVzdA=='), {
      ...plain,
      initialResponse: octets('\0test\0test'),
    });
    refused(
      'a AUTHENTICATE',
      'a AUTHENTICATE PLAIN x',
      'a AUTHENTICATE PLAIN AA==x',
      'a AUTHENTICATE PLAIN {1+}\r\nx',
      'a AUTHENTICATE PLAIN =A==',
    );
  });

  it('ID, ENABLE, COMPRESS, IDLE', () => {
    assert.deepEqual(read('a023 ID NIL'), { kind: 'id', tag: 'a023', fields: undefined });
    assert.deepEqual(read('a ID ("name" "sodr" "version" NIL)'), {
      kind: 'id',
      tag: 'a',
      fields: [
        { name: octets('name'), value: octets('sodr') },
        { name: octets('version'), value: undefined },
      ],
    });
    assert.deepEqual(read('t2 ENABLE CONDSTORE x-good-idea'), {
      kind: 'enable',
      tag: 't2',
      capabilities: ['CONDSTORE', 'X-GOOD-IDEA'],
    });
    assert.deepEqual(read('A002 IDLE'), { kind: 'idle', tag: 'A002' });
    assert.deepEqual(read('d COMPRESS deflate'), { kind: 'compress', tag: 'd', mechanism: 'DEFLATE' });
    refused('a ID', 'a ID ()x', 'a ID ("a")', 'a ID (a "b")', 'a ENABLE', 'a ENABLE ', 'a IDLE x', 'a COMPRESS');
  });
});

describe('commands about mailboxes', () => {
  it('SELECT and EXAMINE', () => {
    const select = { kind: 'select', tag: 'A', readOnly: false, mailbox: octets('INBOX'), parameters: [] };
    assert.deepEqual(read('A SELECT INBOX'), select);
    assert.deepEqual(read('A EXAMINE {5+}\r\nINBOX'), { ...select, readOnly: true });
    assert.deepEqual(read('A SELECT INBOX (CONDSTORE)'), { ...select, parameters: [{ kind: 'condstore' }] });
    // RFC 7162 §3.2.5.
    for (const [known, match] of [
      ['', ''],
      [' 41,43:211,214:541', ''],
      [' 41:211,214:541', ' (5,10,15,20 41,80,90,93)'],
      ['', ' (1,10,100 1,40,200)'],
    ]) {
      const value = read(`A02 SELECT INBOX (QRESYNC (67890007 90060115194045000${known ?? ''}${match ?? ''}))`);
      assert.ok(value.kind === 'select' && value.parameters[0]?.kind === 'qresync');
      assert.equal(value.parameters[0].modseq, 90060115194045000n);
      assert.equal(value.parameters[0].known === undefined, known === '');
      assert.equal(value.parameters[0].match === undefined, match === '');
    }
    read('A SELECT "a b" (X-NEW (1 (2)) CONDSTORE)');
    refused(
      'A SELECT',
      'A SELECT a b',
      'A SELECT a (QRESYNC)',
      'A SELECT a (QRESYNC (0 1))',
      'A SELECT a (QRESYNC (1 1 ))',
      'A SELECT a (CONDSTORE',
    );
  });

  it('STATUS', () => {
    assert.deepEqual(read('A042 STATUS "blurdy bloop" (uidnext MESSAGES)'), {
      kind: 'status',
      tag: 'A042',
      mailbox: octets('blurdy bloop'),
      items: ['UIDNEXT', 'MESSAGES'],
    });
    refused('a STATUS INBOX', 'a STATUS INBOX MESSAGES', 'a STATUS INBOX (MESSAGES');
  });

  it('LIST in all its forms', () => {
    const list = {
      kind: 'list',
      tag: 'A',
      name: 'LIST',
      selection: undefined,
      reference: octets(''),
      returns: undefined,
    };
    assert.deepEqual(read('A LIST "" *'), { ...list, patterns: [octets('*')], inParentheses: false });
    assert.deepEqual(read('A LIST "" (INBOX "Sent/%")'), {
      ...list,
      patterns: [octets('INBOX'), octets('Sent/%')],
      inParentheses: true,
    });
    assert.deepEqual(read('A LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (CHILDREN STATUS (MESSAGES UNSEEN))'), {
      ...list,
      selection: [
        { name: 'SUBSCRIBED', argument: undefined },
        { name: 'RECURSIVEMATCH', argument: undefined },
      ],
      patterns: [octets('%')],
      inParentheses: false,
      returns: [
        { name: 'CHILDREN', argument: undefined },
        { name: 'STATUS', argument: [octets('(MESSAGES UNSEEN)')] },
      ],
    });
    // RFC 9051 §6.3.9, RFC 5258 §5.
    for (const text of [
      'A101 LIST "" ""',
      'A103 LIST /usr/staff/jones ""',
      'A202 LIST ~/Mail/ %',
      'A01 LIST () "" "*"',
      'A04 LIST (REMOTE) "" "%" RETURN (CHILDREN)',
      'BBB LIST "" ("INBOX" "Drafts" "Sent/%") RETURN ()',
      'C01 LSUB "#news." "comp.mail.*"',
      'X XLIST "" {1+}\r\n*',
    ]) {
      read(text);
    }
    refused('A LIST', 'A LIST ""', 'A LIST "" (', 'A LIST "" * RETURN', 'A LIST "" * x', 'A LIST "" ');
  });
});

describe('a command that is not known', () => {
  it('stays as it is', () => {
    const value = read('a X-NEW (1 {3+}\r\n\r\na "x")');
    assert.ok(value.kind === 'opaque');
    assert.equal(value.name, 'X-NEW');
    assert.equal(spelled(value.rest), ' (1 {3+}\r\n\r\na "x")');
    assert.equal(
      spelled(writeCommand({ ...value, tag: 'b' }, { nonSynchronizing: 0 })),
      'b X-NEW (1 {3}\r\n\r\na "x")\r\n',
    );
    read('a UID EXPUNGE 1:*');
  });

  it('is not written with a bare CR or NUL', () => {
    for (const text of ['a X \r x', 'a X "\0"']) {
      assert.equal(
        outcome(() => writeCommand(readCommand(command(`${text}\r\n`)))),
        'unwritable',
      );
    }
  });
});
