/** 64 KiB at the end of 1 GB of armored SEIPDv2, the session key being known. */
import { open } from 'node:fs/promises';
import { fileSource } from '#lib/bytes/file';
import { openSeekable } from '#lib/openpgp/seek';
import { type Material, consume } from './material.js';
import { MB, type Result, atMost, median, timed } from './measure.js';

const SIZE = 1000 * MB;
const RANGE = 64 * 1024;
const ROUNDS = 15;

export async function seeking(material: Material): Promise<Result[]> {
  const { path, sessionKey } = await material.sealedFile('ocb', SIZE);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    times.push(
      await timed(async () => {
        const file = await open(path);
        const message = await openSeekable(fileSource(file, (await file.stat()).size), sessionKey);
        if (message?.size !== SIZE) throw new Error('The message cannot be read in ranges.');
        await consume(message.read(SIZE - RANGE, SIZE));
        await file.close();
      }),
    );
  }
  return [
    atMost('a range of 64 KiB at the end of 1 GB, first time', times[0] ?? NaN, 20, ' ms'),
    atMost('a range of 64 KiB at the end of 1 GB, median', median(times), 20, ' ms'),
  ];
}
