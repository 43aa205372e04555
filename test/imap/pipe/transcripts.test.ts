import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cut } from '#test/lib/net/memory';
import { type Cut, replay } from './transcript.js';

const FOLDER = 'test/imap/pipe/transcripts';

/** Numbers that look random and are the same each time (Numerical Recipes' generator). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
}

function randomCuts(seed: number): Cut {
  const next = numbers(seed);
  return (bytes) => cut(bytes, () => 1 + ((next() >>> 8) % 40));
}

const whole: Cut = (bytes) => [bytes];

async function play(text: string, how: Cut): Promise<void> {
  await replay(text, how);
}

describe('transcripts of the pipe', () => {
  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.txt'))) {
    const text = readFileSync(join(FOLDER, name), 'utf8');
    it(`${name}, whole`, () => play(text, whole));
    // Some only mean something whole, or would take a turn for each of very many octets.
    if (text.startsWith('#! whole')) continue;
    it(`${name}, an octet at a time`, () => play(text, (bytes) => cut(bytes, 1)));
    for (const seed of [1, 2, 3]) it(`${name}, cut at random (${seed})`, () => play(text, randomCuts(seed)));
  }
});
