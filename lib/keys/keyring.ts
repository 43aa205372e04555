/**
 * lib/keys: the certificates we know, where each came from and how far it is trusted; our private keys; making, finding, revoking.
 *
 * A keyring lives in the state folder: `certificates/` and `private/` with one armored file each, which can be read, copied and
 * deleted by hand; `revocations/` with revocations kept for the day they are needed; `*.catalogue`, which are caches and may be
 * deleted. Readers take no lock, because every file is replaced in one step; writers take `keyring.lock`.
 */

import { makeFolder } from '#lib/bytes/atomic';
import { join } from 'node:path';
import { LockError, withFileLock } from '#lib/bytes/filelock';
import type { Key } from '#lib/openpgp/library';
import type { Address } from './address.js';
import { keyIDOf } from './certificatename.js';
import { KeyringError } from './error.js';
import { type DamagedFile, KeyFolder } from './folder.js';
import type { CertificateSource } from './source.js';
import { type StoredCertificate, type StoredPrivateKey, asCertificate, asPrivateKey } from './stored.js';
import { type KeyringWriter, revocationPath, runWriter } from './writer.js';

/** The keyring of a state folder. */
export class Keyring implements CertificateSource {
  readonly name = 'keyring';
  readonly #home: string;
  readonly #certificates: KeyFolder;
  readonly #private: KeyFolder;

  constructor(home: string) {
    this.#home = home;
    this.#certificates = new KeyFolder(home, 'certificates', false);
    this.#private = new KeyFolder(home, 'private', true);
  }

  /** The certificates with a user ID that is this address, whatever their state. */
  async lookup(address: Address): Promise<readonly StoredCertificate[]> {
    const found = await this.#certificates.find(({ addresses }) => addresses.includes(address.folded));
    return found.map(asCertificate);
  }

  /** The certificates whose primary key or subkey has this fingerprint or key ID (upper-case hexadecimal). */
  async withFingerprint(hex: string): Promise<readonly StoredCertificate[]> {
    return (await this.#certificates.find(hasFingerprint(hex))).map(asCertificate);
  }

  async certificates(): Promise<readonly StoredCertificate[]> {
    return (await this.#certificates.all()).map(asCertificate);
  }

  async privateKeys(): Promise<readonly StoredPrivateKey[]> {
    return (await this.#private.all()).map(asPrivateKey);
  }

  /** The private keys with this fingerprint or key ID, of the primary key or a subkey. */
  async privateKeysWithFingerprint(hex: string): Promise<readonly StoredPrivateKey[]> {
    return (await this.#private.find(hasFingerprint(hex))).map(asPrivateKey);
  }

  /**
   * The private keys that a message to these key IDs may open with. A key ID of zeros stands for a hidden recipient (RFC 9580
   * §5.1.8), which may be any of them.
   */
  async privateKeysForMessage(keyIDs: readonly string[]): Promise<readonly StoredPrivateKey[]> {
    const wanted = new Set(keyIDs.map((keyID) => keyID.toUpperCase()));
    if (wanted.has('0'.repeat(16))) return this.privateKeys();
    const found = await this.#private.find(({ fingerprints }) =>
      fingerprints.some((fingerprint) => wanted.has(keyIDOf(fingerprint))),
    );
    return found.map(asPrivateKey);
  }

  /** The private keys that have a user ID with this address. */
  async privateKeysForAddress(address: Address): Promise<readonly StoredPrivateKey[]> {
    const found = await this.#private.find(({ addresses }) => addresses.includes(address.folded));
    return found.map(asPrivateKey);
  }

  /** The files of both folders that cannot be read. They hide nothing else. */
  async damaged(): Promise<readonly DamagedFile[]> {
    return [...(await this.#certificates.damaged()), ...(await this.#private.damaged())];
  }

  /** Where the revocation of a key is kept, if it is. */
  revocationPath(key: Key): string {
    return revocationPath(this.#home, key);
  }

  /**
   * Changes the keyring: `action` gets a writer that is the only one at work until the promise settles, of all processes. Passphrases
   * are asked for before. Rejects with KeyringError `busy` where another one does not finish.
   */
  async write<Result>(action: (writer: KeyringWriter) => Promise<Result>): Promise<Result> {
    await makeFolder(this.#home, 0o700);
    try {
      return await withFileLock(join(this.#home, 'keyring.lock'), () => runWriter(this.#home, action));
    } catch (error) {
      if (error instanceof LockError) throw new KeyringError('busy', error.message, { cause: error });
      throw error;
    }
  }
}

function hasFingerprint(hex: string): (entry: { readonly fingerprints: readonly string[] }) => boolean {
  return ({ fingerprints }) =>
    fingerprints.some((fingerprint) => fingerprint === hex || (hex.length === 16 && keyIDOf(fingerprint) === hex));
}
