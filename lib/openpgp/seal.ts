/**
 * Sealing: payload in, encrypted message out (RFC 9580 §10.3.2: session keys, then one encrypted data packet with literal data
 * and, where wanted, signatures inside). No compression; the literal packet is binary, without file name and date.
 */
import { randomBytes } from 'node:crypto';
import type { ByteStream } from '#lib/bytes/source';
import {
  AEAD_HEADER_SIZE,
  AeadEncryptor,
  type AeadParameters,
  aeadSize,
  chunkSize,
  newAeadParameters,
  writeAeadHeader,
} from './aead.js';
import { AES256, Tag, aead, symmetric } from './algorithm.js';
import { ArmorEncoder, armoredSize } from './armor.js';
import { CfbEncryptor, cfbOverhead } from './cfb.js';
import { OpenPGPError } from './error.js';
import type { PrivateKey } from './library.js';
import { type Offload, inline } from './offload.js';
import { LARGEST_BODY, PartialLengthWriter, packetHeader, packetHeaderSize } from './packet.js';
import type { Recipient } from './recipient.js';
import { type SessionKey, writeSessionKeyPacket } from './sessionkey.js';
import { type MessageSigner, startSignature } from './signing.js';

export interface SealOptions {
  /** At least one. Each is named once in the message, however often it is given. */
  readonly recipients: readonly Recipient[];
  /** Unlocked keys that sign the payload, the signatures being encrypted with it. */
  readonly signers?: readonly PrivateKey[];
  /**
   * True: SEIPDv1 whatever the certificates announce. False: SEIPDv2 likewise. Undefined: SEIPDv2 where every certificate announces
   * it.
   */
  readonly compatible?: boolean | undefined;
  /** ASCII armor with CRLF (the default), or binary. */
  readonly armor?: boolean;
  /** Where signing with RSA runs. Default: in place. */
  readonly offload?: Offload;
}

/** A message about to be sealed, once. */
export interface Sealer {
  /** Octets of the sealed message; undefined where the payload's size was not told. */
  readonly size: number | undefined;
  readonly sessionKey: SessionKey;
  readonly seipdVersion: 1 | 2;
  /**
   * The sealed message. Fails with OpenPGPError `size-mismatch` where the payload is longer or shorter than was told; what has come
   * out by then is no complete message.
   */
  readonly seal: (payload: ByteStream) => ByteStream;
}

/**
 * Makes the session key and its packets, so that the size is known. `payloadSize` in octets; where it is not known, the message
 * is written with partial lengths. Throws OpenPGPError `unusable-key`, `unsupported`.
 */
export async function createSealer(options: SealOptions, payloadSize?: number): Promise<Sealer> {
  const recipients = distinct(options.recipients);
  if (recipients.length === 0) throw new OpenPGPError('unusable-key', 'A message needs at least one recipient.');
  const protection = choose(recipients, options.compatible);
  const algorithm = protection.version === 1 ? protection.cipher : protection.parameters.symmetric;
  const sessionKey: SessionKey = { algorithm: algorithm.id, key: randomBytes(algorithm.keySize) };
  const sessionKeys = Buffer.concat(
    recipients.map(({ keyPacket }) => writeSessionKeyPacket(keyPacket, sessionKey, protection.version)),
  );
  const signers: MessageSigner[] = [];
  for (const key of options.signers ?? []) signers.push(await startSignature(key, options.offload ?? inline));
  // The last one-pass signature goes with the first signature (RFC 9580 §10.3).
  const onePass = Buffer.concat(signers.map((signer, i) => signer.onePass(i === signers.length - 1)));

  const layout = payloadSize === undefined ? undefined : measure(protection, onePass.length, payloadSize, signers);
  const armor = options.armor ?? true;
  const checksum = protection.version === 1;
  const binarySize = layout && sessionKeys.length + packetHeaderSize(layout.body) + layout.body;
  let used = false;
  return {
    size: binarySize === undefined ? undefined : armor ? armoredSize(binarySize, checksum) : binarySize,
    sessionKey,
    seipdVersion: protection.version,
    seal: (payload) => {
      // Once more would encrypt other octets under the same key and nonces.
      if (used) throw new Error('A sealer seals one message.');
      used = true;
      const content = concatenate(onePass, payload, payloadSize, signers);
      const binary = encrypt(content, sessionKeys, protection, sessionKey, layout?.body);
      return armor ? armored(binary, checksum) : binary;
    },
  };
}

/** How the encrypted data packet is protected. */
type Protection =
  | { readonly version: 1; readonly cipher: ReturnType<typeof symmetric> }
  | { readonly version: 2; readonly parameters: AeadParameters };

const AES128 = 7;
const OCB = 2;
const GCM = 3;

/** RFC 9580 §5.2.3.14, §5.2.3.15: AES-128, and AES-128 with OCB, are what everybody reads even if they do not list it. */
function choose(recipients: readonly Recipient[], compatible: boolean | undefined): Protection {
  const everybody = (announces: (recipient: Recipient) => boolean) => recipients.every(announces);
  if (compatible === false || (compatible === undefined && everybody(({ seipdv2 }) => seipdv2))) {
    const wanted = [
      ...(recipients[0]?.cipherSuites ?? []).filter(
        ([cipher, mode]) => cipher === AES256 && (mode === OCB || mode === GCM),
      ),
      // `compatible: false` says that only Postern reads this.
      ...(compatible === false ? [[AES256, OCB] as const] : []),
    ];
    const suite = wanted.find(
      ([cipher, mode]) =>
        compatible === false || everybody((r) => r.cipherSuites.some(([c, m]) => c === cipher && m === mode)),
    ) ?? [AES128, OCB];
    return { version: 2, parameters: newAeadParameters(symmetric(suite[0]), aead(suite[1])) };
  }
  const strong = everybody(({ ciphers }) => ciphers.length === 0 || ciphers.includes(AES256));
  return { version: 1, cipher: symmetric(strong ? AES256 : AES128) };
}

function distinct(recipients: readonly Recipient[]): Recipient[] {
  return [...new Map(recipients.map((recipient) => [recipient.fingerprint, recipient])).values()];
}

/** Octets of the encrypted data packet's body. */
function measure(
  protection: Protection,
  onePass: number,
  payload: number,
  signers: readonly MessageSigner[],
): { readonly body: number } {
  const literal = LITERAL_HEAD.length + payload;
  const signatures = signers.reduce((sum, { signatureSize }) => sum + signatureSize, 0);
  const content = onePass + packetHeaderSize(literal) + literal + signatures;
  const body =
    protection.version === 1
      ? 1 + cfbOverhead(protection.cipher) + content
      : AEAD_HEADER_SIZE + aeadSize(content, chunkSize(protection.parameters));
  if (body > LARGEST_BODY) {
    throw new OpenPGPError(
      'limit',
      `A payload of ${payload} octets is larger than one OpenPGP packet can tell (4 GiB).`,
    );
  }
  return { body };
}

/** Format "b" (binary), no file name, date zero (RFC 9580 §5.9). */
const LITERAL_HEAD = Buffer.from([0x62, 0, 0, 0, 0, 0]);

/** One-pass signatures, literal data, signatures. */
async function* concatenate(
  onePass: Buffer,
  payload: ByteStream,
  size: number | undefined,
  signers: readonly MessageSigner[],
): AsyncGenerator<Buffer, void> {
  let seen = 0;
  const partial = size === undefined ? new PartialLengthWriter(Tag.literalData) : undefined;
  const head =
    size === undefined ? partial?.push(LITERAL_HEAD) : packetHeader(Tag.literalData, LITERAL_HEAD.length + size);
  yield Buffer.concat([onePass, head ?? EMPTY, ...(partial ? [] : [LITERAL_HEAD])]);
  for await (const chunk of payload) {
    seen += chunk.length;
    if (size !== undefined && seen > size) throw mismatch(size, 'longer');
    for (const signer of signers) signer.update(chunk);
    const framed = partial ? partial.push(chunk) : chunk;
    if (framed.length > 0) yield framed;
  }
  if (size !== undefined && seen < size) throw mismatch(size, 'shorter');
  if (partial) yield partial.end();
  for (const signer of [...signers].reverse()) yield await signer.finish();
}

const EMPTY = Buffer.alloc(0);

function mismatch(size: number, how: string): OpenPGPError {
  return new OpenPGPError('size-mismatch', `The payload is ${how} than the ${size} octets that were announced.`);
}

/** Session keys and the encrypted data packet. */
async function* encrypt(
  content: ByteStream,
  sessionKeys: Buffer,
  protection: Protection,
  { key }: SessionKey,
  bodySize: number | undefined,
): AsyncGenerator<Buffer, void> {
  let head: Buffer;
  let encryptor: { push(chunk: Buffer): Buffer; end(): Buffer };
  if (protection.version === 1) {
    const cfb = new CfbEncryptor(protection.cipher, key);
    head = Buffer.concat([Buffer.of(1), cfb.start()]);
    encryptor = cfb;
  } else {
    head = writeAeadHeader(protection.parameters);
    encryptor = new AeadEncryptor(protection.parameters, key);
  }
  const partial = bodySize === undefined ? new PartialLengthWriter(Tag.encryptedData) : undefined;
  const frame = (chunk: Buffer) => (partial ? partial.push(chunk) : chunk);
  yield Buffer.concat([
    sessionKeys,
    bodySize === undefined ? EMPTY : packetHeader(Tag.encryptedData, bodySize),
    frame(head),
  ]);
  for await (const chunk of content) {
    const framed = frame(encryptor.push(chunk));
    if (framed.length > 0) yield framed;
  }
  yield frame(encryptor.end());
  if (partial) yield partial.end();
}

async function* armored(binary: ByteStream, checksum: boolean): AsyncGenerator<Buffer, void> {
  const encoder = new ArmorEncoder(checksum);
  for await (const chunk of binary) {
    const lines = encoder.push(chunk);
    if (lines.length > 0) yield lines;
  }
  yield encoder.end();
}
