import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '#lib/keys/address';
import { LIMITS } from '#lib/vault/limits';
import { fileNameOf, isName, parseUserName, userOfFileName } from '#lib/vault/username';

describe('user names', () => {
  it('are an address, and behind !, # or ## a profile', () => {
    for (const [text, user, profile] of [
      ['alice@example.com', 'alice@example.com', undefined],
      ['alice@example.com!work', 'alice@example.com', 'work'],
      ['alice@example.com#work', 'alice@example.com', 'work'],
      ['alice@example.com##work', 'alice@example.com', 'work'],
      ['alice@example.com!', 'alice@example.com', undefined],
      ['alice@example.com#', 'alice@example.com', undefined],
      ['alice@example.com##', 'alice@example.com', undefined],
      ['alice@example.com!my work', 'alice@example.com', 'my work'],
      ['Alice@EXAMPLE.com!Work', 'Alice@example.com', 'Work'],
      ['alice@bücher.example#büro', 'alice@xn--bcher-kva.example', 'büro'],
      // RFC 5322 allows both marks in a local part.
      ['al!ice#1@example.com', 'al!ice#1@example.com', undefined],
      ['al!ice#1@example.com!work', 'al!ice#1@example.com', 'work'],
      ['"a@b!c"@example.com##work', '"a@b!c"@example.com', 'work'],
    ] as const) {
      assert.deepEqual(parseUserName(text), { user, profile }, text);
    }
  });

  it('are nothing else', () => {
    for (const text of [
      '',
      'alice',
      '@example.com',
      'alice@',
      'alice@!work',
      'alice@example.com###work',
      'alice@example.com!#work',
      'alice@example.com!work!play',
      'alice@example.com!../work',
      'alice@example.com!work\n',
      'alice@example.com!work\0',
      'alice@example.com\0',
      'alice@example.com!bob@example.com',
      'al ice@example.com',
      `alice@example.com!${'x'.repeat(LIMITS.name + 1)}`,
    ]) {
      assert.equal(parseUserName(text), undefined, JSON.stringify(text));
    }
    assert.equal(isName('x'.repeat(LIMITS.name)), true);
    for (const name of ['', ' work', 'work ', '-work', '.', '..', 'a/b', 'a!b', 'a#b'])
      assert.equal(isName(name), false);
  });

  it('give file names that lead back, stay in their folder and are different for different users', () => {
    const files = new Map<string, string>();
    const texts = [
      'a!b@x.example',
      'a#b@x.example',
      'a%b@x.example',
      '.a@x.example',
      '../../a@x.example',
      'é@x.example',
    ];
    for (const text of texts) {
      const address = parseAddress(text);
      assert.ok(address);
      const name = fileNameOf(address);
      assert.ok(name);
      assert.match(name, /^[a-z0-9@_+=%-][a-z0-9@._+=%A-F-]*$/);
      assert.equal(userOfFileName(name), address.folded);
      files.set(name, text);
    }
    assert.equal(files.size, texts.length);
    fc.assert(
      fc.property(fc.emailAddress(), (text) => {
        const address = parseAddress(text);
        const name = address && fileNameOf(address);
        if (name !== undefined) assert.equal(userOfFileName(name), address?.folded);
      }),
    );
    const long = parseAddress(`${'é'.repeat(64)}@example.com`);
    assert.ok(long);
    assert.equal(fileNameOf(long), undefined);
    for (const name of ['Alice@example.com', 'alice', '%zz@example.com', '%61@example.com', '']) {
      assert.equal(userOfFileName(name), undefined);
    }
  });
});
