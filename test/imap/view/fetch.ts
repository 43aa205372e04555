/** A message as its reader sees it, and questions about it as a client asks them. */
import { memorySource } from '#lib/bytes/source';
import { gather } from '#lib/bytes/source';
import { answerItem, isAnsweredBy, type ViewContent } from '#imap/view/answer';
import { ViewBuilder } from '#imap/view/builder';
import { crlfRange } from '#imap/view/lineends';
import type { ViewRecord } from '#imap/view/record';
import { type FetchItem, readFetchItem } from '#imap/wire/fetchcommand';
import { writeFetchData } from '#imap/wire/fetchdata';
import { isLiteral, joinParts } from '#imap/wire/part';
import { Reader } from '#imap/wire/reader';
import { Writer } from '#imap/wire/writer';

export interface View {
  readonly record: ViewRecord;
  /** The octets with CRLF. */
  readonly octets: Buffer;
  readonly content: ViewContent;
}

/** The view of a payload that comes in these pieces. */
export function view(...pieces: readonly Buffer[]): View {
  const builder = new ViewBuilder();
  const octets = Buffer.concat(pieces.map((piece) => builder.push(piece)));
  const record = builder.end();
  const payload = memorySource(Buffer.concat(pieces));
  return { record, octets, content: { read: (start, end) => crlfRange(payload, record.lineEnds, start, end) } };
}

/** The view of a text of one character an octet. */
export function viewOf(text: string): View {
  return view(Buffer.from(text, 'latin1'));
}

export function item(text: string): FetchItem {
  const reader = new Reader([Buffer.from(text, 'latin1')]);
  const read = readFetchItem(reader, false);
  reader.end();
  return read;
}

/** The octets of an item of the response, with its name. */
export async function fetch({ record, content }: View, name: string): Promise<Buffer> {
  const asked = item(name);
  const { data, stream } = await answerItem(asked, record, isAnsweredBy(record, asked) ? UNREADABLE : content);
  const writer = new Writer({ nonSynchronizing: 0 });
  writeFetchData(writer, data);
  const { parts } = writer;
  if (stream === undefined) return joinParts(parts);
  const streamed = await gather(stream);
  return joinParts(
    parts.map((part) => (isLiteral(part) && part.bytes === undefined ? { ...part, bytes: streamed } : part)),
  );
}

const UNREADABLE: ViewContent = {
  read: () => {
    throw new Error('What the record answers needs no octets of the view.');
  },
};
