/**
 * What is sealed in a vault: 4 octets length of the JSON, the JSON, the secrets one after another, zeros up to a multiple of 1024.
 *
 * In the JSON a number stands for each secret, and at its end are their lengths, so that no password or key becomes a string on
 * its way through: strings cannot be overwritten. The zeros are there so that the size of the file does not tell how long a password is.
 */
import type { Secret } from '#lib/keys/secret';
import { INDEX_KEY_SIZE, type VaultContent } from './content.js';
import { asDate, asFields, asList, asNumber, asOctets, asText } from './decode.js';
import { type VaultFile, damagedVault } from './file.js';
import { decodeProfile, encodeProfile } from './profilecodec.js';

const PADDING = 1024;

/** The octets to seal; whoever asks for them overwrites them. */
export function encodeContent(content: VaultContent): Buffer {
  const secrets: Buffer[] = [];
  const put = (octets: Buffer): number => secrets.push(octets) - 1;
  const putSecret = (secret: Secret): number => put(secret.revealBytes());
  const value = {
    user: content.user,
    created: content.created.toISOString(),
    // Kind, salt and sealed key are in the header, in the same order.
    slots: content.slots.map(({ name, created, publicKey }) => ({
      name,
      created: created.toISOString(),
      publicKey: put(Buffer.from(publicKey)),
    })),
    profiles: content.profiles.map((profile) => encodeProfile(profile, putSecret)),
    defaultProfile: content.defaultProfile,
    indexKey: put(Buffer.from(content.indexKey)),
    keys: content.keys.map((key) => put(Buffer.from(key))),
  };
  const json = Buffer.from(JSON.stringify({ ...value, lengths: secrets.map(({ length }) => length) }), 'utf8');
  const size = secrets.reduce((sum, { length }) => sum + length, 4 + json.length);
  const payload = Buffer.alloc(Math.ceil(size / PADDING) * PADDING);
  payload.writeUInt32BE(json.length);
  let at = 4 + json.copy(payload, 4);
  for (const secret of secrets) {
    at += secret.copy(payload, at);
    secret.fill(0);
  }
  return payload;
}

/**
 * The content of an opened payload, in buffers of its own. Throws VaultError `damaged` where it is not the content of this file;
 * since it was authenticated, only a fault of ours can be the cause.
 */
export function decodeContent(payload: Buffer, file: VaultFile, whose: string): VaultContent {
  try {
    return decode(payload, file);
  } catch (error) {
    // JSON's own errors quote the text, which is not secret, but nobody's business either.
    if (error instanceof TypeError || error instanceof SyntaxError || error instanceof RangeError) {
      throw damagedVault(whose);
    }
    throw error;
  }
}

function decode(payload: Buffer, file: VaultFile): VaultContent {
  const end = 4 + payload.readUInt32BE();
  const value = asFields(JSON.parse(payload.toString('utf8', 4, end)));
  let at = end;
  const blobs = asList(value['lengths']).map((length) => {
    const octets = payload.subarray(at, at + asNumber(length));
    if (octets.length !== length) throw new RangeError('The payload is too short.');
    at += length;
    return octets;
  });
  const slots = asList(value['slots']);
  if (slots.length !== file.slots.length) throw new TypeError('There are other slots in the header.');
  return {
    user: asText(value['user']),
    created: asDate(value['created']),
    enrolled: file.enrolled,
    slots: file.slots.map(({ kind, salt, check, sealedKey }, i) => {
      const { name, created, publicKey } = asFields(slots[i]);
      return {
        kind,
        salt: Buffer.from(salt),
        check: Buffer.from(check),
        sealedKey: Buffer.from(sealedKey),
        name: asText(name),
        created: asDate(created),
        publicKey: asOctets(publicKey, blobs, 32),
      };
    }),
    profiles: asList(value['profiles']).map((profile) => decodeProfile(profile, blobs)),
    defaultProfile: value['defaultProfile'] === undefined ? undefined : asText(value['defaultProfile']),
    indexKey: asOctets(value['indexKey'], blobs, INDEX_KEY_SIZE),
    keys: asList(value['keys']).map((key) => asOctets(key, blobs)),
  };
}
