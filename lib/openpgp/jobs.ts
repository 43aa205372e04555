/**
 * The work that blocks: private RSA operations, passphrases, and what only slow JavaScript can do. Each job is a function from
 * plain data to plain data, so that offload.ts can run it in a worker thread. Nothing else belongs here.
 */
import { type KeyObject, constants, privateDecrypt, privateEncrypt } from 'node:crypto';
import { OpenPGPError } from './error.js';
import type { LazyPackets } from './rawpackets.js';

/** The padded block that RSA encrypted, unopened: unpadding in constant time is sessionkey.ts's. 0.3 to 3.5 ms. */
export function rsaDecrypt({
  key,
  ciphertext,
}: {
  readonly key: KeyObject;
  readonly ciphertext: Uint8Array;
}): Uint8Array {
  return privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, ciphertext);
}

/** The PKCS#1 v1.5 signature over a DigestInfo (RFC 8017 §9.2). 0.3 to 3.5 ms. */
export function rsaSign({ key, digestInfo }: { readonly key: KeyObject; readonly digestInfo: Uint8Array }): Uint8Array {
  return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digestInfo);
}

/** Unlocks a private key (binary, locked) and gives it back unlocked. Argon2 takes half a second. OpenPGPError `passphrase`. */
export async function unlock(input: { readonly key: Uint8Array; readonly passphrase: string }): Promise<Uint8Array> {
  const { decryptKey, readPrivateKey } = await import('./library.js');
  const privateKey = await readPrivateKey({ binaryKey: input.key });
  try {
    return (await decryptKey({ privateKey, passphrase: input.passphrase })).write();
  } catch (error) {
    const fingerprint = privateKey.getFingerprint().toUpperCase();
    throw new OpenPGPError('passphrase', `The passphrase does not open the key ${fingerprint}.`, { cause: error });
  }
}

/**
 * Decrypts the body of a SEIPDv1 packet (version octet included) whose cipher node:crypto does not have, and gives the packets
 * inside, verified. OpenPGPError `mdc-mismatch`.
 */
export async function slowDecrypt(input: {
  readonly body: Uint8Array;
  readonly algorithm: number;
  readonly key: Uint8Array;
}): Promise<Uint8Array> {
  const { SymEncryptedIntegrityProtectedDataPacket, config } = await import('./library.js');
  const { RAW_PACKETS, packetOctets } = await import('./rawpackets.js');
  const packet = new SymEncryptedIntegrityProtectedDataPacket();
  await packet.read(input.body);
  const internals = packet as unknown as {
    readonly packets: LazyPackets;
    decrypt(algorithm: number, key: Uint8Array, config: object): Promise<void>;
  };
  try {
    await internals.decrypt(input.algorithm, input.key, { ...config, ...RAW_PACKETS });
    return await packetOctets(internals.packets);
  } catch (error) {
    throw new OpenPGPError('mdc-mismatch', 'The modification detection code does not match: the message was changed.', {
      cause: error,
    });
  }
}

/** Expands bzip2 data (the body of a compressed packet without its algorithm octet). OpenPGPError `malformed`. */
export async function bunzip2({ body }: { readonly body: Uint8Array }): Promise<Uint8Array> {
  const { CompressedDataPacket, config } = await import('./library.js');
  const { RAW_PACKETS, packetOctets } = await import('./rawpackets.js');
  const packet = new CompressedDataPacket() as unknown as {
    readonly packets: LazyPackets;
    read(body: Uint8Array, config: object): Promise<void>;
  };
  try {
    await packet.read(Buffer.concat([Buffer.of(3), body]), { ...config, ...RAW_PACKETS });
    return await packetOctets(packet.packets);
  } catch (error) {
    throw new OpenPGPError('malformed', 'The bzip2 data cannot be expanded: it is damaged or too large.', {
      cause: error,
    });
  }
}
