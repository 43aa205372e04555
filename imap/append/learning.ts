import { memorySource } from '#lib/bytes/source';
import { isClaim } from '#lib/message/field';
import { readTop } from '#lib/message/recognise';
import type { SessionKey } from '#lib/openpgp/sessionkey';
import { marksOf } from '../messages/opener.js';
import type { Shown } from '../messages/shown.js';
import { tailSize } from '../messages/stored.js';
import { ViewBuilder } from '../view/builder.js';
import { encodeRecord } from '../view/codec.js';

/** Octets at the beginning of a stored form: its header is in them. */
const HEAD = 64 * 1024;

/**
 * What is learnt of a large message while it is encrypted, so that nobody has to fetch and decrypt it to list it: its summary would stand before the
 * message, at a time when it is not known.
 */
export class Learning {
  readonly #builder = new ViewBuilder();
  #head = Buffer.alloc(0);
  /** The last chunks of the stored form. */
  #last: Buffer[] = [];
  #lastOctets = 0;
  #size = 0;

  /** Whether a message that begins like this is shown octet for octet, but for its line ends. */
  static async suits(beginning: Buffer): Promise<boolean> {
    const { complete, mbox, header } = await readTop(memorySource(beginning));
    return complete && mbox.length === 0 && !header.fields.some(isClaim);
  }

  /** Takes octets of the message. */
  message(octets: Buffer): void {
    this.#builder.push(octets);
  }

  /** Takes octets of its stored form, which must not change. */
  stored(octets: Buffer): void {
    this.#size += octets.length;
    if (this.#head.length < HEAD)
      this.#head = Buffer.concat([this.#head, octets.subarray(0, HEAD - this.#head.length)]);
    this.#last.push(octets);
    this.#lastOctets += octets.length;
    for (let first = this.#last[0]; first !== undefined; first = this.#last[0]) {
      if (this.#lastOctets - first.length < tailSize(this.#size)) break;
      this.#last.shift();
      this.#lastOctets -= first.length;
    }
  }

  /** All has been taken. */
  async end(sessionKey: SessionKey): Promise<Shown> {
    const last = Buffer.concat(this.#last);
    return {
      kind: 'shown',
      storedSize: this.#size,
      ...(await marksOf(memorySource(this.#head))),
      tail: last.subarray(last.length - tailSize(this.#size)),
      sessionKey,
      record: encodeRecord(this.#builder.end()),
    };
  }
}
