import type { PublicKey } from '#lib/openpgp/library';
import type { Address } from './address.js';
import type { Provenance } from './provenance.js';

/** A certificate that somebody says is an address's, and where it is from. Nothing about it has been checked. */
export interface Candidate {
  readonly certificate: PublicKey;
  readonly provenance: Provenance;
}

/**
 * A place where certificates are looked for: the keyring; later WKD, key servers, what Autocrypt has taught. A source that cannot
 * be asked just now rejects; one that knows nothing resolves to an empty list.
 */
export interface CertificateSource {
  /** What messages call it. */
  readonly name: string;
  readonly lookup: (address: Address, signal?: AbortSignal) => Promise<readonly Candidate[]>;
}
