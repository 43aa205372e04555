/**
 * A frame: the entries of some messages of one mailbox, sealed together.
 *
 *   8 octets  marker: where a frame begins, also behind damage
 *   12, 16, 16  nonce, sealed head, tag; the head has octets of the content, first UID, last UID, number of messages
 *   12, …, 16   nonce, sealed entries, tag
 *
 * Both are AES-256-GCM. Additional data are the name of the file, so that a frame counts in its mailbox alone, and for the entries
 * the sealed head too. Where in the file a frame stands is not part of it. What it says of a UID is true for ever, so that who
 * can change the file may take frames away or bring old ones back, and nothing but work comes of that.
 */
import { SEALED_SIZE } from '#lib/bytes/sealing';
import type { IndexKeys } from './keys.js';
import { LIMITS } from './limits.js';
import { type IndexedMessage, encodeEntries, entrySize } from './message.js';

const MARKER_SIZE = 8;
const HEAD_SIZE = 16;
/** Octets from the beginning of a frame to where its entries are. */
export const FRAME_HEAD_SIZE = MARKER_SIZE + SEALED_SIZE + HEAD_SIZE;

export interface FrameHead {
  /** Octets of the whole frame. */
  readonly size: number;
  readonly first: number;
  readonly last: number;
  readonly messages: number;
}

/** Seals and opens the frames of one file. */
export class FrameCodec {
  readonly marker: Buffer;
  readonly #keys: IndexKeys;
  readonly #headData: Buffer;
  readonly #entryData: Buffer;

  constructor(keys: IndexKeys, fileName: string) {
    this.#keys = keys;
    this.marker = keys.mark('frame', '').subarray(0, MARKER_SIZE);
    this.#headData = Buffer.from(`postern index 1 head ${fileName}`);
    this.#entryData = Buffer.from(`postern index 1 entries ${fileName}`);
  }

  /** Of messages in order of their UIDs, each once, at least one. */
  seal(messages: readonly IndexedMessage[]): Buffer {
    const content = encodeEntries(messages);
    const head = Buffer.alloc(HEAD_SIZE);
    head.writeUInt32BE(content.length, 0);
    head.writeUInt32BE(messages[0]?.uid ?? 0, 4);
    head.writeUInt32BE(messages.at(-1)?.uid ?? 0, 8);
    head.writeUInt32BE(messages.length, 12);
    const sealedHead = this.#keys.seal(head, this.#headData);
    return Buffer.concat([
      this.marker,
      sealedHead,
      this.#keys.seal(content, Buffer.concat([this.#entryData, sealedHead])),
    ]);
  }

  /** The head of the frame that begins with these octets; undefined where none does. */
  openHead(octets: Buffer): FrameHead | undefined {
    if (octets.length < FRAME_HEAD_SIZE || !octets.subarray(0, MARKER_SIZE).equals(this.marker)) return undefined;
    const head = this.#keys.open(octets.subarray(MARKER_SIZE, FRAME_HEAD_SIZE), this.#headData);
    return (
      head && {
        size: FRAME_HEAD_SIZE + SEALED_SIZE + head.readUInt32BE(0),
        first: head.readUInt32BE(4),
        last: head.readUInt32BE(8),
        messages: head.readUInt32BE(12),
      }
    );
  }

  /** The entries of a whole frame; undefined where it is not one of this file, octet for octet. */
  openEntries(frame: Buffer): Buffer | undefined {
    if (frame.length < FRAME_HEAD_SIZE + SEALED_SIZE) return undefined;
    const sealedHead = frame.subarray(MARKER_SIZE, FRAME_HEAD_SIZE);
    return this.#keys.open(frame.subarray(FRAME_HEAD_SIZE), Buffer.concat([this.#entryData, sealedHead]));
  }
}

/** Messages in groups whose entries fit into a frame each. */
export function* groupIntoFrames(messages: readonly IndexedMessage[]): Generator<readonly IndexedMessage[], void> {
  let group: IndexedMessage[] = [];
  let size = 0;
  for (const message of messages) {
    const entry = entrySize(message);
    if (group.length > 0 && size + entry > LIMITS.frame) {
      yield group;
      group = [];
      size = 0;
    }
    group.push(message);
    size += entry;
  }
  if (group.length > 0) yield group;
}
