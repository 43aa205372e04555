import type { PrivateKey } from '#lib/openpgp/library';
import type { FiledKey } from './folder.js';
import { readProvenance } from './provenance.js';
import type { Candidate } from './source.js';

/** A certificate in the keyring. */
export interface StoredCertificate extends Candidate {
  readonly path: string;
}

/** A private key in the keyring, locked as it is stored. */
export interface StoredPrivateKey {
  readonly key: PrivateKey;
  readonly path: string;
}

export function asCertificate({ key, path, text }: FiledKey): StoredCertificate {
  // A file that a person has put there counts as one that a person has imported.
  const provenance = readProvenance(text) ?? { trust: 'verified', source: 'file', since: key.getCreationTime() };
  return { certificate: key.toPublic(), provenance, path };
}

export function asPrivateKey({ key, path }: FiledKey): StoredPrivateKey {
  if (!key.isPrivate()) throw new TypeError(`${path} holds no private key.`);
  return { key, path };
}
