/** `npm run bench [-- NAME…]`: runs the benches and prints what they found. See README.md. */
import { cpus } from 'node:os';
import { peerVersion } from '#test/peers';
import { append } from './imap/append.js';
import { idle } from './imap/idle.js';
import { imap } from './imap/imap.js';
import { login } from './login.js';
import { loop } from './loop.js';
import { type Material, withMaterial } from './material.js';
import type { Result } from './measure.js';
import { memory } from './memory.js';
import { opening } from './opening.js';
import { sealing } from './sealing.js';
import { seeking } from './seeking.js';
import { small } from './small.js';
import { start } from './start.js';
import { store } from './store.js';
import { view } from './view/view.js';

/** What takes long tells each result when it has it. */
type Bench = (material: Material) => Promise<readonly Result[]> | AsyncIterable<Result>;

const BENCHES: Readonly<Record<string, Bench>> = {
  opening,
  small,
  start,
  sealing,
  loop,
  memory,
  seeking,
  login,
  append: () => append(),
  store: () => store(),
  imap: () => imap(),
  idle: () => idle(),
  view: () => view(),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}. There are: ${Object.keys(BENCHES).join(', ')}.`);
  process.exit(64);
}

console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}`);
console.log(`${peerVersion('gpg')}, ${peerVersion('rnp')}\n`);

const results: Result[] = [];
await withMaterial(async (material) => {
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    try {
      for await (const result of await bench(material)) {
        print(result);
        results.push(result);
      }
    } catch (error) {
      const failed = {
        what: name,
        figure: error instanceof Error ? error.message.slice(0, 300) : String(error),
        met: false,
      };
      print(failed);
      results.push(failed);
    }
  }
});

const judged = results.filter(({ met }) => met !== undefined);
const missed = judged.filter(({ met }) => met === false);
console.log(`\n${judged.length - missed.length} of ${judged.length} targets are met.`);
for (const { what, figure, target } of missed) console.log(`missed: ${what}: ${figure} (${target ?? 'failed'})`);

function print({ what, figure, target, met }: Result): void {
  const verdict = met === undefined ? '' : met ? 'met' : 'MISSED';
  console.log([what.padEnd(62), figure.padStart(12), (target ?? '').padStart(14), verdict.padStart(8)].join(' '));
}
