import { generate } from '#lib/keys/generate';
import { Keyring } from '#lib/keys/keyring';
import { isUnprotected } from '#lib/keys/passphrase';
import { type PrivateKey, readPrivateKey } from '#lib/openpgp/library';
import { VaultError } from './error.js';
import type { OpenVault } from './openvault.js';

/**
 * A new key for an address, as a vault holds it: Ed25519 and X25519, version 4, without passphrase because the vault is its lock,
 * and without end because nobody would be there to renew it.
 */
export async function generateKey(userID: string): Promise<Buffer> {
  return asVaultKey((await generate({ userIDs: [userID] })).key);
}

/** An unlocked private key as a vault holds it. Throws VaultError `invalid` where nothing of it is unlocked. */
export function asVaultKey(key: PrivateKey): Buffer {
  if (isUnprotected(key)) return Buffer.from(key.write());
  throw new VaultError('invalid', `The private key ${key.getFingerprint().toUpperCase()} is still locked.`);
}

/** The private keys of an opened vault, ready to decrypt and sign. They are in memory until they are collected. */
export async function privateKeysOf(vault: Pick<OpenVault, 'keys'>): Promise<readonly PrivateKey[]> {
  return Promise.all(vault.keys.map((binaryKey) => readPrivateKey({ binaryKey })));
}

/**
 * Puts the certificates of the keys into the keyring of the state folder, where whoever encrypts to this user looks for them.
 * Rejects with KeyringError `busy`.
 */
export async function publishCertificates(home: string, vault: Pick<OpenVault, 'keys'>): Promise<void> {
  const keys = await privateKeysOf(vault);
  if (keys.length === 0) return;
  await new Keyring(home).write(async (writer) => {
    for (const key of keys) {
      await writer.addCertificate(key.toPublic(), { trust: 'pinned', source: 'vault', since: new Date() });
    }
  });
}
