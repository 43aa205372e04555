import { parseName, printable } from '#lib/keys/certificatename';
import { KeyringError } from '#lib/keys/error';
import type { Keyring } from '#lib/keys/keyring';
import type { StoredCertificate } from '#lib/keys/stored';

/** The certificates of the keyring that go by a name, in whatever state; at least one. Throws KeyringError. */
export async function resolve(keyring: Keyring, name: string): Promise<readonly StoredCertificate[]> {
  const parsed = parseName(name);
  if (parsed.kind === 'file') {
    throw new KeyringError(
      'name',
      `${printable(name)} is a file; give the address or the fingerprint of a certificate in the keyring.`,
    );
  }
  const found =
    parsed.kind === 'address' ? await keyring.lookup(parsed.address) : await keyring.withFingerprint(parsed.hex);
  if (found.length > 0) return found;
  throw new KeyringError(
    'not-found',
    `There is no certificate ${printable(name)} in the keyring; "postern key list" shows what there is.`,
  );
}

/** The one certificate that goes by a name. Throws KeyringError `ambiguous` where there are several. */
export async function resolveOne(keyring: Keyring, name: string): Promise<StoredCertificate> {
  const [found, ...others] = await resolve(keyring, name);
  if (found !== undefined && others.length === 0) return found;
  const all = [found, ...others].map((each) => each?.certificate.getFingerprint().toUpperCase());
  throw new KeyringError(
    'ambiguous',
    `Several certificates are called ${printable(name)}; give a fingerprint: ${all.join(', ')}.`,
  );
}
