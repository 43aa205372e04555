import { addressOfUserID } from '#lib/keys/address';
import { type PublicKey, type Signature, PacketList } from '#lib/openpgp/library';
import { chooseRecipient } from '#lib/openpgp/recipient';
import { singleAddress } from './address.js';
import { writeField } from './field.js';
import { addressesOf } from './sender.js';

/** Octets of a certificate that is attached to each message; Autocrypt Level 1 §2.1 wants the header below 10 KiB. */
const CERTIFICATE_LIMIT = 7 * 1024;

/**
 * The Autocrypt field (Autocrypt Level 1 §2.1) for a sender: the certificate brought down to its primary key, the user ID of
 * that address and one encryption subkey. Undefined where the certificate is not the address's, has nothing to encrypt to or
 * is too large.
 *
 * `from` is the unfolded body of the From field.
 */
export async function autocryptField(certificate: PublicKey, from: string): Promise<Buffer | undefined> {
  const address = singleAddress(from);
  if (address === undefined || !/^[!-:<-~]+$/.test(address)) return undefined;
  if (!(await addressesOf(certificate)).includes(address)) return undefined;
  const keydata = await minimalCertificate(certificate, address);
  if (keydata === undefined || keydata.length > CERTIFICATE_LIMIT) return undefined;
  const lines = keydata.toString('base64').match(/.{1,76}/g) ?? [];
  return writeField('Autocrypt', `addr=${address}; prefer-encrypt=mutual; keydata=\n ${lines.join('\n ')}`);
}

/** Primary key, user ID, encryption subkey, and the newest signature that binds each. */
async function minimalCertificate(certificate: PublicKey, address: string): Promise<Buffer | undefined> {
  const user = certificate.users.find(({ userID }) => addressOfUserID(userID?.userID ?? '')?.folded === address);
  const { fingerprint } = await chooseRecipient(certificate);
  const subkey = certificate.subkeys.find((key) => key.getFingerprint().toUpperCase() === fingerprint);
  const certification = newest(user?.selfCertifications ?? []);
  const binding = newest(subkey?.bindingSignatures ?? []);
  if (!user?.userID || certification === undefined || subkey === undefined || binding === undefined) return undefined;
  const packets = new PacketList();
  packets.push(certificate.keyPacket);
  // Version 6 says what the key can do in a signature of its own (RFC 9580 §10.1.1).
  const direct = newest((certificate as unknown as { directSignatures: Signature[] }).directSignatures);
  if (direct !== undefined) packets.push(direct);
  packets.push(user.userID, certification, subkey.keyPacket, binding);
  return Buffer.from(packets.write());
}

function newest(signatures: readonly Signature[]): Signature | undefined {
  return signatures.reduce<Signature | undefined>(
    (best, signature) => (best === undefined || Number(signature.created) > Number(best.created) ? signature : best),
    undefined,
  );
}
