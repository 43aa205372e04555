import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readResponse, writeResponse } from '#imap/wire/response';
import type { ResponseCode } from '#imap/wire/responsecode';
import { octets, outcome, response, spelled } from './octets.js';
import { read } from './responses.js';

function codeOf(code: string): ResponseCode | undefined {
  const value = read(`* OK [${code}] text`);
  assert.ok(value.kind === 'status');
  assert.equal(value.text.toString(), 'text');
  return value.code;
}

describe('status responses', () => {
  it('have a tag or none, a code or none, and text', () => {
    const status = { kind: 'status', tag: undefined, status: 'OK', code: undefined, text: octets('hi [x]') };
    assert.deepEqual(read('* ok hi [x]'), status);
    assert.deepEqual(read('A1 OK hi [x]'), { ...status, tag: 'A1' });
    for (const name of ['NO', 'BAD', 'BYE', 'PREAUTH'] as const) {
      assert.deepEqual(read(`* ${name} hi [x]`), { ...status, status: name });
    }
    for (const text of ['* OK', 'a OK ', 'a OK [ALERT]', 'a OK [ALERT] ']) {
      assert.equal(spelled(writeResponse(readResponse(response(`${text}\r\n`)))), `${text}\r\n`);
    }
    assert.deepEqual(read('+ idling'), { kind: 'continuation', code: undefined, text: octets('idling') });
    assert.deepEqual(read('+ '), { kind: 'continuation', code: undefined, text: octets('') });
    for (const text of ['a FETCH x', 'OK', '* ', '* OKx]', 'a OK [', 'a OK []', 'a OK [x', '1 2 OK x', '*OK x']) {
      assert.equal(
        outcome(() => readResponse(response(`${text}\r\n`))),
        'syntax',
        text,
      );
    }
  });

  it('have codes with arguments', () => {
    const uids = (first: number, last?: number): object => (last === undefined ? { first } : { first, last });
    assert.deepEqual(codeOf('CAPABILITY IMAP4rev2 auth=PLAIN'), {
      kind: 'capability',
      capabilities: ['IMAP4REV2', 'AUTH=PLAIN'],
    });
    assert.deepEqual(codeOf('PERMANENTFLAGS (\\Deleted \\*)'), { kind: 'permanentflags', flags: ['\\Deleted', '\\*'] });
    assert.deepEqual(codeOf('BADCHARSET'), { kind: 'badcharset', charsets: [] });
    assert.deepEqual(codeOf('BADCHARSET (UTF-8 "a b" {3}\r\nc]d)'), {
      kind: 'badcharset',
      charsets: ['UTF-8', 'a b', 'c]d'].map(octets),
    });
    assert.deepEqual(codeOf('UIDNEXT 4392'), { kind: 'uidnext', number: 4392 });
    assert.deepEqual(codeOf('UIDVALIDITY 3857529045'), { kind: 'uidvalidity', number: 3857529045 });
    assert.deepEqual(codeOf('UNSEEN 17'), { kind: 'unseen', number: 17 });
    assert.deepEqual(codeOf('HIGHESTMODSEQ 20010715194045007'), { kind: 'highestmodseq', modseq: 20010715194045007n });
    assert.deepEqual(codeOf('APPENDUID 38505 3955'), { kind: 'appenduid', uidvalidity: 38505, uids: [uids(3955)] });
    assert.deepEqual(codeOf('COPYUID 38505 304,319:320 3956:3958'), {
      kind: 'copyuid',
      uidvalidity: 38505,
      from: [uids(304), uids(319, 320)],
      to: [uids(3956, 3958)],
    });
    assert.deepEqual(codeOf('MODIFIED 7,9'), { kind: 'modified', set: [uids(7), uids(9)] });
    assert.deepEqual(codeOf('MAILBOXID (F2212ea87-6097)'), { kind: 'mailboxid', id: 'F2212ea87-6097' });
    assert.deepEqual(codeOf('METADATA LONGENTRIES 2199'), { kind: 'metadata', name: 'LONGENTRIES', number: 2199 });
    assert.deepEqual(codeOf('METADATA TOOMANY'), { kind: 'metadata', name: 'TOOMANY', number: undefined });
  });

  it('have codes that are a name alone, or not known', () => {
    const names =
      'ALERT PARSE READ-ONLY READ-WRITE TRYCREATE UIDNOTSTICKY UNAVAILABLE AUTHENTICATIONFAILED AUTHORIZATIONFAILED EXPIRED ' +
      'PRIVACYREQUIRED CONTACTADMIN NOPERM INUSE EXPUNGEISSUED CORRUPTION SERVERBUG CLIENTBUG CANNOT LIMIT OVERQUOTA ' +
      'ALREADYEXISTS NONEXISTENT NOTSAVED HASCHILDREN CLOSED UNKNOWN-CTE NOMODSEQ COMPRESSIONACTIVE TOOBIG';
    for (const name of names.split(' ')) assert.deepEqual(codeOf(name), { kind: 'other', name, argument: undefined });
    const other = { kind: 'other', name: 'REFERRAL', argument: octets('imap://a/(b') };
    assert.deepEqual(codeOf('referral imap://a/(b'), other);
    assert.deepEqual(codeOf('UIDNEXT soon'), { kind: 'other', name: 'UIDNEXT', argument: octets('soon') });
    assert.deepEqual(codeOf('COPYUID 1 2 '), { kind: 'other', name: 'COPYUID', argument: octets('1 2 ') });
  });
});

describe('responses about the session and the mailbox', () => {
  it('CAPABILITY, ENABLED, FLAGS, ID', () => {
    assert.deepEqual(read('* CAPABILITY IMAP4rev1 STARTTLS'), {
      kind: 'capability',
      capabilities: ['IMAP4REV1', 'STARTTLS'],
    });
    assert.deepEqual(read('* ENABLED'), { kind: 'enabled', capabilities: [] });
    assert.deepEqual(read('* FLAGS (\\Answered $a)'), { kind: 'flags', flags: ['\\Answered', '$a'] });
    assert.deepEqual(read('* ID NIL'), { kind: 'id', fields: undefined });
    assert.deepEqual(read('* ID ("a" NIL)'), { kind: 'id', fields: [{ name: octets('a'), value: undefined }] });
    const spaced = readResponse(response('* CAPABILITY IMAP4rev1 \r\n'));
    assert.deepEqual(spaced, { kind: 'capability', capabilities: ['IMAP4REV1'] });
  });

  it('EXISTS, RECENT, EXPUNGE, VANISHED', () => {
    assert.deepEqual(read('* 23 EXISTS'), { kind: 'exists', number: 23 });
    assert.deepEqual(read('* 0 recent'), { kind: 'recent', number: 0 });
    assert.deepEqual(read('* 44 EXPUNGE'), { kind: 'expunge', number: 44 });
    assert.deepEqual(read('* VANISHED (EARLIER) 41,43:116'), {
      kind: 'vanished',
      earlier: true,
      uids: [{ first: 41 }, { first: 43, last: 116 }],
    });
    assert.deepEqual(read('* VANISHED 405'), { kind: 'vanished', earlier: false, uids: [{ first: 405 }] });
    for (const text of ['* VANISHED', '* VANISHED 0', '* FLAGS', '* 1 EXISTS x', '* 4294967296 EXISTS', '* ID']) {
      assert.equal(
        outcome(() => readResponse(response(`${text}\r\n`))),
        'syntax',
        text,
      );
    }
  });

  it('what is not known stays as it is', () => {
    const value = read('* QUOTA "" (STORAGE 10 {3}\r\na)b)');
    assert.ok(value.kind === 'opaque' && value.name === 'QUOTA');
    assert.equal(spelled(value.rest), ' "" (STORAGE 10 {3}\r\na)b)');
    assert.ok(read('* 3 X-NEW').kind === 'opaque');
  });
});
