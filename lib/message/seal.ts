import { randomBytes } from 'node:crypto';
import type { ByteStream, Source } from '#lib/bytes/source';
import { Header, unfold } from '#lib/mime/header';
import type { PrivateKey, PublicKey } from '#lib/openpgp/library';
import type { Offload } from '#lib/openpgp/offload';
import type { Recipient } from '#lib/openpgp/recipient';
import { type Sealer, createSealer } from '#lib/openpgp/seal';
import type { SessionKey } from '#lib/openpgp/sessionkey';
import { isEncryptedTo } from './addressed.js';
import { autocryptField } from './autocrypt.js';
import { MessageError } from './error.js';
import { isClaim, writeField } from './field.js';
import { originField } from './origin.js';
import { type HeaderPolicy, outerFields } from './policy.js';
import { isBlind, protectHeader } from './protectedheaders.js';
import { type Top, readTop, recognise } from './recognise.js';
import { type SummaryKey, summaryBinding, summaryField } from './summary.js';

export interface SealOptions {
  /** Whose message it is, or, for others, who gets it. */
  readonly recipients: readonly Recipient[];
  /** Certificates of the owner: what is encrypted to one of them already is kept. Default: those of the recipients. */
  readonly owned?: readonly PublicKey[];
  /** Who can read it besides. A message that is encrypted to these alone is not encrypted to its owner. */
  readonly audit?: readonly Recipient[];
  /** Unlocked keys that sign. */
  readonly signers?: readonly PrivateKey[];
  /** True: SEIPDv1 always. False: SEIPDv2 always. Undefined: as the recipients' certificates announce. */
  readonly compatible?: boolean;
  /** `always` encrypts what is encrypted to the recipients already, too. Default `never`. */
  readonly double?: 'never' | 'always';
  /** Takes the place of the random boundary; for tests. Printable ASCII without quotes, not beginning with a hyphen. */
  readonly boundary?: string;
  readonly offload?: Offload;
}

export interface SealAtRestOptions extends SealOptions {
  /** Default `standard`. */
  readonly policy?: HeaderPolicy;
  /** 32 octets; without it the message carries no mark that it is ours. */
  readonly originKey?: Buffer;
  /** What is written into the outer header as its summary, unless it is above the limit (summary.ts). */
  readonly summary?: { readonly key: SummaryKey; readonly record: Buffer };
}

/** A message in the form it is stored or sent in. */
export interface SealedMessage {
  /** Exact octets of the stream. */
  readonly size: number;
  /** True where the message was encrypted already and stays as it came. */
  readonly kept: boolean;
  /** What opens it, where it was encrypted here. */
  readonly sessionKey?: SessionKey;
  /**
   * The bytes; to be asked for once. It rejects where the source does or ends early; what has come out by then has no plaintext
   * and no end, and cannot be taken for a message.
   */
  stream(): ByteStream;
}

/**
 * Brings a message, which may be any bytes, into its stored form: PGP/MIME (RFC 3156) whose payload is the message, octet for
 * octet. One that is encrypted to its owner already is kept.
 *
 * Throws OpenPGPError (`unusable-key`, `unsupported`, `limit`) and what reading the source throws.
 */
export async function sealAtRest(source: Source, options: SealAtRestOptions): Promise<SealedMessage> {
  const top = await readTop(source);
  if (await isKept(source, top, options)) return { size: source.size, kept: true, stream: () => source.stream() };
  const { policy = 'standard', summary, boundary = randomBoundary() } = options;
  const sealer = await createSealer(sealerOptions(options), source.size);
  const fields = [outerFields(top.header, policy)];
  if (options.originKey !== undefined) fields.push(originField(options.originKey, sealer.sessionKey));
  if (summary !== undefined) {
    const binding = summaryBinding(Header.parse(Buffer.concat(fields)), boundary);
    fields.push(summaryField(summary.key, binding, summary.record) ?? Buffer.alloc(0));
  }
  const mbox = policy === 'strict' ? withoutSender(top.mbox) : top.mbox;
  return envelop({ top: [mbox, ...fields], sealer, payload: () => source.stream(), boundary });
}

/**
 * Brings a message into the form for other people: PGP/MIME with its header protected (RFC 9788), signed by `signers`, whose
 * first gives the Autocrypt field. Bcc is in none of it. One that is encrypted to a recipient already is kept, less its Bcc.
 *
 * Throws MessageError for what is no message, OpenPGPError, and what reading the source throws.
 */
export async function sealForOthers(source: Source, options: SealOptions): Promise<SealedMessage> {
  const top = await readTop(source);
  if (!top.complete) {
    throw new MessageError('header-limit', "The message's header is larger than the limit, so it cannot be protected.");
  }
  if (top.header.fields.length === 0 || top.header.has('')) {
    throw new MessageError(
      'no-header',
      'This is no message: it has no header, or lines in it that are no header fields.',
    );
  }
  if (await isKept(source, top, options)) return withoutBcc(source, top);
  const boundary = options.boundary ?? randomBoundary();
  const [signer] = options.signers ?? [];
  const from = top.header.all('from').length === 1 ? top.header.get('from') : undefined;
  const autocrypt =
    signer === undefined || from === undefined ? undefined : await autocryptField(signer.toPublic(), unfold(from.body));
  // One Autocrypt field at most (Autocrypt Level 1 §2.3): ours says what the message is signed with.
  const header = autocrypt === undefined ? top.header : top.header.remove('autocrypt');
  const { outer, before, after } = protectHeader(header, `${boundary}-payload`);
  const size = before.length + (source.size - top.bodyStart) + after.length;
  const sealer = await createSealer(sealerOptions(options), size);
  return envelop({
    top: [top.mbox, outer, autocrypt ?? Buffer.alloc(0)],
    sealer,
    payload: () => surround(before, source.stream(top.bodyStart), after),
    boundary,
  });
}

async function isKept(source: Source, top: Top, options: SealOptions): Promise<boolean> {
  if (options.double === 'always') return false;
  const encryption = await recognise(source, top, 'strict');
  if (encryption === undefined) return false;
  return isEncryptedTo(source, encryption, options.owned ?? options.recipients.map(({ certificate }) => certificate));
}

function sealerOptions(options: SealOptions): Parameters<typeof createSealer>[0] {
  const { recipients, audit = [], signers, compatible, offload } = options;
  return {
    recipients: [...recipients, ...audit],
    ...(signers === undefined ? {} : { signers }),
    ...(compatible === undefined ? {} : { compatible }),
    ...(offload === undefined ? {} : { offload }),
  };
}

/** Nobody can write a text that holds the delimiter: it is not known before, and armor has no line like it. */
function randomBoundary(): string {
  return `postern-${randomBytes(16).toString('hex')}`;
}

interface Envelope {
  /** The lines above MIME's fields. */
  readonly top: readonly Buffer[];
  readonly sealer: Sealer;
  readonly payload: () => ByteStream;
  readonly boundary: string;
}

/** RFC 3156 §4. */
function envelop({ top, sealer, payload, boundary }: Envelope): SealedMessage {
  if (sealer.size === undefined) throw new Error('The size of the encrypted data is not known.');
  const before = Buffer.concat([
    ...top,
    writeField('MIME-Version', '1.0'),
    writeField('Content-Type', `multipart/encrypted; protocol="application/pgp-encrypted";\n boundary="${boundary}"`),
    Buffer.from('\r\n'),
    Buffer.from(`--${boundary}\r\n`),
    writeField('Content-Type', 'application/pgp-encrypted'),
    Buffer.from('\r\nVersion: 1\r\n\r\n'),
    Buffer.from(`--${boundary}\r\n`),
    writeField('Content-Type', 'application/octet-stream; name="encrypted.asc"'),
    writeField('Content-Disposition', 'inline; filename="encrypted.asc"'),
    Buffer.from('\r\n'),
  ]);
  const after = Buffer.from(`\r\n--${boundary}--\r\n`);
  let asked = false;
  return {
    size: before.length + sealer.size + after.length,
    kept: false,
    sessionKey: sealer.sessionKey,
    stream: () => {
      // A second pass would encrypt under the same key and nonces what may have become other bytes.
      if (asked) throw new Error('A sealed message is streamed once.');
      asked = true;
      return surround(before, sealer.seal(payload()), after);
    },
  };
}

async function* surround(before: Buffer, stream: ByteStream, after: Buffer): AsyncGenerator<Buffer, void> {
  if (before.length > 0) yield before;
  yield* stream;
  if (after.length > 0) yield after;
}

/** `From alice@example.com Sat …` without the address. */
function withoutSender(mbox: Buffer): Buffer {
  return Buffer.from(mbox.toString('latin1').replace(/^From \S+/, 'From MAILER-DAEMON'), 'latin1');
}

function withoutBcc(source: Source, top: Top): SealedMessage {
  const header = top.header.remove((field) => isBlind(field) || isClaim(field));
  return {
    size: source.size - top.header.raw.length + header.raw.length,
    kept: true,
    stream: () => surround(Buffer.concat([top.mbox, header.raw]), source.stream(top.bodyStart), Buffer.alloc(0)),
  };
}
