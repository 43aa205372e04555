import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '#lib/keys/secret';

describe('a secret', () => {
  it('is the same from text and from octets, which it copies', () => {
    const octets = Buffer.from('correct ✓', 'utf8');
    const secret = new Secret(octets);
    octets.fill(0);
    assert.equal(secret.reveal(), 'correct ✓');
    assert.ok(secret.equals(new Secret('correct ✓')));
    assert.deepEqual([secret.length, secret.empty, new Secret('').empty], [11, false, true]);
    secret.revealBytes().fill(0);
    assert.equal(secret.reveal(), 'correct ✓');
  });

  it('is never printed, and is gone when it is erased', () => {
    const secret = new Secret('correct horse');
    const shown = [String(secret), JSON.stringify({ secret }), inspect({ secret }, { depth: 9, showHidden: true })];
    for (const text of shown) {
      assert.match(text, /\[secret\]/);
      assert.doesNotMatch(text, /horse|63 6f 72|Y29y/);
    }
    secret.erase();
    assert.deepEqual(secret.revealBytes(), Buffer.alloc(13));
  });
});
