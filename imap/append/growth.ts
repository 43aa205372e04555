/** How much larger a message is in its stored form. */
import type { Source } from '#lib/bytes/source';
import type { Account } from '../account.js';

/** Lines of 64 characters and CRLF for each 48 octets, and the tags of SEIPDv2 (RFC 9580 §5.13.2), which have 16 octets for each 64 KiB at most. */
const GROWTH = (66 / 48) * (1 + 16 / 65_536);
/** Octets for what does not grow with the message: the outer header, the MIME structure, the session keys. Headers rarely have more. */
const ROOM = 16 * 1024;

/** Octets that a message may have so that its stored form fits into a limit. */
export function lowered(limit: number): number {
  return Math.max(0, Math.floor((limit - ROOM) / GROWTH));
}

/**
 * Octets of the stored form of a message of so many octets that has no header: no sealed message of that size is smaller. Rejects as
 * `seal` does.
 */
export async function smallestSealed(size: number, seal: Account['seal']): Promise<number> {
  const { size: stored } = await seal(headless(size), { double: 'always' });
  return stored;
}

function headless(size: number): Source {
  const stream = async function* (): AsyncGenerator<Buffer, void> {
    yield await Promise.resolve(Buffer.from('\r\n'));
  };
  return { size, stream, close: () => Promise.resolve() };
}
