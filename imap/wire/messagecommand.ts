import { readArgument, writeOption } from './mailboxcommand.js';
import type { Part } from './part.js';
import type { Reader } from './reader.js';
import { readSequenceSet, type SequenceSet, writeSequenceSet } from './sequenceset.js';
import type { Writer } from './writer.js';

/** RFC 9051 §6.4.6. */
export interface StoreCommand {
  readonly kind: 'store';
  readonly tag: string;
  readonly uid: boolean;
  readonly set: SequenceSet;
  readonly modifiers: readonly StoreModifier[];
  /** In upper case: `+FLAGS.SILENT`, `X-GM-LABELS`. */
  readonly item: string;
  /** Flags, as they came, in parentheses or without. */
  readonly value: readonly Part[];
}

export type StoreModifier =
  /** RFC 7162 §3.1.3. */
  | { readonly kind: 'unchangedsince'; readonly modseq: bigint }
  | { readonly kind: 'other'; readonly name: string; readonly argument: readonly Part[] | undefined };

/** RFC 9051 §6.4.7, §6.4.8 (RFC 6851). */
export interface CopyCommand {
  readonly kind: 'copy' | 'move';
  readonly tag: string;
  readonly uid: boolean;
  readonly set: SequenceSet;
  readonly mailbox: Buffer;
}

export function readStore(reader: Reader, tag: string, uid: boolean): StoreCommand {
  reader.space();
  const set = readSequenceSet(reader);
  reader.space();
  const modifiers = reader.peek() === 0x28 ? reader.list(() => readModifier(reader)) : [];
  if (modifiers.length > 0) reader.space();
  const item = reader.name('an item');
  reader.space();
  const start = reader.place;
  // Without parentheses there is at least one flag, and may be more.
  if (reader.peek() === 0x28) reader.opaque('flags');
  else
    do reader.opaque('a flag');
    while (reader.take(' '));
  return { kind: 'store', tag, uid, set, modifiers, item, value: reader.since(start) };
}

function readModifier(reader: Reader): StoreModifier {
  const name = reader.name('a modifier');
  if (name !== 'UNCHANGEDSINCE') return { kind: 'other', name, argument: readArgument(reader) };
  reader.space();
  return { kind: 'unchangedsince', modseq: reader.number64('a mod-sequence') };
}

export function writeStore(writer: Writer, { uid, set, modifiers, item, value }: StoreCommand): void {
  writeSequenceSet(writer.syntax(uid ? 'UID STORE ' : 'STORE '), set);
  writer.space();
  if (modifiers.length > 0) {
    writer.list(modifiers, (modifier) => {
      if (modifier.kind === 'other') writeOption(writer, modifier);
      else writer.syntax('UNCHANGEDSINCE ').number(modifier.modseq);
    });
    writer.space();
  }
  writer.atom(item, 'an item').space().copy(value);
}

export function readCopy(reader: Reader, tag: string, kind: 'copy' | 'move', uid: boolean): CopyCommand {
  reader.space();
  const set = readSequenceSet(reader);
  reader.space();
  return { kind, tag, uid, set, mailbox: reader.astring('a mailbox') };
}

export function writeCopy(writer: Writer, { kind, uid, set, mailbox }: CopyCommand): void {
  writeSequenceSet(writer.syntax(`${uid ? 'UID ' : ''}${kind.toUpperCase()} `), set);
  writer.space().astring(mailbox);
}
