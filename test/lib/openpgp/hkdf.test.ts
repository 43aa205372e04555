import assert from 'node:assert/strict';
import { hkdfSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { hkdf } from '#lib/openpgp/hkdf';

test('our HKDF is that of node', () => {
  const bytes = fc.uint8Array({ maxLength: 150 }).map((octets) => Buffer.from(octets));
  fc.assert(
    fc.property(
      fc.constantFrom('sha256', 'sha512'),
      bytes,
      bytes,
      bytes,
      fc.integer({ min: 1, max: 200 }),
      (hash, ...rest) => {
        const [input, salt, info, size] = rest;
        assert.deepEqual(hkdf(hash, input, salt, info, size), Buffer.from(hkdfSync(hash, input, salt, info, size)));
      },
    ),
  );
});
