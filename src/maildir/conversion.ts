import type { ByteStream, Source } from '#lib/bytes/source';
import { openStored } from '#lib/message/open';
import { recipientsOf } from '#lib/message/addressed';
import { encryptedStream, readTop, recognise } from '#lib/message/recognise';
import { sealAtRest, type SealAtRestOptions } from '#lib/message/seal';
import { Exit, Failure } from '../exit.js';
import type { OwnKeys } from './ownkeys.js';
import type { Conversion } from './replace.js';
import type { Holder } from './status.js';

/** Into the stored form. With keys, each is opened again from the disk and compared before the original goes. */
export function encrypting(options: SealAtRestOptions, keys?: OwnKeys): Conversion {
  const convert: Conversion['convert'] = async (message) => {
    const sealed = await sealAtRest(message, options);
    return sealed.kept ? 'skip' : sealed;
  };
  if (keys === undefined) return { convert };
  return { convert, verify: (original, written) => verifyOpens(original, written, keys) };
}

async function verifyOpens(original: Source, written: Source, keys: OwnKeys): Promise<void> {
  const view = await openStored(written, { keys: (recipients) => keys.unlock(recipients), exact: true });
  try {
    if (view.kind === 'stored') {
      const message = `What was written cannot be opened, and the original stays: ${view.reason.message}`;
      throw new Failure(Exit.tempFail, message, { cause: view.reason });
    }
    if (!(await areSame(original.stream(), view.stream()))) {
      throw new Failure(Exit.software, 'What was written does not open to the original, which stays.');
    }
  } finally {
    await view.close();
  }
}

/** Whether two streams have the same octets, however they are cut. */
async function areSame(one: ByteStream, other: ByteStream): Promise<boolean> {
  const others = other[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of one) {
      for (let at = 0; at < chunk.length;) {
        if (rest.length === 0) {
          const next = await others.next();
          if (next.done === true) return false;
          rest = next.value;
          continue;
        }
        const length = Math.min(rest.length, chunk.length - at);
        if (!chunk.subarray(at, at + length).equals(rest.subarray(0, length))) return false;
        at += length;
        rest = rest.subarray(length);
      }
    }
    while (rest.length === 0) {
      const next = await others.next();
      if (next.done === true) return true;
      rest = next.value;
    }
    return false;
  } finally {
    await others.return?.();
  }
}

export interface DecryptingOptions {
  readonly keys: OwnKeys;
  readonly originKey?: Buffer;
  /**
   * What to do with messages that bear no mark of ours: leave them, put the view in their place that `postern decrypt` gives, or
   * put their payload there as it is.
   */
  readonly others: 'leave' | 'view' | 'original';
}

/** Back to the original. What is encrypted to others only stays as it is; what is damaged fails. */
export function decrypting({ keys, originKey, others }: DecryptingOptions): Conversion {
  return {
    convert: async (message) => {
      const view = await openStored(message, {
        keys: (recipients) => keys.unlock(recipients),
        verifiers: (issuer) => keys.verifiers(issuer),
        ...(originKey === undefined ? {} : { originKey }),
        ...(others === 'original' ? { exact: true } : {}),
      });
      if (view.kind === 'opened' && (view.origin === 'own' || others !== 'leave')) {
        return {
          ...(view.size === undefined ? {} : { size: view.size }),
          stream: () => view.stream(),
          close: () => view.close(),
        };
      }
      await view.close();
      if (view.kind === 'stored' && view.reason.code !== 'no-key') throw view.reason;
      return view.kind === 'plain' ? 'skip' : 'foreign';
    },
  };
}

/** Whom a message is encrypted to. Nothing is decrypted, and no passphrase is needed. */
export function classifying(keys: OwnKeys): (message: Source) => Promise<Holder> {
  return async (message) => {
    const encryption = await recognise(message, await readTop(message));
    if (encryption === undefined) return 'plain';
    return (await keys.has(await recipientsOf(encryptedStream(message, encryption)))) ? 'ours' : 'others';
  };
}
