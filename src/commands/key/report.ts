/** How the key commands show certificates: as lines for people, and as JSON. */
import { printable } from '#lib/keys/certificatename';
import { type CertificateFacts, type KeyFacts, day, describeCertificate, secretStates } from '#lib/keys/describe';
import type { Provenance } from '#lib/keys/provenance';
import type { StoredCertificate, StoredPrivateKey } from '#lib/keys/stored';

/** A certificate with everything that the keyring knows about it. */
export interface Report {
  readonly facts: CertificateFacts;
  readonly provenance: Provenance;
  readonly path: string;
  readonly privateKey: PrivateKeyReport | undefined;
}

interface PrivateKeyReport {
  /** `unprotected` where any part is stored without a passphrase, `absent` where there are only stubs. */
  readonly state: 'locked' | 'unprotected' | 'absent';
  /** The state of the primary key and of each subkey. */
  readonly parts: readonly string[];
  readonly path: string;
}

/** Brings certificates and private keys together. */
export async function reportsOf(
  certificates: readonly StoredCertificate[],
  privateKeys: readonly StoredPrivateKey[],
): Promise<readonly Report[]> {
  const secrets = new Map(privateKeys.map((stored) => [stored.key.getFingerprint(), stored]));
  const reports: Report[] = [];
  for (const { certificate, provenance, path } of certificates) {
    const secret = secrets.get(certificate.getFingerprint());
    const facts = await describeCertificate(certificate);
    reports.push({ facts, provenance, path, privateKey: secret && privateKeyReport(secret) });
  }
  return reports;
}

function privateKeyReport({ key, path }: StoredPrivateKey): PrivateKeyReport {
  const parts = secretStates(key);
  const state = parts.includes('unprotected') ? 'unprotected' : parts.includes('locked') ? 'locked' : 'absent';
  return { state, parts, path };
}

/** What `--json` gives of one certificate. Dates are ISO 8601; what there is not is null. */
export function asJSON({ facts, provenance, path, privateKey }: Report): object {
  const { problem, userIDs, subkeys, version, seipdv2, ...primary } = facts;
  return {
    version,
    ...keyJSON(primary),
    userIDs: userIDs.map(({ text, address = null, status }) => ({ text, address, status })),
    subkeys: subkeys.map(keyJSON),
    seipdv2,
    problem: problem ?? null,
    trust: provenance.trust,
    source: provenance.source,
    since: provenance.since.toISOString(),
    file: path,
    privateKey: privateKey ? { state: privateKey.state, parts: privateKey.parts, file: privateKey.path } : null,
  };
}

function keyJSON(key: KeyFacts): object {
  return { ...key, created: key.created.toISOString(), expires: key.expires?.toISOString() ?? null };
}

/** Two or more lines for a list. */
export function asLines({ facts, provenance, privateKey }: Report): string {
  const secret = privateKey ? `, private key ${secretWords(privateKey)}` : '';
  const state = facts.problem === undefined ? '' : `\n    not usable: it ${facts.problem}`;
  const userIDs = facts.userIDs.map((userID) => `\n    ${userIDText(userID)}`).join('');
  return `${facts.fingerprint}\n    ${facts.algorithm}, ${lifetime(facts)}, ${provenance.trust}${secret}${userIDs}${state}\n`;
}

/** All there is to say, a fact a line. */
export function asText({ facts, provenance, path, privateKey }: Report): string {
  const rows: readonly (readonly [string, string])[] = [
    ['Fingerprint', facts.fingerprint],
    ['Version', String(facts.version)],
    ...facts.userIDs.map((userID) => ['User ID', userIDText(userID)] as const),
    ['Primary key', keyText(facts)],
    ...facts.subkeys.map((subkey) => ['Subkey', `${subkey.fingerprint} ${keyText(subkey)}`] as const),
    ['SEIPDv2', facts.seipdv2 ? 'announced' : 'not announced'],
    ['Usable', facts.problem === undefined ? 'yes' : `no: it ${facts.problem}`],
    ['Trust', `${provenance.trust}, from ${printable(provenance.source)}, since ${day(provenance.since)}`],
    ['File', path],
    ['Private key', privateKey ? `${secretWords(privateKey)} (${privateKey.parts.join(', ')})` : 'none'],
    ...(privateKey ? [['Private file', privateKey.path] as const] : []),
  ];
  return rows.map(([name, value]) => `${`${name}:`.padEnd(14)}${value}\n`).join('');
}

function secretWords({ state }: PrivateKeyReport): string {
  if (state === 'unprotected') return 'UNPROTECTED';
  return state === 'locked' ? 'locked' : 'elsewhere';
}

function userIDText({ text, status }: CertificateFacts['userIDs'][number]): string {
  return status === 'valid' ? printable(text) : `${printable(text)} (${status})`;
}

function keyText(key: KeyFacts): string {
  return `${key.algorithm}, ${lifetime(key)}${key.revoked ? ', revoked' : ''}, to ${key.capabilities.join(' and ')}`;
}

function lifetime({ created, expires }: KeyFacts): string {
  return `made ${day(created)}, ${expires ? `expires ${day(expires)}` : 'never expires'}`;
}
