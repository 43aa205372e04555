import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressOfUserID, parseAddress } from '#lib/keys/address';
import { parseName } from '#lib/keys/certificatename';
import { safeName } from '#lib/keys/folder';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300);

describe('addresses', () => {
  it('are read and folded', () => {
    for (const [text, folded] of [
      ['alice@example.com', 'alice@example.com'],
      ['Alice@EXAMPLE.Com', 'alice@example.com'],
      ['alice@Bücher.example', 'alice@xn--bcher-kva.example'],
      ['JÖRG@example.com', 'jörg@example.com'],
      ['"a b"@example.com', '"a b"@example.com'],
      ['a+b/c=d@example.com', 'a+b/c=d@example.com'],
      ['alice@[192.0.2.1]', 'alice@[192.0.2.1]'],
      ['alice@localhost', 'alice@localhost'],
    ] as const) {
      assert.equal(parseAddress(text)?.folded, folded);
    }
    // The two ways to write an umlaut are one address.
    assert.equal(parseAddress('jo\u0308rg@example.com')?.folded, parseAddress('j\u00f6rg@example.com')?.folded);
  });

  it('are told from other texts', () => {
    for (const text of [
      '',
      'alice',
      '@example.com',
      'alice@',
      'alice@exa mple.com',
      'alice@example.com/x',
      'alice@example..com',
      'al ice@example.com',
      'alice@example.com\n',
      'a,b@example.com',
      'bob@example.com@',
      `${'a'.repeat(320)}@example.com`,
    ]) {
      assert.equal(parseAddress(text), undefined, JSON.stringify(text));
    }
  });

  it('of a user ID are what stands in the brackets at its end', () => {
    for (const [userID, address] of [
      ['Alice <alice@example.com>', 'alice@example.com'],
      ['alice@example.com', 'alice@example.com'],
      ['<alice@example.com>', 'alice@example.com'],
      ['alice@example.com <mallory@example.net>', 'mallory@example.net'],
      ['A <alice@example.com> <mallory@example.net>', 'mallory@example.net'],
      ['Alice <alice@example.com> (work)', undefined],
      ['Alice', undefined],
      ['', undefined],
    ] as const) {
      assert.equal(addressOfUserID(userID)?.text, address, userID);
    }
  });

  it('survive a second reading, and no text makes them throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.emailAddress()), (text) => {
        const address = parseAddress(text);
        if (address !== undefined) assert.equal(parseAddress(address.folded)?.folded, address.folded);
        addressOfUserID(text);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('names of certificates', () => {
  it('are addresses, fingerprints or files', () => {
    for (const [text, kind] of [
      ['alice@example.com', 'address'],
      ['<alice@example.com>', 'address'],
      ['a/b@example.com', 'address'],
      ['alice@example.com.asc', 'address'],
      ['./alice@example.com', 'file'],
      ['../alice.asc', 'file'],
      ['/keys/alice@example.com.asc', 'file'],
      ['alice.asc', 'file'],
      ['0123456789ABCDEF', 'fingerprint'],
      ['0x0123456789abcdef', 'fingerprint'],
      ['C025 49CC E0DA B000 02A8  2FF6 35AC EE8A AA5F AC52', 'fingerprint'],
      ['./0123456789ABCDEF', 'file'],
    ] as const) {
      assert.equal(parseName(text).kind, kind, text);
    }
    for (const text of ['', 'alice', 'AA5FAC52', '0123456789ABCDEF01', 'a\u0007.asc']) {
      assert.throws(() => parseName(text), { code: 'name' }, text);
    }
  });
});

describe('file names', () => {
  it('are one safe part of a path, whatever the user ID', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (userID) => {
        const name = safeName(userID);
        assert.match(name, /^[\p{L}\p{N}@_+=][\p{L}\p{N}@._+=-]*$/u);
        assert.ok(Buffer.byteLength(name) <= 100);
      }),
      { numRuns: RUNS },
    );
    assert.equal(safeName('../../etc/passwd'), '____etc_passwd');
    assert.equal(safeName(''), 'unnamed');
  });
});
