/** What it costs to see encrypted messages through Postern, against Dovecot and the same messages in plaintext. */
import { startTwins } from '#test/e2e/imap/view/mailbox';
import { GB, MB, type Result } from '../measure.js';
import { beside, ranges, whole } from './large.js';
import { listings } from './listing.js';
import { fillLarge, fillLists } from './mailboxes.js';

const SIZES = [10 * MB, 100 * MB, GB];

export async function* view(rounds = 5): AsyncGenerator<Result, void> {
  yield* await small(rounds);
  const twins = await startTwins({ largest: '10G' });
  try {
    for (const large of await fillLarge(twins, SIZES)) {
      yield* await whole(twins, large, large.size === GB ? 2 : rounds);
      if (large.size === 100 * MB && large.isSeekable) yield* await ranges(twins, large);
      if (large.size === GB) yield await beside(twins, large);
    }
  } finally {
    await twins.stop();
  }
}

async function small(rounds: number): Promise<Result[]> {
  const twins = await startTwins({ metered: false });
  try {
    await fillLists(twins);
    return await listings(twins, rounds);
  } finally {
    await twins.stop();
  }
}
