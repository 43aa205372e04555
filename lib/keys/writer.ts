import { join } from 'node:path';
import { makeFolder, writeFileAtomic } from '#lib/bytes/atomic';
import type { Key, PrivateKey, PublicKey } from '#lib/openpgp/library';
import type { CatalogueEntry } from './catalogue.js';
import { keyIDOf } from './certificatename.js';
import { KeyringError } from './error.js';
import { KeyFolder } from './folder.js';
import { isSame, mergeCertificates, mergePrivateKeys } from './merge.js';
import { type Provenance, armorWithProvenance, isAtLeast } from './provenance.js';
import { type StoredCertificate, asCertificate, asPrivateKey } from './stored.js';

/** What adding did. */
export type Change = 'new' | 'updated' | 'unchanged';

/** Changes to a keyring, for who holds its lock (`Keyring.write`). */
export interface KeyringWriter {
  /** The certificate whose primary key has this fingerprint or key ID, as it is now. */
  readonly find: (hex: string) => Promise<StoredCertificate | undefined>;
  /**
   * Puts a certificate into the keyring, or merges it into the copy that is there. Trust only rises, unless `exactly` says that
   * the level given is the one to have.
   */
  readonly addCertificate: (certificate: PublicKey, provenance: Provenance, exactly?: boolean) => Promise<Change>;
  /** Puts a private key, locked as it is, and its certificate into the keyring. A secret that is there already stays. */
  readonly addPrivateKey: (key: PrivateKey, provenance: Provenance) => Promise<Change>;
  /** Takes a certificate out. Throws KeyringError `refused` while there is a private key, unless `andPrivateKey`. */
  readonly remove: (fingerprint: string, andPrivateKey: boolean) => Promise<void>;
  /** Keeps the revocation of a key for the day that it is needed. Returns its path. */
  readonly keepRevocation: (key: Key, armored: string) => Promise<string>;
}

/** Runs `action` with a writer. Who calls it holds the lock. */
export function runWriter<Result>(home: string, action: (writer: KeyringWriter) => Promise<Result>): Promise<Result> {
  const certificates = new KeyFolder(home, 'certificates', false);
  const privateKeys = new KeyFolder(home, 'private', true);
  const writer: KeyringWriter = {
    find: async (hex) => {
      const [file] = await certificates.find(
        ({ fingerprints: [primary = ''] }) => primary === hex || keyIDOf(primary) === hex,
      );
      return file && asCertificate(file);
    },
    addCertificate: (certificate, provenance, exactly = false) =>
      addCertificate(certificates, certificate, provenance, exactly),
    addPrivateKey: async (key, provenance) => {
      const { change, merged } = await addPrivateKey(privateKeys, key);
      await addCertificate(certificates, merged.toPublic(), provenance, false);
      return change;
    },
    remove: (fingerprint, andPrivateKey) => remove(certificates, privateKeys, fingerprint, andPrivateKey),
    keepRevocation: async (key, armored) => {
      const path = revocationPath(home, key);
      await makeFolder(join(home, 'revocations'), 0o700);
      await writeFileAtomic(path, Buffer.from(armored), 0o600);
      return path;
    },
  };
  return certificates.batch(() => privateKeys.batch(() => action(writer)));
}

/** Where the revocation of a key is kept. */
export function revocationPath(home: string, key: Key): string {
  return join(home, 'revocations', `${fingerprintOf(key)}.asc`);
}

async function addCertificate(
  folder: KeyFolder,
  certificate: PublicKey,
  provenance: Provenance,
  exactly: boolean,
): Promise<Change> {
  const [file] = await folder.find(isPrimary(fingerprintOf(certificate)));
  if (file === undefined) {
    await folder.write(certificate, armorWithProvenance(certificate, provenance));
    return 'new';
  }
  const known = asCertificate(file);
  const merged = await mergeCertificates(known.certificate, certificate);
  const keep = !exactly && isAtLeast(known.provenance.trust, provenance.trust);
  const after = keep ? known.provenance : { ...provenance, since: known.provenance.since };
  if (isSame(merged, known.certificate) && after.trust === known.provenance.trust) return 'unchanged';
  await folder.write(merged, armorWithProvenance(merged, after), file.path);
  return 'updated';
}

async function addPrivateKey(
  folder: KeyFolder,
  key: PrivateKey,
): Promise<{ readonly change: Change; readonly merged: PrivateKey }> {
  const [file] = await folder.find(isPrimary(fingerprintOf(key)));
  if (file === undefined) {
    await folder.write(key, key.armor());
    return { change: 'new', merged: key };
  }
  const known = asPrivateKey(file).key;
  const merged = await mergePrivateKeys(known, key);
  if (isSame(known, merged)) return { change: 'unchanged', merged };
  await folder.write(merged, merged.armor(), file.path);
  return { change: 'updated', merged };
}

async function remove(
  certificates: KeyFolder,
  privateKeys: KeyFolder,
  fingerprint: string,
  andPrivateKey: boolean,
): Promise<void> {
  const secret = await privateKeys.find(isPrimary(fingerprint));
  if (secret.length > 0 && !andPrivateKey) {
    throw new KeyringError(
      'refused',
      `${fingerprint} has a private key here; without it, what is encrypted to it stays closed for ever. Say --secret to delete that too.`,
    );
  }
  for (const { path } of await certificates.find(isPrimary(fingerprint))) await certificates.remove(path);
  for (const { path } of secret) await privateKeys.remove(path);
}

function fingerprintOf(key: Key): string {
  return key.getFingerprint().toUpperCase();
}

function isPrimary(fingerprint: string): (entry: CatalogueEntry) => boolean {
  return ({ fingerprints }) => fingerprints[0] === fingerprint;
}
