import { WireError } from './error.js';
import type { FetchItem } from './fetchcommand.js';
import type { Part } from './part.js';
import { type Place, Reader } from './reader.js';
import { readBinarySection, readOrigin, readSection, type Section } from './section.js';

/** What an item of a FETCH response is called (RFC 9051 §7.5.2). */
export interface ItemName {
  /** In upper case, up to the bracket: `BODY`, `UID`. */
  readonly name: string;
  /** Of `BODY[…]`. */
  readonly section: Section | undefined;
  /** Of `BINARY[…]` and `BINARY.SIZE[…]`. */
  readonly part: readonly number[] | undefined;
  /** `<origin>` behind the bracket. */
  readonly origin: number | undefined;
  /** The same for the same item, however it is spelled; see `requestKey`. */
  readonly key: string;
}

/** The name of an item that has not come whole. */
export const UNKNOWN_NAME: ItemName = { name: '', section: undefined, part: undefined, origin: undefined, key: '' };

/** Names that have been read. A server spells the same ones thousands of times. */
const NAMES = new Map<string, ItemName>();
const MAX_NAMES = 200;
const MAX_SPELLED = 500;

/** Reads the name of an item, up to where its value begins. One whose section is none that we know is a name alone. */
export function readItemName(item: readonly Part[], value: Place): ItemName {
  const [line] = item;
  if (value.part > 0 || value.at > MAX_SPELLED || !Buffer.isBuffer(line)) return readNew(item);
  const spelled = line.toString('latin1', 0, value.at);
  const known = NAMES.get(spelled);
  if (known !== undefined) return known;
  const name = readNew(item);
  if (NAMES.size >= MAX_NAMES) NAMES.clear();
  NAMES.set(spelled, name);
  return name;
}

function readNew(item: readonly Part[]): ItemName {
  const reader = new Reader(item);
  const name = reader.itemName('the name of an item');
  if (reader.peek() !== OPEN_BRACKET) return { ...UNKNOWN_NAME, name, key: name };
  try {
    if (name === 'BODY') {
      const section = readSection(reader);
      const origin = readOrigin(reader);
      return { ...UNKNOWN_NAME, name, section, origin, key: sectionKey(section, origin) };
    }
    if (name === 'BINARY') {
      const part = readBinarySection(reader);
      const origin = readOrigin(reader);
      return { ...UNKNOWN_NAME, name, part, origin, key: binaryKey(name, part, origin) };
    }
    if (name === 'BINARY.SIZE') {
      const part = readBinarySection(reader);
      return { ...UNKNOWN_NAME, name, part, key: binaryKey(name, part, undefined) };
    }
  } catch (error) {
    if (!(error instanceof WireError) || error.code !== 'syntax') throw error;
  }
  return { ...UNKNOWN_NAME, name: `${name}[]`, key: `${name}[]` };
}

const OPEN_BRACKET = 0x5b;

/** What an item that is asked for is called in the response, however it is spelled: `BODY.PEEK[TEXT]<0.10>` comes as `BODY[TEXT]<0>`. */
export function requestKey(item: FetchItem): string {
  let key = KEYS.get(item);
  if (key === undefined) KEYS.set(item, (key = makeKey(item)));
  return key;
}

const KEYS = new WeakMap<FetchItem, string>();

function makeKey(item: FetchItem): string {
  switch (item.kind) {
    case 'macro':
    case 'plain':
      return item.name;
    case 'body':
      return sectionKey(item.section, item.partial?.offset);
    case 'binary':
      return binaryKey('BINARY', item.part, item.partial?.offset);
    case 'binary.size':
      return binaryKey('BINARY.SIZE', item.part, undefined);
    case 'preview':
      return 'PREVIEW';
    case 'other':
      return '';
  }
}

function sectionKey({ part, text, fields }: Section, origin: number | undefined): string {
  const names = fields.map((field) => field.toUpperCase());
  return `BODY[${[part.join('.'), text, ...names].join(' ')}]${originKey(origin)}`;
}

function binaryKey(name: string, part: readonly number[], origin: number | undefined): string {
  return `${name}[${part.join('.')}]${originKey(origin)}`;
}

function originKey(origin: number | undefined): string {
  return origin === undefined ? '' : `<${origin}>`;
}
