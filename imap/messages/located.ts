import { type SequenceRange, setOf } from '../wire/sequenceset.js';

/** A message of the selected mailbox. */
export interface Located {
  /** As the provider counts. */
  readonly number: number;
  readonly uid: number;
}

/** Octets of a set in a command of ours. RFC 7162 §4 has servers take lines of 8,192. */
const SET_OCTETS = 7_000;

/** Sets of these messages, of UIDs or numbers, as many as short lines need. The messages are in order. */
export function setsOf(messages: readonly Located[], uid: boolean): readonly string[] {
  const sets: string[] = [];
  let text = '';
  for (const range of setOf(messages.map((message) => (uid ? message.uid : message.number)))) {
    const next = spell(range);
    if (text.length + next.length >= SET_OCTETS) {
      sets.push(text);
      text = '';
    }
    text += text === '' ? next : `,${next}`;
  }
  return text === '' ? sets : [...sets, text];
}

function spell({ first, last }: SequenceRange): string {
  return last === undefined ? String(first) : `${first}:${last}`;
}
