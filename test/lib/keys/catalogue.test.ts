import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Catalogue } from '#lib/keys/catalogue';

describe('catalogue', () => {
  let home = '';
  let folder = '';
  /** The files that were read, in order. */
  let read: string[] = [];
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'postern-test-'));
    folder = join(home, 'certificates');
    mkdirSync(folder);
    read = [];
  });
  afterEach(() => {
    rmSync(home, { recursive: true });
  });

  const open = (): Catalogue =>
    new Catalogue(folder, join(home, 'catalogue'), 0o600, (path) => {
      const name = basename(path);
      read.push(name);
      return Promise.resolve(
        name.startsWith('damaged')
          ? { fingerprints: [], addresses: [], problem: 'damaged' }
          : { fingerprints: [], addresses: [name] },
      );
    });
  const put = (name: string): void => {
    writeFileSync(join(folder, name), name);
  };
  /** As if the last change were long ago: what is young is looked at again. */
  const age = (seconds: number): void => {
    const time = new Date(Date.now() - seconds * 1000);
    utimesSync(folder, time, time);
  };
  const names = async (catalogue: Catalogue): Promise<readonly string[]> =>
    (await catalogue.entries()).map(({ file }) => file);

  it('reads each file once, over all processes', async () => {
    for (const name of ['a.asc', 'b.asc', 'c.asc', 'other.txt', '.d.asc']) put(name);
    age(100);
    assert.deepEqual(await names(open()), ['a.asc', 'b.asc', 'c.asc']);
    assert.deepEqual(read, ['a.asc', 'b.asc', 'c.asc']);
    assert.deepEqual(await names(open()), ['a.asc', 'b.asc', 'c.asc']);
    put('d.asc');
    const catalogue = open();
    assert.deepEqual(await names(catalogue), ['a.asc', 'b.asc', 'c.asc', 'd.asc']);
    rmSync(join(folder, 'a.asc'));
    assert.deepEqual(await names(catalogue), ['b.asc', 'c.asc', 'd.asc']);
    assert.deepEqual(read, ['a.asc', 'b.asc', 'c.asc', 'd.asc']);
  });

  it('sees a file that was changed in place when it looks at all of them', async () => {
    put('a.asc');
    age(100);
    const catalogue = open();
    await catalogue.entries();
    appendFileSync(join(folder, 'a.asc'), 'more');
    age(100);
    await catalogue.scan();
    assert.deepEqual(read, ['a.asc', 'a.asc']);
  });

  it('does not rely on the time of a folder that has only just changed', async () => {
    put('a.asc');
    // A little ahead, so that it is still young however slowly this runs.
    const time = new Date(Date.now() + 60_000);
    utimesSync(folder, time, time);
    const catalogue = open();
    await catalogue.entries();
    put('b.asc');
    // Within one tick of the clock the folder's time is the same before and after.
    utimesSync(folder, time, time);
    assert.deepEqual(await names(catalogue), ['a.asc', 'b.asc']);
  });

  it('tries what it could not read again', async () => {
    put('damaged.asc');
    age(100);
    const catalogue = open();
    await catalogue.scan();
    await catalogue.scan();
    assert.deepEqual(read, ['damaged.asc', 'damaged.asc']);
  });

  it('follows its writer while frozen, and the folder after', async () => {
    put('a.asc');
    const catalogue = open();
    await catalogue.freeze();
    put('b.asc');
    assert.deepEqual(await names(catalogue), ['a.asc']);
    await catalogue.put('b.asc');
    catalogue.drop('a.asc');
    assert.deepEqual(await names(catalogue), ['b.asc']);
    await catalogue.thaw();
    assert.deepEqual(await names(catalogue), ['a.asc', 'b.asc']);
    assert.deepEqual(read, ['a.asc', 'b.asc', 'a.asc']);
  });
});
