import type { Sink } from '../pipe/queue.js';
import { WireError } from '../wire/error.js';
import type { StatusData, StatusItem } from '../wire/mailboxresponse.js';
import { Gatherer, joinParts } from '../wire/part.js';
import { readResponse, writeResponse } from '../wire/response.js';
import { lowered } from './growth.js';

/**
 * A sink for a STATUS response in which APPENDLIMIT (RFC 7889 §4) is lowered by the growth of encryption. `send` gets what the client
 * gets. `isExempt`: the mailbox is one in which messages do not grow.
 */
export function loweringLimit(send: (octets: Buffer) => void, isExempt: (mailbox: Buffer) => boolean): Sink {
  const gatherer = new Gatherer();
  const pieces: Buffer[] = [];
  let readable = true;
  return (fragment) => {
    if (!readable) {
      send(fragment.bytes);
      return undefined;
    }
    pieces.push(fragment.bytes);
    try {
      const parts = gatherer.push(fragment);
      const response = parts && readResponse(parts);
      if (response === undefined) return undefined;
      if (response.kind === 'mailbox-status' && !isExempt(response.mailbox) && response.items.some(isLimit)) {
        send(joinParts(writeResponse(withLowered(response))));
        return undefined;
      }
    } catch (error) {
      // The client judges what is malformed.
      if (!(error instanceof WireError)) throw error;
      readable = false;
    }
    for (const piece of pieces.splice(0)) send(piece);
    return undefined;
  };
}

function isLimit(item: StatusItem): boolean {
  return item.name === 'APPENDLIMIT' && item.kind === 'number';
}

function withLowered(response: StatusData): StatusData {
  const items = response.items.map((item) =>
    item.kind === 'number' && isLimit(item) ? { ...item, number: BigInt(lowered(Number(item.number))) } : item,
  );
  return { ...response, items };
}
