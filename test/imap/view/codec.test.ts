import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeRecord, encodeRecord } from '#imap/view/codec';
import { readCorpus } from '#test/corpus/corpus';
import { fetch, view } from './fetch.js';

describe('a record as octets', () => {
  for (const { name, bytes } of readCorpus())
    it(`answers as it did before: ${name}`, async () => {
      const before = view(bytes);
      const octets = encodeRecord(before.record);
      const record = decodeRecord(octets);
      assert.ok(record !== undefined);
      assert.deepEqual(encodeRecord(record), octets);
      const after = { ...before, record };
      for (const item of ['RFC822.SIZE', 'ENVELOPE', 'BODY', 'BODYSTRUCTURE', 'BODY[]', 'BODY[1]', 'BODY[1.MIME]<2.5>'])
        assert.deepEqual(await fetch(after, item), await fetch(before, item), item);
    });
});
