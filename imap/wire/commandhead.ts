import { TAG } from './characters.js';
import { WireError } from './error.js';
import { Reader } from './reader.js';

/** How a command begins: what is needed to decide who deals with it. */
export interface CommandHead {
  readonly tag: string;
  /** In upper case. `UID` and what follows it are one name: `UID FETCH`. */
  readonly name: string;
  /** Octets of the line before what follows the name: a space and arguments, or the end. */
  readonly end: number;
}

/** Reads the beginning of a command's first line (RFC 9051 §2.2.1). Throws WireError. */
export function readCommandHead(line: Buffer): CommandHead {
  const reader = new Reader([line]);
  const tag = reader.word(TAG, 'a tag');
  if (tag.length > MAX_TAG) throw new WireError('limit', `The tag is longer than ${MAX_TAG} octets.`);
  reader.space();
  let name = reader.name('a command');
  const { at } = reader.place;
  reader.wordEnd();
  if (name !== 'UID') return { tag, name, end: at };
  reader.space();
  name = `UID ${reader.name('a command')}`;
  reader.wordEnd();
  return { tag, name, end: reader.place.at };
}

/** The tag at the beginning of a line, for an answer to a command that cannot be read. Undefined where there is none. */
export function tagOf(line: Buffer): string | undefined {
  const [tag] = /^[^\0- (){%*"\\+\x7f-\xff]+(?= |\r?\n)/.exec(line.toString('latin1', 0, MAX_TAG + 1)) ?? [];
  return tag;
}

/** Octets of a tag, which is sent back in the answer: a provider's has to be recognised by it. */
const MAX_TAG = 255;
