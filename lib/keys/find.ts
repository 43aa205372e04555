import { readFile } from 'node:fs/promises';
import type { PrivateKey, PublicKey } from '#lib/openpgp/library';
import { type Address, addressOfUserID } from './address.js';
import { parseName, printable } from './certificatename.js';
import { whyUnusable } from './describe.js';
import { KeyringError } from './error.js';
import { readSingleKey } from './keyfile.js';
import type { Keyring } from './keyring.js';
import { type Provenance, TRUST_LEVELS, type Trust, isAtLeast } from './provenance.js';
import type { Candidate, CertificateSource } from './source.js';
import type { StoredPrivateKey } from './stored.js';

export interface FindOptions {
  /** The time at which the certificate must be valid. Default: now. */
  readonly date?: Date;
  /** The least trust that counts for an address. Default: any. What is named by fingerprint or file is trusted by that. */
  readonly minTrust?: Trust;
  /** Where to look after the keyring, in this order. */
  readonly sources?: readonly CertificateSource[];
}

export interface FoundCertificate {
  readonly certificate: PublicKey;
  /** Undefined where it was named as a file. */
  readonly provenance?: Provenance;
}

/**
 * Finds the certificate to encrypt to by an address, a fingerprint or a file: neither expired nor revoked, with a valid subkey for
 * encryption, and for an address with a valid user ID that is this address. Of several the most trusted, then the one that is
 * spelt exactly so, then the newest. Throws KeyringError `not-found`, or `unusable` with what is wrong with each one there is;
 * `name`, `ambiguous` and `data` for names that lead nowhere.
 */
export async function findCertificate(
  keyring: Keyring,
  name: string,
  options: FindOptions = {},
): Promise<FoundCertificate> {
  const parsed = parseName(name);
  switch (parsed.kind) {
    case 'address':
      return findForAddress(keyring, parsed.address, options);
    case 'fingerprint': {
      const [found, ...others] = await keyring.withFingerprint(parsed.hex);
      if (found === undefined) throw await notFound(keyring, `no certificate ${parsed.hex}`, []);
      if (others.length > 0) throw ambiguous(parsed.hex);
      return checked(found, options.date);
    }
    case 'file':
      return checked({ certificate: await readCertificateFile(parsed.path) }, options.date);
  }
}

/** The one certificate in a file. System errors pass; throws KeyringError `data` where the file is something else. */
export async function readCertificateFile(path: string): Promise<PublicKey> {
  const bytes = await readFile(path);
  try {
    return (await readSingleKey(bytes)).toPublic();
  } catch (error) {
    if (!(error instanceof KeyringError)) throw error;
    throw new KeyringError('data', `${printable(path)} is not a certificate. ${error.message}`, { cause: error });
  }
}

/** As `findCertificate`, for an address alone: what comes from the network is not a name of anything else. */
export async function findForAddress(
  keyring: Keyring,
  address: Address,
  options: FindOptions = {},
): Promise<FoundCertificate> {
  const { date, minTrust, sources = [] } = options;
  const reasons: string[] = [];
  for (const source of [keyring, ...sources]) {
    for (const { certificate, provenance } of inOrder(await source.lookup(address), address)) {
      const reason =
        minTrust !== undefined && !isAtLeast(provenance.trust, minTrust)
          ? `is only ${provenance.trust}, and ${minTrust} is asked for`
          : await whyUnusable(certificate, address, date);
      if (reason === undefined) return { certificate, provenance };
      reasons.push(`the certificate ${certificate.getFingerprint().toUpperCase()} ${reason}`);
    }
  }
  throw await notFound(keyring, `no usable certificate for ${address.text}`, reasons);
}

function inOrder(candidates: readonly Candidate[], address: Address): readonly Candidate[] {
  const trust = ({ provenance }: Candidate): number => TRUST_LEVELS.indexOf(provenance.trust);
  const spelling = ({ certificate }: Candidate): number =>
    certificate.getUserIDs().some((userID) => addressOfUserID(userID)?.text === address.text) ? 0 : 1;
  const age = ({ certificate }: Candidate): number => -certificate.getCreationTime().getTime();
  return [...candidates].sort((a, b) => trust(a) - trust(b) || spelling(a) - spelling(b) || age(a) - age(b));
}

async function checked(found: FoundCertificate, date?: Date): Promise<FoundCertificate> {
  const reason = await whyUnusable(found.certificate, undefined, date);
  if (reason === undefined) return found;
  throw new KeyringError('unusable', `The certificate ${found.certificate.getFingerprint().toUpperCase()} ${reason}.`);
}

async function notFound(keyring: Keyring, what: string, reasons: readonly string[]): Promise<KeyringError> {
  const damaged = (await keyring.damaged()).map(({ path }) => `the file ${printable(path)} is damaged`);
  const all = [...reasons, ...damaged];
  const code = reasons.length > 0 ? 'unusable' : 'not-found';
  const details = all.length > 0 ? `: ${all.join('; ')}` : '. Import it with "postern key import FILE"';
  return new KeyringError(code, `There is ${what}${details}.`);
}

function ambiguous(name: string): KeyringError {
  return new KeyringError('ambiguous', `Several certificates are called ${name}; give the fingerprint of one.`);
}

/**
 * Finds the private key to sign with, by an address or a fingerprint: valid, with a signing (sub)key whose secret part is here; of
 * several the newest. It is still locked, and has the self-signatures and revocations of the certificate. Throws KeyringError as `findCertificate`.
 */
export async function findSigningKey(
  keyring: Keyring,
  name: string,
  date: Date = new Date(),
): Promise<StoredPrivateKey> {
  const parsed = parseName(name);
  if (parsed.kind === 'file') {
    throw new KeyringError(
      'name',
      `${printable(name)} is a file; private keys are used from the keyring after "postern key import".`,
    );
  }
  const stored =
    parsed.kind === 'address'
      ? await keyring.privateKeysForAddress(parsed.address)
      : await keyring.privateKeysWithFingerprint(parsed.hex);
  const newestFirst = [...stored].sort((a, b) => b.key.getCreationTime().getTime() - a.key.getCreationTime().getTime());
  const reasons: string[] = [];
  for (const { key, path } of newestFirst) {
    const fingerprint = key.getFingerprint().toUpperCase();
    const current = await withCertificate(keyring, key);
    const reason = await whyNotSigning(current, date);
    if (reason === undefined) return { key: current, path };
    reasons.push(`the key ${fingerprint} ${reason}`);
  }
  throw await notFound(keyring, `no private key to sign with for ${printable(name)}`, reasons);
}

/**
 * A private key with the self-signatures, user IDs and revocations of its certificate in the keyring, where these are kept; the
 * private key's own file holds those of the day it came.
 */
export async function withCertificate(keyring: Keyring, key: PrivateKey): Promise<PrivateKey> {
  const [stored] = await keyring.withFingerprint(key.getFingerprint().toUpperCase());
  return stored === undefined ? key : key.update(stored.certificate);
}

async function whyNotSigning(key: PrivateKey, date: Date): Promise<string | undefined> {
  try {
    const { keyPacket } = await key.getSigningKey(undefined, date);
    const isHere = !('isMissingSecretKeyMaterial' in keyPacket) || !keyPacket.isMissingSecretKeyMaterial();
    return isHere ? undefined : 'has the secret part of its signing key elsewhere';
  } catch (error) {
    return `cannot sign: ${error instanceof Error ? error.message : String(error)}`;
  }
}
