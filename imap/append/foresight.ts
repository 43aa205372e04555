/** What the provider is likely to say to an APPEND, asked before the client is told to send its message. */
import { commandRow } from '../commands/table.js';
import type { Commands } from '../pipe/commands.js';
import type { Sink } from '../pipe/queue.js';
import type { AppendMessage } from '../wire/append.js';
import { WireError } from '../wire/error.js';
import type { Fragment, LineFragment } from '../wire/framer.js';
import { Gatherer, type Part, isLiteral } from '../wire/part.js';
import { Reader } from '../wire/reader.js';
import { type Response, readResponse } from '../wire/response.js';
import { Writer } from '../wire/writer.js';

export type Foresight =
  /** Nothing speaks against it. */
  | { readonly kind: 'welcome' }
  /** It is larger than the provider takes. */
  | { readonly kind: 'too-big'; readonly limit: number }
  /** The mailbox is not there. */
  | { readonly kind: 'no-mailbox' }
  /** Its quota does not suffice, or flags or date are unusual: providers differ in what they say to that, and when. */
  | { readonly kind: 'doubtful' };

/** How full a quota root is (RFC 9208 §5.1). */
interface Usage {
  readonly resource: string;
  readonly used: number;
  readonly limit: number;
}

const WELCOME: Foresight = { kind: 'welcome' };
/** Octets of the unit of STORAGE (RFC 9208 §5.1.1). */
const UNIT = 1024;
/** Units that rounding may have added. */
const ROUNDING = 1;

/** RFC 9051 §2.3.2. */
const SYSTEM_FLAGS: ReadonlySet<string> = new Set(['\\ANSWERED', '\\FLAGGED', '\\DELETED', '\\SEEN', '\\DRAFT']);
/** RFC 9051 §9, `date-time`, without its quotes. */
const DATE = /^(?: [1-9]|0[1-9]|[12][0-9]|3[01])-[A-Z][a-z]{2}-[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [-+][0-9]{4}$/;

/**
 * Asks the provider about a mailbox and its quota, in one flight. `size`: what the stored message will have at least, octets. Rejects
 * when the session ends.
 */
export async function foresee(
  { mailbox, message }: { readonly mailbox: Buffer; readonly message: AppendMessage },
  size: number,
  commands: Commands,
): Promise<Foresight> {
  const { account, mailboxEncoding } = commands.context;
  const name = onLine(mailbox, mailboxEncoding === 'utf-8');
  if (name === undefined) return WELCOME;
  const { capabilities } = account;
  let limit = announcedLimit(capabilities);
  const usages: Usage[] = [];
  const items = capabilities.includes('APPENDLIMIT') ? 'UIDVALIDITY APPENDLIMIT' : 'UIDVALIDITY';
  const status = ask(commands, `STATUS ${name} (${items})`, /^\* STATUS /i, (response) => {
    limit = statedLimit(response) ?? limit;
  });
  const quota = capabilities.includes('QUOTA')
    ? ask(commands, `GETQUOTAROOT ${name}`, /^\* QUOTA(?:ROOT)? /i, (response) => usages.push(...usagesIn(response)))
    : undefined;
  const [{ completion, line }] = await Promise.all([status, quota]);
  if (limit !== undefined && size > limit) return { kind: 'too-big', limit };
  // RFC 4314: who may not read a mailbox may store in it all the same.
  const isThere = completion === 'OK' || /^[^ ]+ NO \[NOPERM\]/i.test(line.toString('latin1', 0, 300));
  if (!isThere) return { kind: 'no-mailbox' };
  return isUnusual(message) || usages.some((usage) => exceeds(usage, size)) ? { kind: 'doubtful' } : WELCOME;
}

function isUnusual({ flags = [], date }: AppendMessage): boolean {
  if (date !== undefined && !DATE.test(date.toString('latin1'))) return true;
  return flags.some((flag) => flag.startsWith('\\') && !SYSTEM_FLAGS.has(flag.toUpperCase()));
}

/** Sends a command of our own, and gives each of its untagged responses to `take`. */
function ask(
  { own }: Commands,
  line: string,
  which: RegExp,
  take: (response: Response) => void,
): ReturnType<typeof own.ask> {
  const row = commandRow(line.slice(0, line.indexOf(' ')));
  return own.ask(line, row, (response) => (which.test(headOf(response)) ? gathering(take) : undefined));
}

function headOf({ bytes }: LineFragment): string {
  return bytes.toString('latin1', 0, 16);
}

/** A sink for a response that is read whole. What cannot be read says nothing. */
function gathering(take: (response: Response) => void): Sink {
  let gatherer: Gatherer | undefined = new Gatherer();
  return (fragment: Fragment) => {
    try {
      const parts = gatherer?.push(fragment);
      if (parts !== undefined) take(readResponse(parts));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      gatherer = undefined;
    }
    return undefined;
  };
}

/** The name as it stands in a line without literals, or undefined where that cannot be. */
function onLine(mailbox: Buffer, utf8: boolean): string | undefined {
  const [line, ...more] = new Writer({ utf8 }).astring(mailbox).parts;
  return more.length > 0 || line === undefined || isLiteral(line) ? undefined : line.toString('latin1');
}

/** RFC 7889 §3: one limit for all mailboxes. */
function announcedLimit(capabilities: readonly string[]): number | undefined {
  const [limit] = capabilities.flatMap((name) => /^APPENDLIMIT=([0-9]{1,15})$/.exec(name)?.[1] ?? []);
  return limit === undefined ? undefined : Number(limit);
}

/** RFC 7889 §4: the limit of one mailbox. */
function statedLimit(response: Response): number | undefined {
  if (response.kind !== 'mailbox-status') return undefined;
  const item = response.items.find(({ name }) => name === 'APPENDLIMIT');
  return item?.kind === 'number' ? Number(item.number) : undefined;
}

function usagesIn(response: Response): readonly Usage[] {
  return response.kind === 'opaque' && response.name === 'QUOTA' ? readUsages(response.rest) : [];
}

/** Reads ` root (STORAGE 10 512 MESSAGE 3 100)`. */
function readUsages(rest: readonly Part[]): readonly Usage[] {
  const reader = new Reader(rest);
  reader.space();
  reader.astring('a quota root');
  reader.space();
  return reader.list(() => {
    const resource = reader.name('a resource');
    reader.space();
    const used = Number(reader.number64('a usage'));
    reader.space();
    return { resource, used, limit: Number(reader.number64('a limit')) };
  });
}

/** Whether one more message of so many octets is certainly too much. */
function exceeds({ resource, used, limit }: Usage, size: number): boolean {
  switch (resource) {
    case 'STORAGE':
      return (used - ROUNDING) * UNIT + size > limit * UNIT;
    case 'MESSAGE':
      return used + 1 > limit;
    default:
      return false;
  }
}
