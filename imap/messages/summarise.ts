import { memorySource } from '#lib/bytes/source';
import { isClaim } from '#lib/message/field';
import { readTop } from '#lib/message/recognise';
import { SUMMARY_LIMIT } from '#lib/message/summary';
import { ViewBuilder } from '../view/builder.js';
import { encodeRecord } from '../view/codec.js';

/**
 * What a listing needs of a message that is about to be encrypted, for its summary. Of a large header it goes without that. Undefined for what
 * is not summarised: an mbox line before the header, or a header above the limits.
 */
export async function summarise(message: Buffer): Promise<Buffer | undefined> {
  const { mbox, header, complete, bodyStart } = await readTop(memorySource(message));
  if (!complete || mbox.length > 0) return undefined;
  const builder = new ViewBuilder();
  builder.push(header.remove(isClaim).raw);
  builder.push(message.subarray(bodyStart));
  const record = builder.end();
  const whole = encodeRecord(record);
  return whole.length <= SUMMARY_LIMIT ? whole : encodeRecord(record, { header: 'listed' });
}
