import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  changeInfo,
  composeName,
  isConverted,
  originOf,
  parseName,
  sizeField,
  stemOf,
  successorOf,
} from '#src/maildir/name';

const file = { ino: 2n, size: 3n, mtimeNs: 4n };

describe('the name of a message file', () => {
  it('is taken apart into unique part, fields and flags', () => {
    const name = parseName('1640995200.M1P2.host,S=10,W=12:2,FS');
    assert.deepEqual(name, { base: '1640995200.M1P2.host', fields: ['S=10', 'W=12'], info: ':2,FS' });
    assert.equal(sizeField(name, 'S'), 10);
    assert.equal(sizeField(name, 'W'), 12);
    assert.equal(sizeField(parseName('1.a.host,S=1x:2,'), 'S'), undefined);
    assert.deepEqual(parseName('1.a.host'), { base: '1.a.host', fields: [], info: '' });
    assert.equal(stemOf('1.a.host,S=10:2,FS'), '1.a.host,S=10');
  });

  it('takes over what has changed in the flags of another', () => {
    for (const [info, from, to, result] of [
      [':2,S', ':2,S', ':2,FS', ':2,FS'],
      [':2,RS', ':2,S', ':2,FS', ':2,FRS'],
      [':2,RS', ':2,RS', ':2,S', ':2,S'],
      [':2,FRS', ':2,RS', ':2,S', ':2,FS'],
      [':2,F', ':2,', ':2,F', ':2,F'],
      [':2,R', '', ':2,S', ':2,RS'],
      ['', '', ':2,S', ':2,S'],
      [':2,', ':2,S', '', ':2,'],
      [':1,x', ':2,', ':2,S', ':2,S'],
    ] as const) {
      assert.equal(changeInfo(info, from, to), result, `${info} when ${from} becomes ${to}`);
    }
  });

  it('of a converted message keeps the time and the flags, and bears no field but its own sizes', () => {
    const base = successorOf('1640995200.M1P2.host,S=10,W=12,U=7:2,FS', file);
    assert.match(base, /^1640995200\.M1P2\.host\.postern-[0-9a-f]{16}$/);
    assert.equal(composeName(base, 20, 22, ':2,FS'), `${base},S=20,W=22:2,FS`);
  });

  it('of a converted message does not depend on the flags, but on everything else', () => {
    const base = successorOf('1.a.host,S=10:2,FS', file);
    assert.equal(successorOf('1.a.host,S=10', file), base);
    assert.notEqual(successorOf('1.a.host,S=11', file), base);
    for (const change of [{ ino: 9n }, { size: 9n }, { mtimeNs: 9n }]) {
      assert.notEqual(successorOf('1.a.host,S=10', { ...file, ...change }), base);
    }
  });

  it('stays within its limit and keeps its origin, however often the message is converted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 250 }), fc.nat(), (text, time) => {
        const first = `${time}.${text.replaceAll(/[/:,\0]/g, '')}`;
        let base = first;
        const met = new Set([first]);
        for (let i = 0; i < 4; i++) {
          base = successorOf(`${base},S=1:2,`, file);
          assert.equal(originOf(base), originOf(first));
          assert.ok(isConverted(base) && !met.has(base));
          assert.ok(base.startsWith(String(time)));
          assert.ok(Buffer.byteLength(composeName(base, 1e12, 1e12, ':2,DFPRSTabcdefghijklmnopqrstuvwxyz')) <= 255);
          met.add(base);
        }
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 200) },
    );
  });
});
