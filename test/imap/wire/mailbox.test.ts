import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeMailbox, encodeMailbox, mailboxKey } from '#imap/wire/mailbox';
import { octets } from './octets.js';

describe('names of mailboxes', () => {
  it('are modified UTF-7 (RFC 3501 §5.1.3)', () => {
    const pairs = [
      ['~peter/mail/&U,BTFw-/&ZeVnLIqe-', '~peter/mail/台北/日本語'],
      ['&Jjo-!', '☺!'],
      ['Sent &- more', 'Sent & more'],
      ['Entw&APw-rfe', 'Entwürfe'],
      ['&2D3eAA-', '\u{1f600}'],
    ] as const;
    for (const [wire, name] of pairs) {
      assert.equal(decodeMailbox(octets(wire), 'utf-7'), name);
      assert.equal(encodeMailbox(name, 'utf-7').toString('latin1'), wire);
    }
  });

  it('have one spelling only', () => {
    for (const wire of ['&', '&AGE-', '&Jjo', '&Jjp-', '&U,BTFw-&ZeVnLIqe-', '&=-', '\xe9', 'a&b', '&A-', '&AAA-x&']) {
      assert.equal(decodeMailbox(octets(wire), 'utf-7'), undefined, wire);
    }
    assert.equal(decodeMailbox(octets('\xff'), 'utf-8'), undefined);
  });

  it('come back from either encoding', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        for (const encoding of ['utf-7', 'utf-8'] as const) {
          assert.equal(decodeMailbox(encodeMailbox(name, encoding), encoding), name);
        }
      }),
    );
  });

  it('are compared by their Unicode, and INBOX in any case', () => {
    assert.equal(mailboxKey(octets('inBox'), 'utf-7'), mailboxKey(octets('INBOX'), 'utf-8'));
    assert.notEqual(mailboxKey(octets('inbox/a'), 'utf-7'), mailboxKey(octets('INBOX/a'), 'utf-7'));
    assert.equal(mailboxKey(octets('&AOk-'), 'utf-7'), mailboxKey(Buffer.from('é'), 'utf-8'));
    assert.notEqual(mailboxKey(octets('\xff'), 'utf-8'), mailboxKey(octets('\xfe'), 'utf-8'));
  });
});
