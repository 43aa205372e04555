import type { FetchItem } from './fetchcommand.js';
import type { ItemName } from './fetchreader.js';
import type { Section } from './section.js';

/** What an item that is asked for is called in the response, however it is spelled: `BODY.PEEK[TEXT]<0.10>` comes as `BODY[TEXT]<0>`. */
export function requestKey(item: FetchItem): string {
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

/** The same of an item in a response. */
export function responseKey({ name, section, part, origin }: ItemName): string {
  if (section !== undefined) return sectionKey(section, origin);
  return part === undefined ? name : binaryKey(name, part, origin);
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
