import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The files are read where they are in the source tree; this module runs from `dist/test/corpus`. */
const FOLDER = join(import.meta.dirname, '../../../test/corpus');

/** A message of the corpus. README.md in its folder says what each is. */
export interface CorpusMessage {
  /** The file's name without `.eml`. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** All messages of the corpus, by name. */
export function readCorpus(): readonly CorpusMessage[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.eml'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.eml'.length), bytes: readFileSync(join(FOLDER, file)) }));
}

/** What Dovecot answers to FETCH BODYSTRUCTURE, by the message's name; without the outermost parentheses. */
export function readDovecotStructures(): ReadonlyMap<string, string> {
  const lines = readFileSync(join(FOLDER, 'dovecot.txt'), 'latin1').trimEnd().split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
}
