import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Panel, sideBySide } from './terminal.js';

const LEFT: Panel = { title: 'Left', lines: ['x'.repeat(200), '', 'short'], exact: true };
const RIGHT: Panel = { title: 'Right', lines: ['some words '.repeat(30).trim(), 'y'.repeat(200), 'end'] };

const lay = (width: number | undefined): string[] =>
  sideBySide([LEFT, RIGHT], { width, bold: (text) => text, write: () => undefined }).split('\n');

describe('two panels', () => {
  for (const width of [undefined, 20, 71, 72, 80, 81, 300]) {
    it(`fit a terminal of ${String(width)} columns`, () => {
      const lines = lay(width);
      assert.deepEqual(
        lines.filter((line) => line.length > Math.min(width ?? 80, 110)),
        [],
      );
      const text = lines.join('\n');
      for (const part of ['Left', 'Right', 'short', 'end', 'xxx...', 'yyy...']) assert.ok(text.includes(part), part);
      assert.equal(text.match(/words/g)?.length, 30);
    });
  }

  it('stand side by side where there is room, else one below the other', () => {
    assert.match(lay(80)[0] ?? '', /^ {2}Left +\| Right$/);
    for (const width of [undefined, 40]) assert.equal(lay(width)[0], '  Left');
  });
});
