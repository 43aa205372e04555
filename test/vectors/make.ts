/** Writes test/vectors; see its README. Arguments: `keys` makes new keys (and so everything), `peers` new messages by peers. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { makeBroken } from './broken.js';
import { VECTORS, readIndex, readMessage } from './catalogue.js';
import { makeKeys } from './makekeys.js';
import { type Made, makePeerMessages } from './makepeers.js';
import { makeSamples } from './samples.js';
import { makeSigned } from './signed.js';

/** Vectors with octets that no other run gives again, as they lie there. */
function keep(): Made[] {
  const isKept = (from: string): boolean => !from.startsWith('test/') && !from.startsWith('RFC');
  return readIndex().flatMap((vector) => (isKept(vector.from) ? [{ vector, message: readMessage(vector) }] : []));
}

const parts = process.argv.slice(2);
if (parts.includes('keys')) await makeKeys();
const fresh = parts.includes('keys') || parts.includes('peers');
const unrepeatable = fresh ? [...(await makePeerMessages()), ...(await makeSigned())] : keep();
const made = [...unrepeatable, ...makeSamples(), ...(await makeBroken())];

const names = new Set(made.map(({ vector }) => vector.name));
if (names.size !== made.length) throw new Error('Two vectors have the same name.');
for (const file of readdirSync(new URL('messages/', VECTORS))) rmSync(new URL(`messages/${file}`, VECTORS));
for (const { vector, message } of made) writeFileSync(new URL(`messages/${vector.file}`, VECTORS), message);
const index = made.map(({ vector }) => JSON.stringify(vector)).join(',\n');
writeFileSync(new URL('index.json', VECTORS), `[\n${index}\n]\n`);
console.log(`${made.length} vectors.`);
