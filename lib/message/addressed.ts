import { type ByteStream, type Source, countOctets } from '#lib/bytes/source';
import { dearmor } from '#lib/openpgp/armor';
import { OpenPGPError } from '#lib/openpgp/error';
import type { PublicKey } from '#lib/openpgp/library';
import { LIMITS } from '#lib/openpgp/limits';
import { ByteReader, gatherBody, readPacket } from '#lib/openpgp/packet';
import { beginsWithArmor, encryptedStream, type Encryption } from './recognise.js';
import { isIdentity } from './transfer.js';

/** Whom an encrypted session key names. */
export interface KeyName {
  /** 16 upper-case hexadecimal digits; zeros for a recipient who is not named. */
  readonly keyID: string;
  /** Upper-case hexadecimal, where the packet has it (version 6). */
  readonly fingerprint?: string;
}

const PKESK = 1;
const SKESK = 3;
const SEIPD = 18;

const ANONYMOUS = '0'.repeat(16);

/**
 * Whether a message is stored as it came: encrypted already, to a key of one of these certificates, and encrypted only.
 *
 * A sender must not be able to keep a message from being encrypted by making it look encrypted. So this is stricter than what
 * is opened: nothing but the form that RFC 3156 gives, one armored block and only that, in it encrypted session keys, one
 * packet of encrypted and integrity protected data, and nothing after it; all of it is walked. Damage of any kind, and a
 * recipient without a name, mean no.
 */
export async function isEncryptedTo(
  source: Source,
  encryption: Encryption,
  certificates: readonly PublicKey[],
): Promise<boolean> {
  if (encryption.form === 'exchange' || !encryption.terminated || !isIdentity(encryption.encoding)) return false;
  if (!(await beginsWithArmor(encryptedStream(source, encryption)))) return false;
  const reader = new ByteReader(dearmor(encryptedStream(source, encryption)));
  try {
    const names = await walk(reader);
    return names.some((name) => certificates.some((certificate) => isOfCertificate(name, certificate)));
  } catch (error) {
    if (error instanceof OpenPGPError) return false;
    throw error;
  } finally {
    await reader.close();
  }
}

/** Whom the message names, after a walk to its end. Throws OpenPGPError for any packet that is not in its place. */
async function walk(reader: ByteReader): Promise<readonly KeyName[]> {
  const names: KeyName[] = [];
  let passwords = 0;
  for (;;) {
    const packet = await readPacket(reader);
    if (packet === undefined) throw new OpenPGPError('truncated', 'The message has no encrypted data.');
    if (packet.tag === PKESK && passwords === 0) {
      names.push(readKeyName(await gatherBody(packet, LIMITS.packetSize)));
    } else if (packet.tag === SKESK && names.length > 0) {
      await gatherBody(packet, LIMITS.packetSize);
      passwords++;
    } else if (packet.tag === SEIPD && names.length > 0) {
      const first = await packet.body.next();
      const version = first.done === true ? undefined : first.value[0];
      if (version !== 1 && version !== 2)
        throw new OpenPGPError('unsupported', 'The encrypted data has no known version.');
      await countOctets(packet.body);
      if (!(await reader.atEnd())) throw new OpenPGPError('trailing-data', 'Something follows the encrypted data.');
      return names;
    } else {
      throw new OpenPGPError('malformed', `A packet of type ${packet.tag} has no place here.`);
    }
    if (names.length + passwords > LIMITS.sessionKeys)
      throw new OpenPGPError('limit', 'There are too many recipients.');
  }
}

/**
 * Whom the encrypted session keys at the start of a message name, anonymous ones included; those that are read before it turns
 * out to be no OpenPGP message.
 */
export async function recipientsOf(armored: ByteStream): Promise<readonly KeyName[]> {
  const names: KeyName[] = [];
  const reader = new ByteReader(dearmor(armored));
  try {
    while (names.length < LIMITS.sessionKeys) {
      const packet = await readPacket(reader);
      if (packet?.tag === PKESK) names.push(readKeyName(await gatherBody(packet, LIMITS.packetSize)));
      else if (packet?.tag === SKESK) await gatherBody(packet, LIMITS.packetSize);
      else break;
    }
  } catch (error) {
    if (!(error instanceof OpenPGPError)) throw error;
  } finally {
    await reader.close();
  }
  return names;
}

/** RFC 9580 §5.1. Throws OpenPGPError `malformed`, `unsupported`. */
function readKeyName(body: Buffer): KeyName {
  const version = body[0];
  if (version === 3 && body.length > 10) return { keyID: hex(body.subarray(1, 9)) };
  if (version === 6 && body.length > 2) {
    const length = body.readUInt8(1);
    const keyVersion = body[2];
    if (length === 0) return { keyID: ANONYMOUS };
    const fingerprint = body.subarray(3, 2 + length);
    if (keyVersion === 4 && fingerprint.length === 20)
      return { keyID: hex(fingerprint.subarray(12)), fingerprint: hex(fingerprint) };
    if (keyVersion === 6 && fingerprint.length === 32)
      return { keyID: hex(fingerprint.subarray(0, 8)), fingerprint: hex(fingerprint) };
    throw new OpenPGPError(
      'malformed',
      'An encrypted session key names its recipient in a way that RFC 9580 does not know.',
    );
  }
  throw new OpenPGPError('unsupported', `An encrypted session key has version ${version ?? 'none'}.`);
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex').toUpperCase();
}

/** Whether a name is that of the primary key or a subkey of the certificate. A recipient who is not named is nobody. */
export function isOfCertificate(name: KeyName, certificate: PublicKey): boolean {
  if (name.keyID === ANONYMOUS) return false;
  return certificate.getKeys().some((key) => {
    if (name.fingerprint !== undefined) return key.getFingerprint().toUpperCase() === name.fingerprint;
    return key.getKeyID().toHex().toUpperCase() === name.keyID;
  });
}

/** Whether some recipient of the message is not named, so that every key has to be tried. */
export function isAnonymous(name: KeyName): boolean {
  return name.keyID === ANONYMOUS;
}
