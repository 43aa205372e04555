import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'smol-toml';
import * as v from 'valibot';
import { sample } from '#src/config/sample';
import { SCHEMA } from '#src/config/schema';
import { unknownKeys } from '#src/config/unknown';

describe('the sample configuration', () => {
  const text = readFileSync('etc/postern.toml', 'utf8');

  it('is what the schema gives (npm run sample writes it anew)', () => {
    assert.equal(text, sample());
  });

  it('is valid as it is', () => {
    assert.deepEqual(unknownKeys(SCHEMA, parse(text)), []);
    assert.ok(v.is(SCHEMA, parse(text)));
  });

  it('says the same when its defaults are written out', () => {
    const examples = new Set(['port', 'ca', 'pin']);
    const written = text.replace(/^#(\w+) = /gm, (line, name: string) => (examples.has(name) ? line : line.slice(1)));
    assert.notEqual(written, text);
    assert.deepEqual(v.parse(SCHEMA, parse(written)), v.parse(SCHEMA, parse(text)));
  });

  it('has examples that are valid', () => {
    const written = text.replace(/^#(\w+ = )/gm, '$1');
    assert.deepEqual(unknownKeys(SCHEMA, parse(written)), []);
    assert.ok(v.is(SCHEMA, parse(written)));
  });
});
