/**
 * One sealing or opening as a whole process: `process.js seal|seal-package|open|idle MODE KEYFILE [FILE]`. Sealing writes to
 * standard output; the peak memory in kilobytes goes to standard error.
 */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readPrivateKey } from '#lib/openpgp/library';
import { openMessage } from '#lib/openpgp/open';
import { createSealer } from '#lib/openpgp/seal';
import { openpgp } from '#test/openpgpjs';
import { type Mode, consume, fileStream, sealOptions } from './material.js';

const [what, mode, keyFile = '', file = ''] = process.argv.slice(2);
const key = await readPrivateKey({ armoredKey: readFileSync(keyFile, 'latin1') });
const options = await sealOptions(key, mode as Mode);

switch (what ?? 'idle') {
  case 'seal': {
    const sealer = await createSealer(options, (await stat(file)).size);
    await pipeline(Readable.from(sealer.seal(fileStream(file))), process.stdout);
    break;
  }
  case 'seal-package': {
    const sealed = await openpgp.encrypt({
      message: await openpgp.createMessage({ binary: Readable.toWeb(Readable.from(fileStream(file))) as never }),
      encryptionKeys: key.toPublic(),
      format: 'armored',
    });
    await pipeline(Readable.from(sealed as unknown as AsyncIterable<string>), process.stdout);
    break;
  }
  case 'open':
    await consume((await openMessage(fileStream(file, true), { lent: true, keys: [key] })).payload);
    break;
  case 'idle':
    break;
}
process.stderr.write(`${process.resourceUsage().maxRSS}\n`);
