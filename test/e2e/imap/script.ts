/** Reads the dialogues of `dialogues/`; README.md there describes the form. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readCorpus } from '#test/corpus/corpus';
import type { MailServer } from './endpoint.js';
import type { FixtureName } from './fixture.js';

/** A line of a command as it is written, and the literal that follows it. */
export interface CommandLine {
  /** With variables in it; without CRLF. */
  readonly text: string;
  readonly literal?: Buffer;
}

export type Step = { readonly connection: number; readonly at: number } & (
  | { readonly kind: 'command'; readonly lines: readonly CommandLine[]; readonly awaited: boolean }
  | { readonly kind: 'octets'; readonly text: string }
  | { readonly kind: 'wait'; readonly prefix: string }
  | { readonly kind: 'tls' | 'compression' | 'end' }
);

/** How far the connections of a dialogue are when it begins. */
export type Start = 'greeting' | 'authenticated' | 'selected';

export interface Dialogue {
  readonly name: string;
  readonly fixture: FixtureName;
  readonly start: Start;
  readonly servers: readonly MailServer['name'][];
  readonly steps: readonly Step[];
}

const FOLDER = join(import.meta.dirname, '../../../../test/e2e/imap/dialogues');

/** All dialogues of the folder. */
export function readDialogues(): readonly Dialogue[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.txt'))
    .sort()
    .map((file) => parseDialogue(file.slice(0, -'.txt'.length), readFileSync(join(FOLDER, file), 'utf8')));
}

/** Throws, with the line, where the text is not in the form that README.md describes. */
export function parseDialogue(name: string, text: string): Dialogue {
  const headers = new Map<string, string>();
  const steps: Step[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const wrong = new Error(`${name}.txt, line ${index + 1}, is in no known form: ${line}`);
    const header = /^(fixture|start|servers): (.*)$/.exec(line);
    if (header !== null) {
      headers.set(header[1] ?? '', header[2] ?? '');
      continue;
    }
    const [, digit = '', letter = '', rest = ''] = /^(\d?)([A-Z]):(?: (.*))?$/.exec(line) ?? [];
    const place = { connection: digit === '' ? 1 : Number(digit), at: index + 1 };
    if (!addStep(steps, place, letter, rest)) throw wrong;
  }
  return {
    name,
    fixture: (headers.get('fixture') ?? 'empty') as FixtureName,
    start: (headers.get('start') ?? 'authenticated') as Start,
    servers: (headers.get('servers') ?? 'Dovecot Cyrus').split(' ') as MailServer['name'][],
    steps,
  };
}

function addStep(
  steps: Step[],
  place: { readonly connection: number; readonly at: number },
  letter: string,
  rest: string,
): boolean {
  const last = steps.at(-1);
  switch (letter) {
    case 'C':
    case 'P':
      steps.push({ ...place, kind: 'command', lines: [{ text: rest }], awaited: letter === 'C' });
      return true;
    case 'L':
    case 'M':
    case 'R': {
      if (last?.kind !== 'command') return false;
      const line = last.lines.at(-1) ?? { text: '' };
      if ((letter === 'R') !== (line.literal !== undefined)) return false;
      const lines =
        letter === 'R' ? [...last.lines, { text: rest }] : last.lines.with(-1, withLiteral(line, letter, rest));
      steps[steps.length - 1] = { ...last, lines };
      return true;
    }
    case 'X':
      steps.push({ ...place, kind: 'octets', text: rest });
      return true;
    case 'W':
      steps.push({ ...place, kind: 'wait', prefix: rest });
      return true;
    case 'T':
      steps.push({ ...place, kind: 'tls' });
      return true;
    case 'Z':
      steps.push({ ...place, kind: 'compression' });
      return true;
    case 'E':
      steps.push({ ...place, kind: 'end' });
      return true;
    default:
      return false;
  }
}

function withLiteral(line: CommandLine, letter: 'L' | 'M', rest: string): CommandLine {
  const literal = letter === 'L' ? unescape(rest) : message(rest);
  return { text: line.text.replace('{*', `{${literal.length}`), literal };
}

let corpus: ReadonlyMap<string, Buffer> | undefined;

function message(name: string): Buffer {
  corpus ??= new Map(readCorpus().map(({ name, bytes }) => [name, bytes]));
  const found = corpus.get(name);
  if (found === undefined) throw new Error(`There is no test/corpus/${name}.eml.`);
  return found;
}

/** The octets of a text in which `\xHH` stands for an octet, and `\x{HH*N}` for N of them. */
export function unescape(text: string): Buffer {
  const octets = Buffer.from(text).toString('latin1');
  const written = octets.replace(
    /\\x(?:([0-9A-F]{2})|\{([0-9A-F]{2})\*(\d+)\})/g,
    (_, one?: string, many?: string, times?: string) =>
      String.fromCharCode(parseInt(one ?? many ?? '', 16)).repeat(Number(times ?? 1)),
  );
  return Buffer.from(written, 'latin1');
}
