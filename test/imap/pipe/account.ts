import { type ByteStream, type Source, gather } from '#lib/bytes/source';
import { SILENT } from '#lib/log';
import type { SealedMessage } from '#lib/message/seal';
import { OpenPGPError } from '#lib/openpgp/error';
import type { Account } from '#imap/account';

/** An account whose messages are sealed by `fakeSeal`. */
export function fakeAccount(changes: Partial<Account> = {}): Account {
  return {
    capabilities: [],
    exempt: new Set(),
    keys: () => Promise.resolve([]),
    seal: fakeSeal,
    log: SILENT,
    ...changes,
  };
}

/** An account in which nothing can be encrypted. */
export const noKey: Account['seal'] = () =>
  Promise.reject(new OpenPGPError('unusable-key', 'The vault has no private key, so that nothing can be encrypted.'));

/**
 * Puts a message between angle brackets, as a stand-in for encryption. How it begins decides what becomes of it: `KEPT` is encrypted
 * already; `MAYBE` is seen only at its end not to be; `OUTER` has header fields that are copied; `FAIL`, `LARGE`, `FULL` and `FAULT` cannot be encrypted, and `BREAK` fails on the way.
 */
export async function fakeSeal(message: Source): Promise<SealedMessage> {
  const start = (await gather(message.stream(0, Math.min(message.size, 8)))).toString('latin1');
  if (start.startsWith('KEPT')) return { size: message.size, kept: true, stream: () => message.stream() };
  if (start.startsWith('MAYBE')) await gather(message.stream(message.size - 1));
  if (start.startsWith('FAIL')) throw new OpenPGPError('unusable-key', 'The key has expired.');
  if (start.startsWith('LARGE')) throw new OpenPGPError('limit', 'It has too many octets.');
  if (start.startsWith('FULL')) throw Object.assign(new Error('full'), { code: 'ENOSPC', errno: -28 });
  if (start.startsWith('FAULT')) throw new Error('a secret');
  const breaks = start.startsWith('BREAK');
  const outer = start.startsWith('OUTER') ? start.slice(0, 6) : '';
  const stream = (): ByteStream => bracketed(outer, message.stream(outer.length), breaks);
  return { size: message.size + 2, kept: false, stream };
}

async function* bracketed(outer: string, stream: ByteStream, breaks: boolean): AsyncGenerator<Buffer, void> {
  yield Buffer.from(`<${outer}`, 'latin1');
  for await (const chunk of stream) {
    yield Buffer.from(chunk);
    if (breaks) throw new OpenPGPError('size-mismatch', 'It broke.');
  }
  yield Buffer.from('>');
}
