import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { gather } from '#lib/bytes/source';
import { Passage } from '#imap/messages/passage';

const PIECE = Buffer.alloc(200 * 1024, 'x');

describe('a passage', () => {
  it('lets a writer wait for its reader, and a reader for its writer', async () => {
    const passage = new Passage();
    assert.equal(passage.put(PIECE), undefined);
    const full = passage.put(PIECE);
    assert.ok(full);
    let isFree = false;
    void full.then(() => (isFree = true));
    await turn();
    assert.equal(isFree, false);
    const reading = gather(passage.read());
    await turn();
    assert.equal(isFree, true);
    void passage.put(Buffer.from('y'));
    await turn();
    passage.end();
    assert.equal((await reading).length, 2 * PIECE.length + 1);
  });

  it('tells of a failure behind what has come', async () => {
    const passage = new Passage();
    void passage.put(Buffer.from('x'));
    passage.end(new Error('gone'));
    const came: string[] = [];
    await assert.rejects(
      async () => {
        for await (const piece of passage.read()) came.push(piece.toString());
      },
      { message: 'gone' },
    );
    assert.deepEqual(came, ['x']);
  });

  it('frees the writer when the reader leaves, and drops what it brings', async () => {
    const passage = new Passage();
    void passage.put(PIECE);
    const full = passage.put(PIECE);
    for await (const piece of passage.read()) {
      assert.equal(piece.length, PIECE.length);
      break;
    }
    await full;
    assert.equal(passage.put(PIECE), undefined);
    assert.equal(passage.put(PIECE), undefined);
  });
});
