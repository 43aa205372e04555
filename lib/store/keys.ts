import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const KEY_SIZE = 32;
const NONCE_SIZE = 12;
const TAG_SIZE = 16;
/** Octets that sealing adds. */
export const SEALED_SIZE = NONCE_SIZE + TAG_SIZE;
/** Octets of a mark that stand for a name. */
const NAME_SIZE = 16;

/** The keys of a user's index: one seals, one makes marks out of names. */
export class IndexKeys {
  readonly #sealing: Buffer;
  readonly #marking: Buffer;
  #isClosed = false;

  /** Derived from the vault's index key, of 32 octets. Throws TypeError for another size. */
  constructor(indexKey: Buffer) {
    if (indexKey.length !== KEY_SIZE) {
      throw new TypeError(`An index key has ${KEY_SIZE} octets, this one ${indexKey.length}.`);
    }
    const derived = Buffer.from(hkdfSync('sha256', indexKey, Buffer.alloc(0), 'postern index 1', 2 * KEY_SIZE));
    this.#sealing = derived.subarray(0, KEY_SIZE);
    this.#marking = derived.subarray(KEY_SIZE);
  }

  /** AES-256-GCM: nonce, ciphertext, tag. Throws after `close`. */
  seal(content: Buffer, additional: Buffer): Buffer {
    // Under a key of zeros anybody could read it.
    if (this.#isClosed) throw new Error('The index is closed.');
    const nonce = randomBytes(NONCE_SIZE);
    const cipher = createCipheriv('aes-256-gcm', this.#sealing, nonce).setAAD(additional);
    return Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  }

  /** What `seal` sealed; undefined where anything about it is another, and after `close`. */
  open(sealed: Buffer, additional: Buffer): Buffer | undefined {
    if (this.#isClosed || sealed.length < SEALED_SIZE) return undefined;
    const end = sealed.length - TAG_SIZE;
    const nonce = sealed.subarray(0, NONCE_SIZE);
    const decipher = createDecipheriv('aes-256-gcm', this.#sealing, nonce, { authTagLength: TAG_SIZE })
      .setAAD(additional)
      .setAuthTag(sealed.subarray(end));
    const content = decipher.update(sealed.subarray(NONCE_SIZE, end));
    try {
      decipher.final();
      return content;
    } catch {
      content.fill(0);
      return undefined;
    }
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
    this.#isClosed = true;
    this.#sealing.fill(0);
    this.#marking.fill(0);
  }
}

/** Whether a file's name is one that `fileName` makes. */
export function isFileName(name: string): boolean {
  return /^[0-9a-f]{32}-[0-9a-f]{32}$/.test(name);
}
