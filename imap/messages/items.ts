import type { FetchItem, PlainItem } from '../wire/fetchcommand.js';

/** Items that say nothing of the content: the provider answers them for every message. */
const FREE: ReadonlySet<PlainItem> = new Set([
  'UID',
  'FLAGS',
  'INTERNALDATE',
  'MODSEQ',
  'SAVEDATE',
  'EMAILID',
  'THREADID',
  'X-GM-MSGID',
  'X-GM-THRID',
  'X-GM-LABELS',
]);

const MACROS = {
  FAST: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'],
  ALL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'],
  FULL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'],
} as const;

/** RFC 9051 §6.4.5: a macro as the items that it stands for. Each item once. */
export function expand(items: readonly FetchItem[]): readonly FetchItem[] {
  return items.flatMap((item) =>
    item.kind === 'macro' ? MACROS[item.name].map((name): FetchItem => ({ kind: 'plain', name })) : [item],
  );
}

/** Whether the item tells of the content of a message, its sizes included. */
export function isContent(item: FetchItem): boolean {
  return item.kind !== 'plain' || !FREE.has(item.name);
}

/** Whether the item is one of those that programs list messages by: nothing large, and nothing that sets `\Seen`. */
export function isForLists(item: FetchItem): boolean {
  if (item.kind === 'plain') return item.name !== 'RFC822' && item.name !== 'RFC822.TEXT';
  if (item.kind === 'body') return item.peek && item.section.text?.startsWith('HEADER') === true;
  return item.kind === 'preview';
}

/** Whether a server sets `\Seen` when it is asked for this (RFC 9051 §6.4.5). */
export function setsSeen(item: FetchItem): boolean {
  if (item.kind === 'body' || item.kind === 'binary') return !item.peek;
  return item.kind === 'plain' && (item.name === 'RFC822' || item.name === 'RFC822.TEXT');
}

/** An item that sets `\Seen` and is small. */
export const SEEN_ITEM: FetchItem = {
  kind: 'body',
  peek: false,
  section: { part: [], text: 'HEADER.FIELDS', fields: ['MIME-VERSION'] },
  partial: undefined,
};
