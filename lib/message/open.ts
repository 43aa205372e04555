import type { ByteStream, Source } from '#lib/bytes/source';
import { parseContentType } from '#lib/mime/contenttype';
import { Header, splitHeader } from '#lib/mime/header';
import { type Part, StructureParser } from '#lib/mime/structure';
import { OpenPGPError } from '#lib/openpgp/error';
import type { PrivateKey } from '#lib/openpgp/library';
import type { Offload } from '#lib/openpgp/offload';
import { type OpenedMessage, openMessage } from '#lib/openpgp/open';
import type { SessionKey } from '#lib/openpgp/sessionkey';
import type { Verifiers } from '#lib/openpgp/verification';
import { type KeyName, recipientsOf } from './addressed.js';
import { isClaim, isFieldName, lineEndOf, mboxLine } from './field.js';
import { type Edit, editStream, legacyDisplayEdits, legacyPartEdit } from './legacydisplay.js';
import { ORIGIN_FIELD, hasOriginMark } from './origin.js';
import { PEP_HEAD, isPepOuter, pepMessage } from './pep.js';
import { type Encryption, encryptedStream, readTop, recognise } from './recognise.js';
import { judgeSender } from './sender.js';
import type { Status } from './status.js';
import { type PayloadForm, inlineHeader, payloadForm, viewHeader } from './view.js';
import { type Shown, asStored, withoutClaims } from './stored.js';

export interface OpenStoredOptions {
  /** Gives the private keys, unlocked, that may open a message for these recipients. Called once a message, if it is encrypted. */
  readonly keys: (recipients: readonly KeyName[]) => Promise<readonly PrivateKey[]> | readonly PrivateKey[];
  /** The session key, where it is known; then `keys` is not called. */
  readonly sessionKey?: SessionKey;
  /** Gives the certificates that a signature may be checked with. */
  readonly verifiers?: Verifiers;
  /** Without it no message is taken for ours. */
  readonly originKey?: Buffer;
  /** Octets held in memory. */
  readonly bufferLimit?: number;
  readonly spoolDirectory?: string;
  readonly offload?: Offload;
  /** True gives the payload as it was encrypted: nothing judged, nothing added, nothing taken away. */
  readonly exact?: boolean;
  /**
   * True takes fields that claim to be Postern's out of the original of our own messages too. Whoever had a message encrypted that came from
   * outside has put its sender's fields under our mark; a reader who trusts `Postern-Status` must not see those.
   */
  readonly withoutClaims?: boolean;
}

/** Not encrypted as a whole: as stored, less fields that claim to be Postern's. */
export interface PlainView extends Shown {
  readonly kind: 'plain';
}

/** Encrypted, and it cannot be opened: as stored, less fields that claim to be Postern's. */
export interface StoredView extends Shown {
  readonly kind: 'stored';
  readonly reason: OpenPGPError;
  readonly recipients: readonly KeyName[];
}

export interface OpenedView extends Shown {
  readonly kind: 'opened';
  /** `own`: encrypted at rest by who holds the origin key; the view is the payload. */
  readonly origin: 'own' | 'other';
  readonly sessionKey: SessionKey;
  /** What was found out about a message from somebody else; it stands in the view's first line. */
  readonly status?: Status;
}

export type View = PlainView | StoredView | OpenedView;

/**
 * Makes the plaintext view of a stored message. What cannot be opened gives `stored` with the reason, never a rejection; what
 * is found out only while the view is read (damage late in a SEIPDv2 message of our own) ends its stream with OpenPGPError.
 *
 * Rejects with what reading the source, `keys`, `verifiers` and the spool reject with. `close` is to be called where the view
 * is not read to its end.
 */
export async function openStored(source: Source, options: OpenStoredOptions): Promise<View> {
  const top = await readTop(source);
  const encryption = await recognise(source, top);
  if (encryption === undefined) return { kind: 'plain', ...asStored(source, top) };
  let recipients: readonly KeyName[] = [];
  try {
    if (options.sessionKey === undefined) recipients = await recipientsOf(encryptedStream(source, encryption));
    const keys = options.sessionKey === undefined ? await options.keys(recipients) : [];
    return await new Opening(source, encryption, keys, options).view();
  } catch (error) {
    if (error instanceof OpenPGPError) return { kind: 'stored', reason: error, recipients, ...asStored(source, top) };
    throw error;
  }
}

/** A payload's top, and what is below it. */
interface Payload {
  readonly mbox: Buffer;
  readonly header: Header;
  readonly body: ByteStream;
}

/** One message on its way from stored form to view. */
class Opening {
  readonly #source: Source;
  readonly #encryption: Encryption;
  readonly #keys: readonly PrivateKey[];
  readonly #options: OpenStoredOptions;
  readonly #outer: Header;

  constructor(source: Source, encryption: Encryption, keys: readonly PrivateKey[], options: OpenStoredOptions) {
    this.#source = source;
    this.#encryption = encryption;
    this.#keys = keys;
    this.#options = options;
    this.#outer = encryption.top.header;
  }

  async view(): Promise<OpenedView> {
    const { originKey, exact, sessionKey } = this.#options;
    let known = sessionKey;
    if (exact === true) return exactly(await this.#open({ sessionKey: known }), 'other');
    if (originKey !== undefined && this.#encryption.form === 'pgp-mime' && this.#outer.has(ORIGIN_FIELD)) {
      const opened = await this.#open({ sessionKey: known });
      if (hasOriginMark(this.#outer, originKey, opened.sessionKey)) {
        return this.#options.withoutClaims === true ? unclaimed(opened) : exactly(opened, 'own');
      }
      await opened.close();
      known = opened.sessionKey;
    }
    const opened = await this.#open({ sessionKey: known, signaturesFirst: true });
    try {
      return await this.#ofSender(opened);
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  #open(step: {
    readonly sessionKey: SessionKey | undefined;
    readonly signaturesFirst?: boolean;
  }): Promise<OpenedMessage> {
    const { verifiers, bufferLimit, spoolDirectory, offload } = this.#options;
    return openMessage(encryptedStream(this.#source, this.#encryption, true), {
      lent: true,
      keys: this.#keys,
      ...(step.sessionKey === undefined ? {} : { sessionKey: step.sessionKey }),
      ...(step.signaturesFirst === true ? { signaturesFirst: true } : {}),
      ...(verifiers === undefined ? {} : { verifiers }),
      ...(bufferLimit === undefined ? {} : { bufferLimit }),
      ...(spoolDirectory === undefined ? {} : { spoolDirectory }),
      ...(offload === undefined ? {} : { offload }),
    });
  }

  /** All of the payload has been verified by now, and its signatures judged. */
  async #ofSender(opened: OpenedMessage): Promise<OpenedView> {
    if (this.#encryption.form === 'inline') return this.#inline(opened);
    const payload = await readPayload(opened.payload);
    const form = payloadForm(payload.header);
    if (needsStructure(this.#outer, payload.header, form)) return this.#structured(opened, payload, form);
    const below = opened.size === undefined ? undefined : opened.size - payload.mbox.length - payload.header.raw.length;
    return this.#compose(opened, payload.header, form, payload.body, below);
  }

  /** The text of an inline message is text: nothing in it is a header. */
  async #inline(opened: OpenedMessage): Promise<OpenedView> {
    const sender = await judgeSender(this.#outer, undefined, await opened.signatures());
    const header = inlineHeader(this.#outer, sender, lineEndOf(this.#outer));
    const size = opened.size === undefined ? undefined : this.#mbox.length + header.length + opened.size;
    return {
      kind: 'opened',
      origin: 'other',
      sessionKey: opened.sessionKey,
      status: sender.status,
      ...shown(size, [this.#mbox, header], opened.payload, opened),
    };
  }

  /** For a view that changes more than the header. Reads the payload once for its structure and opens it again for its bytes. */
  async #structured(opened: OpenedMessage, payload: Payload, form: PayloadForm): Promise<OpenedView> {
    const parser = new StructureParser();
    let head = payload.header.raw;
    parser.push(payload.header.raw);
    for await (const chunk of payload.body) {
      parser.push(chunk);
      if (head.length < PEP_HEAD) head = Buffer.concat([head, chunk]).subarray(0, PEP_HEAD);
    }
    const root = parser.end();
    // What is judged is what is shown, even if the source gives other bytes the second time.
    const again = await this.#open({ sessionKey: opened.sessionKey, signaturesFirst: true });
    const { body } = await readPayload(again.payload);
    const inner = isPepOuter(this.#outer) ? pepMessage(root, head) : undefined;
    if (inner !== undefined) {
      const cut = cutStream(body, inner.bodyStart - root.bodyStart, inner.end - root.bodyStart);
      const innerForm: PayloadForm = { kind: 'whole', cipher: false, v1: false };
      return this.#compose(again, inner.header, innerForm, cut, inner.end - inner.bodyStart);
    }
    const edits = editsBelow(root, form);
    const stream = edits.length === 0 ? body : editStream(body, edits);
    const size = edits.length === 0 ? root.end - root.bodyStart : undefined;
    return this.#compose(again, payload.header, form, stream, size);
  }

  async #compose(
    opened: OpenedMessage,
    payload: Header,
    form: PayloadForm,
    body: ByteStream,
    bodySize: number | undefined,
  ): Promise<OpenedView> {
    const sender = await judgeSender(this.#outer, payload, await opened.signatures());
    const header = viewHeader({ outer: this.#outer, payload, form, sender });
    const size = bodySize === undefined ? undefined : this.#mbox.length + header.length + bodySize;
    return {
      kind: 'opened',
      origin: 'other',
      sessionKey: opened.sessionKey,
      status: sender.status,
      ...shown(size, [this.#mbox, header], body, opened),
    };
  }

  get #mbox(): Buffer {
    return this.#encryption.top.mbox;
  }
}

function exactly(opened: OpenedMessage, origin: 'own' | 'other'): OpenedView {
  return { kind: 'opened', origin, sessionKey: opened.sessionKey, ...shown(opened.size, [], opened.payload, opened) };
}

/** An original of ours less the fields that claim to be Postern's. */
async function unclaimed(opened: OpenedMessage): Promise<OpenedView> {
  const { header, body, complete } = await splitHeader(opened.payload);
  const told = { kind: 'opened', origin: 'own', sessionKey: opened.sessionKey } as const;
  if (!complete) {
    const whole = behind(header.raw, body[Symbol.asyncIterator]());
    return { ...told, ...shown(undefined, [], withoutClaims(whole), opened) };
  }
  const kept = header.remove(isClaim);
  const size = opened.size === undefined ? undefined : opened.size - header.raw.length + kept.raw.length;
  return { ...told, ...shown(size, [kept.raw], body, opened) };
}

/** A stream behind some bytes. */
function shown(size: number | undefined, before: readonly Buffer[], stream: ByteStream, opened: OpenedMessage): Shown {
  const iterator = behind(Buffer.concat(before), stream[Symbol.asyncIterator]());
  return { size, stream: () => iterator, close: () => opened.close() };
}

/** Not a generator: leaving it releases the stream even where nothing of it has been read. */
function behind(before: Buffer, stream: AsyncIterator<Buffer, unknown>): AsyncIterableIterator<Buffer> {
  let head = before;
  const iterator: AsyncIterableIterator<Buffer> = {
    [Symbol.asyncIterator]: () => iterator,
    next: async () => {
      if (head.length > 0) {
        const value = head;
        head = EMPTY;
        return { done: false, value };
      }
      const result = await stream.next();
      return result.done === true ? END : { done: false, value: result.value };
    },
    return: async () => {
      head = EMPTY;
      await stream.return?.();
      return END;
    },
  };
  return iterator;
}

const EMPTY = Buffer.alloc(0);
const END = { done: true, value: undefined } as const;

/** The octets `start` to `end` of a stream, which is released then. */
async function* cutStream(stream: ByteStream, start: number, end: number): AsyncGenerator<Buffer, void> {
  let offset = 0;
  for await (const chunk of stream) {
    const piece = chunk.subarray(Math.max(0, start - offset), Math.max(0, end - offset));
    if (piece.length > 0) yield piece;
    offset += chunk.length;
    if (offset >= end) return;
  }
}

async function release(stream: ByteStream): Promise<void> {
  await stream[Symbol.asyncIterator]().return?.();
}

/** Whether something below the payload's header changes in the view. */
function needsStructure(outer: Header, payload: Header, form: PayloadForm): boolean {
  const contentType = parseContentType(payload.unfolded('content-type') ?? '');
  if (contentType === undefined) return false;
  if (form.cipher && (contentType.type.startsWith('multipart/') || contentType.parameters.has('hp-legacy-display')))
    return true;
  return contentType.type === 'multipart/mixed' && (form.v1 || isPepOuter(outer));
}

/** Offsets from where the body begins. */
function editsBelow(root: Part, form: PayloadForm): readonly Edit[] {
  const legacyPart = form.v1 ? legacyPartEdit(root) : undefined;
  const edits = form.cipher ? legacyDisplayEdits(root) : legacyPart === undefined ? [] : [legacyPart];
  return edits.map((edit) => ({ ...edit, start: edit.start - root.bodyStart, end: edit.end - root.bodyStart }));
}

/**
 * The payload's header and body. A payload that does not begin with a header, which happens where somebody encrypted a file by
 * hand, is all body. Throws OpenPGPError `limit` for a header above lib/mime's limits: it could not be judged whole.
 */
async function readPayload(stream: ByteStream): Promise<Payload> {
  const { header, body, complete } = await splitHeader(stream);
  if (!complete) {
    await release(body);
    throw new OpenPGPError('limit', 'The header inside the encryption is larger than the limit.');
  }
  const mbox = mboxLine(header.raw);
  const own = Header.parse(header.raw.subarray(mbox.length));
  const [first] = own.fields;
  if (first === undefined || isFieldName(first.name)) return { mbox, header: own, body };
  return { mbox: EMPTY, header: Header.parse(EMPTY), body: behind(header.raw, body[Symbol.asyncIterator]()) };
}
