import { createHmac, hkdfSync } from 'node:crypto';
import { KEY_SIZE, SealingKey } from '#lib/bytes/sealing';

/** Octets of a mark that stand for a name. */
const NAME_SIZE = 16;

/** The keys of a user's index: one seals, one makes marks out of names. */
export class IndexKeys {
  readonly #sealing: SealingKey;
  readonly #marking: Buffer;

  /** Derived from the vault's index key, of 32 octets. Throws TypeError for another size. */
  constructor(indexKey: Buffer) {
    if (indexKey.length !== KEY_SIZE) {
      throw new TypeError(`An index key has ${KEY_SIZE} octets, this one ${indexKey.length}.`);
    }
    const derived = Buffer.from(hkdfSync('sha256', indexKey, Buffer.alloc(0), 'postern index 1', 2 * KEY_SIZE));
    this.#sealing = new SealingKey(derived.subarray(0, KEY_SIZE));
    this.#marking = derived.subarray(KEY_SIZE);
  }

  /** As of SealingKey. */
  seal(content: Buffer, additional: Buffer): Buffer {
    return this.#sealing.seal(content, additional);
  }

  /** As of SealingKey. */
  open(sealed: Buffer, additional: Buffer): Buffer | undefined {
    return this.#sealing.open(sealed, additional);
  }

  /** 32 octets that stand for something on the disk: the same for the same, and nobody finds it from them who has not the key. */
  mark(kind: 'check' | 'frame' | 'mailbox' | 'fingerprint', text: string | Buffer): Buffer {
    return createHmac('sha256', this.#marking).update(`${kind}\0`).update(text).digest();
  }

  /** The name of a mailbox's file: a mark for the mailbox, and one for the mailbox under this UIDVALIDITY. */
  fileName(mailbox: string, uidValidity: number): string {
    const [always, now] = [mailbox, `${mailbox}\0${uidValidity}`].map((text) =>
      this.mark('mailbox', text).toString('hex', 0, NAME_SIZE),
    );
    return `${always ?? ''}-${now ?? ''}`;
  }

  /** Overwrites the keys. */
  close(): void {
    this.#sealing.close();
    this.#marking.fill(0);
  }
}

/** Whether a file's name is one that `fileName` makes. */
export function isFileName(name: string): boolean {
  return /^[0-9a-f]{32}-[0-9a-f]{32}$/.test(name);
}
