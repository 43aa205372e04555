/**
 * src/maildir: the conversion of a Maildir in place. This file knows the names of message files.
 *
 * A name is `BASE[,FIELD=VALUE…][:2,FLAGS]`: the unique part, Dovecot's fields (`S` the file's size, `W` its size with CRLF line
 * ends) and the flags, which any client may change at any time by renaming.
 *
 * A converted message gets a *new* base name. IMAP forbids that the content behind a UID changes (RFC 9051 §2.3.1.1), and Dovecot
 * keeps sizes, headers and structure by UID, found by this name: new content under the old name is answered with the old size and
 * subject, or with "Cached message size smaller than expected" and a dropped connection (seen with Dovecot 2.3.19). Under a new
 * name it is a new message, as after an APPEND and an EXPUNGE.
 */
import { createHash } from 'node:crypto';

export interface MessageName {
  /** The unique part. */
  readonly base: string;
  /** `S=123`, `W=130` and whatever else stands between commas. */
  readonly fields: readonly string[];
  /** `:2,FS`, or empty (in `new`, as a rule). */
  readonly info: string;
}

/** What tells one message file from another, however it is renamed, and whatever number its disk has after the next start. */
export interface FileIdentity {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** Octets of a unique part that are kept beside the mark; file names end at 255. */
const MAX_ORIGIN = 120;

/** What ends the unique part of a converted message. */
const MARK = /\.postern-[0-9a-f]{16}$/;

/** Takes the name of a message file apart. */
export function parseName(name: string): MessageName {
  const colon = name.indexOf(':');
  const stem = colon < 0 ? name : name.slice(0, colon);
  const [base = '', ...fields] = stem.split(',');
  return { base, fields, info: colon < 0 ? '' : name.slice(colon) };
}

/** The name without the flags: what stays when a client changes them. */
export function stemOf(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(0, colon);
}

/** The flags in a name's info; undefined where it says something else (`:1,…`). None and no info are the same. */
export function flagsOf(info: string): string | undefined {
  return info === '' ? '' : /^:2,(.*)$/.exec(info)?.[1];
}

/** What becomes of `info` when what has changed from one info to another is changed in it too. */
export function changeInfo(info: string, from: string, to: string): string {
  const [own, before, after] = [flagsOf(info), flagsOf(from), flagsOf(to)];
  if (info === from || own === undefined || before === undefined || after === undefined) return to;
  const stays = (flag: string): boolean =>
    (before.includes(flag) === after.includes(flag) ? own : after).includes(flag);
  return `:2,${[...new Set(own + after)].filter(stays).sort().join('')}`;
}

/** The value of a field in decimal (`S`, `W`), or undefined where it is missing or no number. */
export function sizeField(name: MessageName, field: 'S' | 'W'): number | undefined {
  const found = name.fields.find((text) => text.startsWith(`${field}=`))?.slice(2);
  return found !== undefined && /^\d{1,15}$/.test(found) ? Number(found) : undefined;
}

/**
 * The unique part that a message and all that it was converted from and to have in common. Very long ones are cut down to their
 * time, which is what Dovecot sorts new messages by.
 */
export function originOf(base: string): string {
  const origin = base.replace(MARK, '');
  return Buffer.byteLength(origin) <= MAX_ORIGIN ? origin : (/^\d{1,20}/.exec(origin)?.[0] ?? '0');
}

/** True where a conversion made this unique part. */
export function isConverted(base: string): boolean {
  return MARK.test(base);
}

/**
 * The unique part of the message that this file is converted to. It follows from the file alone, so that a run after an interrupted
 * one knows what the other was about to replace; and it is never the same for two files, nor for the same message converted to
 * and fro. It says nothing about the content: a digest of that in a file's name would let its reader confirm a guess.
 */
export function successorOf(name: string, file: FileIdentity): string {
  const stem = stemOf(name);
  const digest = createHash('sha256').update(`${stem}\0${file.ino}\0${file.size}\0${file.mtimeNs}`).digest('hex');
  return `${originOf(parseName(name).base)}.postern-${digest.slice(0, 16)}`;
}

/** The whole name of a converted message. Fields that other programs bound to the old content or UID are not taken over. */
export function composeName(base: string, size: number, virtualSize: number, info: string): string {
  return `${base},S=${size},W=${virtualSize}${info}`;
}
