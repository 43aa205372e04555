import { type ByteStream, gather } from '#lib/bytes/source';
import { BUFFER_LIMIT } from '#lib/bytes/spool';
import { isContent } from '../messages/items.js';
import type { Fetched } from '../messages/provider.js';
import { ContentError } from '../messages/stored.js';
import type { Context } from '../pipe/context.js';
import type { Outlet } from '../pipe/outlet.js';
import { type Answer, type ViewContent, answerFromTexts, answerItem } from '../view/answer.js';
import type { ViewRecord } from '../view/record.js';
import type { FetchItem } from '../wire/fetchcommand.js';
import { type FetchData, writeFetchResponse } from '../wire/fetchdata.js';
import type { RawItem } from '../wire/fetchreader.js';
import { requestKey } from '../wire/itemname.js';
import { type Part, isLiteral, literalBytes } from '../wire/part.js';

type Wait = Promise<void> | undefined;

/** A response about one message, ready to be written. */
export interface Response {
  readonly data: readonly (FetchData | RawItem)[];
  /** The octets of the literals that `data` does not have, in their order. */
  readonly streams: readonly ByteStream[];
}

/**
 * Answers the client's items for a message: those about the content from its view, the others with what the provider said. After them stands
 * what the provider said of `changes`, as where the command has set \Seen: some clients read only the first response. Literals of up to
 * BUFFER_LIMIT are read here, so that what is wrong with them is known before a word of them is said.
 */
export async function respond(
  items: readonly FetchItem[],
  message: Fetched,
  record: ViewRecord,
  content: ViewContent,
  changes: readonly RawItem[],
): Promise<Response> {
  const data: (FetchData | RawItem)[] = [];
  const streams: ByteStream[] = [];
  for (const item of items) {
    if (!isContent(item)) {
      const told = toldOf(item, message);
      if (told !== undefined) data.push(told);
      continue;
    }
    const answer = await atHand(await answerItem(item, record, content));
    data.push(answer.data);
    if (answer.stream !== undefined) streams.push(answer.stream);
  }
  return { data: [...data, ...changes], streams };
}

/** The same, at once, where the record has all values ready. Undefined where it has not. */
export function respondAtOnce(
  items: readonly FetchItem[],
  message: Fetched,
  record: ViewRecord,
  changes: readonly RawItem[],
): Response | undefined {
  return gathered(items, changes, (item) =>
    isContent(item) ? answerFromTexts(item, record) : (toldOf(item, message) ?? 'nothing'),
  );
}

/** Answers the client's items for a message that is shown as it is stored. Undefined where the provider has not answered one of them. */
export function relayed(
  items: readonly FetchItem[],
  message: Fetched,
  changes: readonly RawItem[],
): Response | undefined {
  return gathered(items, changes, (item) => toldOf(item, message));
}

function gathered(
  items: readonly FetchItem[],
  changes: readonly RawItem[],
  answer: (item: FetchItem) => FetchData | RawItem | 'nothing' | undefined,
): Response | undefined {
  const data: (FetchData | RawItem)[] = [];
  for (const item of items) {
    const answered = answer(item);
    if (answered === undefined) return undefined;
    if (answered !== 'nothing') data.push(answered);
  }
  data.push(...changes);
  return { data, streams: [] };
}

/** What the provider said. */
function toldOf(item: FetchItem, { uid, items }: Fetched): FetchData | RawItem | undefined {
  const key = requestKey(item);
  return key === 'UID' ? { kind: 'uid', uid } : items.find((told) => told.key === key);
}

/** An answer with its octets, where they are few. */
async function atHand({ data, stream }: Answer): Promise<Answer> {
  if (stream === undefined || !('content' in data) || data.content === undefined) return { data };
  const { content } = data;
  if (content.size > BUFFER_LIMIT) return { data, stream };
  const bytes = await gather(stream);
  if (bytes.length !== content.size) throw new ContentError('The message has other octets than before. Try again.');
  return { data: { ...data, content: { ...content, bytes } } };
}

/** Writes a response. `write` takes octets for the client. A stream that does not hold what was announced rejects with ContentError. */
export function writeResponse(
  { held, toClient }: Context,
  number: number,
  { data, streams }: Response,
  write: (bytes: Buffer) => void,
): Wait {
  const clientNumber = held.none ? number : held.clientNumber(number);
  const parts = writeFetchResponse(clientNumber, data, { nonSynchronizing: 0 });
  if (streams.length > 0) return writeParts(toClient, parts, streams, write);
  for (const part of parts) write(isLiteral(part) ? literalBytes(part) : part);
  return toClient.settle();
}

async function writeParts(
  toClient: Outlet,
  parts: readonly Part[],
  streams: readonly ByteStream[],
  write: (bytes: Buffer) => void,
): Promise<void> {
  const left = [...streams];
  for (const part of parts) {
    if (!isLiteral(part)) write(part);
    else if (part.bytes !== undefined) write(part.bytes);
    else await writeStream(left.shift(), part.size, write, () => toClient.ready());
  }
  const waits = toClient.settle();
  if (waits !== undefined) await waits;
}

async function writeStream(
  stream: ByteStream | undefined,
  size: number,
  write: (bytes: Buffer) => void,
  ready: () => Promise<void> | undefined,
): Promise<void> {
  let octets = 0;
  for await (const chunk of stream ?? []) {
    octets += chunk.length;
    if (octets > size) break;
    write(chunk);
    const waits = ready();
    if (waits !== undefined) await waits;
  }
  if (octets !== size) throw new ContentError('The message has other octets than before.');
}
