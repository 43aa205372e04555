import { type ByteStream, type Source, countOctets } from '#lib/bytes/source';
import { Tag } from '#lib/openpgp/algorithm';
import { dearmor } from '#lib/openpgp/armor';
import { OpenPGPError } from '#lib/openpgp/error';
import type { PublicKey } from '#lib/openpgp/library';
import { LIMITS } from '#lib/openpgp/limits';
import { readOuter } from '#lib/openpgp/outer';
import { ByteReader, gatherBody, readPacket } from '#lib/openpgp/packet';
import { type EncryptedSessionKey, parseSessionKeyPacket } from '#lib/openpgp/sessionkey';
import { beginsWithArmor, encryptedStream, type Encryption } from './recognise.js';
import { isIdentity } from './transfer.js';

/** Whom an encrypted session key names. */
export interface KeyName {
  /** 16 upper-case hexadecimal digits; zeros for a recipient who is not named. */
  readonly keyID: string;
  /** Upper-case hexadecimal, where the packet has it (version 6). */
  readonly fingerprint?: string;
}

const HIDDEN = '0'.repeat(16);

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
    if (packet.tag === Tag.publicKeyEncryptedSessionKey && passwords === 0) {
      const sessionKey = parseSessionKeyPacket(await gatherBody(packet, LIMITS.packetSize));
      if (sessionKey === undefined) throw new OpenPGPError('unsupported', 'A session key is of an unknown version.');
      names.push(nameOf(sessionKey));
    } else if (packet.tag === Tag.symmetricKeyEncryptedSessionKey && names.length > 0) {
      await gatherBody(packet, LIMITS.packetSize);
      passwords++;
    } else if (packet.tag === Tag.encryptedData && names.length > 0) {
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

/** Whom a message names, hidden recipients included. Nobody where it is no encrypted message: opening it says what it is. */
export async function recipientsOf(encrypted: ByteStream): Promise<readonly KeyName[]> {
  try {
    const outer = await readOuter(encrypted, LIMITS);
    await outer.reader.close();
    return outer.sessionKeys.map(nameOf);
  } catch (error) {
    if (error instanceof OpenPGPError) return [];
    throw error;
  }
}

function nameOf({ keyID, fingerprint }: EncryptedSessionKey): KeyName {
  return { keyID: keyID === '' ? HIDDEN : keyID, ...(fingerprint === undefined ? {} : { fingerprint }) };
}

/** Whether a name is that of the primary key or a subkey of the certificate. A recipient who is not named is nobody. */
export function isOfCertificate(name: KeyName, certificate: PublicKey): boolean {
  if (name.keyID === HIDDEN) return false;
  return certificate.getKeys().some((key) => {
    if (name.fingerprint !== undefined) return key.getFingerprint().toUpperCase() === name.fingerprint;
    return key.getKeyID().toHex().toUpperCase() === name.keyID;
  });
}

/** Whether some recipient of the message is not named, so that every key has to be tried. */
export function isAnonymous(name: KeyName): boolean {
  return name.keyID === HIDDEN;
}
