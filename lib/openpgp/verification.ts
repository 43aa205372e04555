/** Signatures inside a message: hashed while the payload streams by, judged by openpgp once the signature packet is there. */
import { type Hash, createHash } from 'node:crypto';
import { findHash } from './algorithm.js';
import { OpenPGPError } from './error.js';
import { type PublicKey, type Signature, SignaturePacket, config, enums } from './library.js';
import { trailer } from './signing.js';

/** Who a signature says it is from. */
export interface Issuer {
  /** 16 upper-case hexadecimal digits; empty where the signature does not tell. */
  readonly keyID: string;
  /** Upper-case hexadecimal, where the signature tells it. */
  readonly fingerprint?: string;
}

/** Finds the certificates that may have made a signature. */
export type Verifiers = (issuer: Issuer) => Promise<readonly PublicKey[]> | readonly PublicKey[];

export interface SignatureVerdict {
  /** `unknown-key`: no certificate at hand made it, so nothing is known about it. */
  readonly status: 'valid' | 'unknown-key' | 'invalid';
  readonly keyID: string;
  /** Fingerprint of the signer's certificate (its primary key), upper-case hexadecimal. */
  readonly fingerprint?: string;
  readonly certificate?: PublicKey;
  readonly created?: Date;
  /** Why it is invalid. */
  readonly reason?: string;
}

/** What must be known to hash before the signature packet is seen. */
interface Announcement {
  readonly version: number;
  readonly type: number;
  readonly hash: number;
  readonly salt: Buffer;
  readonly keyID: string;
}

/** One signature over the payload. */
export class SignatureCheck {
  readonly #announced: Announcement;
  readonly #hash: Hash | undefined;
  readonly #text: boolean;
  #sawCR = false;

  private constructor(announced: Announcement) {
    this.#announced = announced;
    const hash = findHash(announced.hash);
    this.#hash = hash && createHash(hash.openssl).update(announced.salt);
    this.#text = announced.type === (enums.signature.text as number);
  }

  /** From the body of a one-pass signature packet (RFC 9580 §5.4). Throws OpenPGPError `malformed`, `unsupported`. */
  static fromOnePass(body: Buffer): SignatureCheck {
    const version = body[0];
    try {
      const [type, hash] = [body.readUInt8(1), body.readUInt8(2)];
      if (version === 3 && body.length === 13) {
        return new SignatureCheck({ version: 4, type, hash, salt: EMPTY, keyID: hex(body.subarray(4, 12)) });
      }
      if (version === 6) {
        const saltEnd = 5 + body.readUInt8(4);
        if (body.length !== saltEnd + 33) throw new RangeError('length');
        return new SignatureCheck({
          version,
          type,
          hash,
          salt: body.subarray(5, saltEnd),
          keyID: hex(body.subarray(saltEnd, saltEnd + 8)),
        });
      }
    } catch (error) {
      throw new OpenPGPError('malformed', 'A one-pass signature packet is malformed.', { cause: error });
    }
    throw new OpenPGPError(
      version === 3 ? 'malformed' : 'unsupported',
      `A one-pass signature packet of version ${version ?? 'none'} and ${body.length} octets cannot be read.`,
    );
  }

  /** From the body of a signature packet that stands before what it signs. Undefined where it cannot be read. */
  static fromSignature(body: Buffer): SignatureCheck | undefined {
    const packet = readSignature(body);
    if (typeof packet === 'string') return undefined;
    return new SignatureCheck({
      version: packet.version,
      type: packet.signatureType ?? 0,
      hash: packet.hashAlgorithm ?? 0,
      salt: saltOf(packet),
      keyID: packet.issuerKeyID.toHex().toUpperCase(),
    });
  }

  /** Takes the next octets of the payload. */
  update(chunk: Buffer): void {
    if (this.#hash === undefined) return;
    if (!this.#text) {
      this.#hash.update(chunk);
    } else if (chunk.length > 0) {
      this.#hash.update(withCRLF(chunk, this.#sawCR));
      this.#sawCR = chunk[chunk.length - 1] === CR;
    }
  }

  /** Judges the signature packet with this body, once the whole payload was taken. Never throws for what is in the packet. */
  async judge(body: Buffer, verifiers: Verifiers, date = new Date()): Promise<SignatureVerdict> {
    const { keyID } = this.#announced;
    const packet = readSignature(body);
    if (typeof packet === 'string') return { status: 'invalid', keyID, reason: packet };
    const announced = this.#announced;
    const agrees =
      packet.version === announced.version &&
      (packet.signatureType as number | null) === announced.type &&
      (packet.hashAlgorithm as number | null) === announced.hash &&
      saltOf(packet).equals(announced.salt);
    if (!agrees) return { status: 'invalid', keyID, reason: 'it is not the signature that was announced' };
    // RFC 9580 §5.2.1: any other type is about keys, and its octets, shown as a message, would be nothing that the signer said.
    if (!DOCUMENT_TYPES.has(announced.type)) {
      return { status: 'invalid', keyID, reason: `a signature of type ${announced.type} is not over a document` };
    }
    const signatureData = packet.signatureData ?? EMPTY;
    const digest = this.#hash?.update(signatureData).update(trailer(packet.version, signatureData.length)).digest();
    if (digest === undefined) {
      return { status: 'invalid', keyID, reason: `hash algorithm ${announced.hash} is not known` };
    }
    return judgeDigest(packet, digest, verifiers, date);
  }
}

const EMPTY = Buffer.alloc(0);
const DOCUMENT_TYPES: ReadonlySet<number> = new Set([enums.signature.binary, enums.signature.text]);
const LF = 10;
const CR = 13;

/**
 * RFC 9580 §5.2.1.2: a text signature is over the lines ended by CRLF. `afterCR` is true where the octet before the chunk was a CR.
 */
function withCRLF(chunk: Buffer, afterCR: boolean): Buffer {
  let bare = 0;
  let before = afterCR ? CR : 0;
  for (const octet of chunk) {
    if (octet === LF && before !== CR) bare += 1;
    before = octet;
  }
  if (bare === 0) return chunk;
  const out = Buffer.allocUnsafe(chunk.length + bare);
  let size = 0;
  before = afterCR ? CR : 0;
  for (const octet of chunk) {
    if (octet === LF && before !== CR) out[size++] = CR;
    out[size++] = octet;
    before = octet;
  }
  return out;
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex').toUpperCase();
}

/** The packet, or why it cannot be read. */
function readSignature(body: Buffer): Signature | string {
  const packet = new SignaturePacket();
  try {
    packet.read(body);
    return packet;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function saltOf(packet: Signature): Buffer {
  const { salt } = packet as unknown as { salt: Uint8Array | null };
  return Buffer.from(salt ?? EMPTY);
}

async function judgeDigest(
  packet: Signature,
  digest: Buffer,
  verifiers: Verifiers,
  date: Date,
): Promise<SignatureVerdict> {
  const keyID = packet.issuerKeyID.toHex().toUpperCase();
  const issuer: Issuer =
    packet.issuerFingerprint === null
      ? { keyID }
      : { keyID, fingerprint: Buffer.from(packet.issuerFingerprint).toString('hex').toUpperCase() };
  let failure: SignatureVerdict | undefined;
  for (const certificate of await verifiers(issuer)) {
    const [found] = certificate.getKeys(packet.issuerKeyID);
    if (found === undefined) continue;
    const verdict = { keyID, fingerprint: certificate.getFingerprint().toUpperCase(), certificate };
    const created = packet.created ?? new Date(0);
    try {
      (packet as unknown as { hashed: Uint8Array }).hashed = digest;
      const type = packet.signatureType ?? enums.signature.binary;
      await packet.verify(found.keyPacket, type, EMPTY, date, false, config);
      if (created < found.keyPacket.created) throw new Error('the signature is older than the key that made it');
      // Was that key allowed to sign, not revoked and not expired, when it did?
      await certificate.getSigningKey(found.getKeyID(), created);
      if (await isDistrusted(certificate)) throw new Error('the certificate that made it has been revoked');
      return { ...verdict, status: 'valid', created };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failure ??= { ...verdict, status: 'invalid', created, reason };
    }
  }
  return failure ?? { status: 'unknown-key', keyID };
}

/**
 * A certificate revoked as compromised, or for no stated reason, loses its past signatures too: whoever has the key can put any
 * date into them (RFC 9580 §5.2.3.31). One that was superseded or retired keeps them.
 */
async function isDistrusted(certificate: PublicKey): Promise<boolean> {
  if (!(await certificate.isRevoked())) return false;
  const soft: readonly unknown[] = [enums.reasonForRevocation.keySuperseded, enums.reasonForRevocation.keyRetired];
  return certificate.revocationSignatures.some(
    ({ reasonForRevocationFlag }) => !soft.includes(reasonForRevocationFlag),
  );
}
