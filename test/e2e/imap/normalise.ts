/** Takes out of a transcript what differs by nature between two servers that do the same. Literals stay as they are. */
import type { Endpoint } from './endpoint.js';
import type { Entry } from './replay.js';
import { pieces } from './responses.js';

const DAY = 24 * 3600 * 1000;

/**
 * The responses as latin1 text:
 * - the values of UIDVALIDITY become `V`;
 * - of mod-sequences, whose base is the server's, only the order stays: `M1` is the least in the transcript;
 * - object identifiers become `O1`, `O2`, … in the order in which they come up;
 * - dates and times of the last day, durations, session identifiers and the user's name become words.
 */
export function normalise(entries: readonly Entry[], { user }: Endpoint): readonly string[] {
  const texts = entries.map(({ octets }) => pieces(octets));
  const plain = texts.map((found) => found.map(({ text }) => text).join(''));
  const modseqs = ranks(plain.flatMap((text) => [...text.matchAll(MODSEQ)].flatMap(([, , value = '']) => value)));
  const objects = new Map<string, string>();
  const mend = (text: string): string =>
    text
      .replace(/\b(UIDVALIDITY|APPENDUID|COPYUID) \d+/g, '$1 V')
      .replace(MODSEQ, (_, head: string, value: string) => `${head}${modseqs.get(value) ?? value}`)
      .replace(/\b(EMAILID|THREADID|MAILBOXID) \(([^()]+)\)/g, (_, head: string, id: string) => {
        if (!objects.has(id)) objects.set(id, `O${objects.size + 1}`);
        return `${head} (${objects.get(id) ?? id})`;
      })
      .replace(/\d+\.\d+(?: \+ \d+\.\d+)* secs?\b/g, 'TIME')
      .replace(/SESSIONID=<[^>]*>/g, 'SESSIONID')
      .replace(/[ \d]\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d [-+]\d{4}/g, (date) =>
        Math.abs(Date.parse(date.trim().replaceAll('-2', ' 2').replace('-', ' ')) - Date.now()) < DAY ? 'NOW' : date,
      )
      .replace(/\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]/g, '[NOW]')
      .replaceAll(user, 'USER');
  return texts.map((found) =>
    found.map(({ text, literal }) => mend(text) + (literal?.toString('latin1') ?? '')).join(''),
  );
}

const MODSEQ = /\b((?:HIGHEST|CREATED)?MODSEQ \(?)(\d+)/g;

function ranks(values: readonly string[]): ReadonlyMap<string, string> {
  const sorted = [...new Set(values)].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  return new Map(sorted.map((value, index) => [value, value === '0' ? '0' : `M${index + 1}`]));
}
