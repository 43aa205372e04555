import { type ByteStream, gather } from '#lib/bytes/source';
import { BUFFER_LIMIT } from '#lib/bytes/spool';
import { isContent } from '../messages/items.js';
import type { Fetched } from '../messages/provider.js';
import { ContentError } from '../messages/stored.js';
import type { Context } from '../pipe/context.js';
import { type Answer, type ViewContent, answerItem } from '../view/answer.js';
import type { ViewRecord } from '../view/record.js';
import type { FetchItem } from '../wire/fetchcommand.js';
import { type FetchData, writeFetchResponse } from '../wire/fetchdata.js';
import type { RawItem } from '../wire/fetchreader.js';
import { requestKey, responseKey } from '../wire/itemkey.js';
import { isLiteral } from '../wire/part.js';

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
  { uid, items: told }: Fetched,
  record: ViewRecord,
  content: ViewContent,
  changes: readonly RawItem[],
): Promise<Response> {
  const data: (FetchData | RawItem)[] = [];
  const streams: ByteStream[] = [];
  const byKey = new Map(told.map((item) => [responseKey(item), item]));
  for (const item of items) {
    const key = requestKey(item);
    if (key === 'UID') {
      data.push({ kind: 'uid', uid });
      continue;
    }
    if (isContent(item)) {
      const answer = await atHand(await answerItem(item, record, content));
      data.push(answer.data);
      if (answer.stream !== undefined) streams.push(answer.stream);
      continue;
    }
    const raw = byKey.get(key);
    if (raw !== undefined) data.push(raw);
  }
  return { data: [...data, ...changes], streams };
}

/** Answers the client's items for a message that is shown as it is stored. Undefined where the provider has not answered one of them. */
export function relayed(
  items: readonly FetchItem[],
  { uid, items: told }: Fetched,
  changes: readonly RawItem[],
): Response | undefined {
  const byKey = new Map(told.map((item) => [responseKey(item), item]));
  const data: (FetchData | RawItem)[] = [];
  for (const item of items) {
    const key = requestKey(item);
    const raw = key === 'UID' ? { kind: 'uid' as const, uid } : byKey.get(key);
    if (raw === undefined) return undefined;
    data.push(raw);
  }
  return { data: [...data, ...changes], streams: [] };
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
export async function writeResponse(
  context: Context,
  number: number,
  { data, streams }: Response,
  write: (bytes: Buffer) => void,
): Promise<void> {
  const { held, toClient } = context;
  const clientNumber = held.none ? number : held.clientNumber(number);
  const left = [...streams];
  for (const part of writeFetchResponse(clientNumber, data, { nonSynchronizing: 0 })) {
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
