import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Progress, progressLine, sizeText } from '#src/maildir/progress';

describe('the progress line', () => {
  it('tells the part, the messages, the rate and the time left', () => {
    const total = { messages: 200, octets: 40_000_000 };
    assert.equal(
      progressLine({ messages: 50, octets: 10_000_000 }, total, 5),
      '[######------------------] 25 %  50 of 200 messages  2.0 MB/s  15 s left',
    );
    assert.equal(
      progressLine({ messages: 0, octets: 0 }, total, 5),
      '[------------------------] 0 %  0 of 200 messages',
    );
    assert.equal(
      progressLine({ messages: 1, octets: 10_000 }, total, 10),
      '[------------------------] 0 %  1 of 200 messages  1.0 kB/s  1.5 h left',
    );
    // Mail that is delivered meanwhile.
    assert.equal(
      progressLine({ messages: 210, octets: 41_000_000 }, total, 10),
      '[########################] 100 %  210 of 210 messages  4.1 MB/s  0 s left',
    );
    assert.equal(progressLine({ messages: 0, octets: 0 }, { messages: 0, octets: 0 }, 0).includes('NaN'), false);
  });

  it('is drawn now and then on one line, no wider than the terminal, and taken away', () => {
    let now = 0;
    let text = '';
    const progress = new Progress({ columns: 40, write: (part) => (text += part) }, () => now);
    progress.clear();
    assert.equal(text, '');
    progress.begin({ messages: 1000, octets: 1000 });
    for (; now < 1000; now++) progress.advance(1);
    const drawings = text.split('\r').slice(1);
    assert.equal(drawings.length, 5);
    for (const drawing of drawings) assert.ok(drawing.endsWith('\x1b[K') && drawing.length <= 39 + 3);
    progress.clear();
    assert.ok(text.endsWith('\r\x1b[K'));
  });

  it('gives sizes in decimal units', () => {
    assert.deepEqual([0, 999, 1000, 12_345, 3_400_000, 5e9, 2e12].map(sizeText), [
      '0 B',
      '999 B',
      '1.0 kB',
      '12 kB',
      '3.4 MB',
      '5.0 GB',
      '2.0 TB',
    ]);
  });
});
