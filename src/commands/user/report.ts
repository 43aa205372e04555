import { printable } from '#lib/keys/certificatename';
import type { OpenVault, SlotInfo } from '#lib/vault/openvault';
import { privateKeysOf } from '#lib/vault/privatekey';
import type { Profile, ProviderEndpoint } from '#lib/vault/profile';

/** A private key of a vault, as it is shown. */
interface KeyReport {
  /** Upper-case hexadecimal. */
  readonly fingerprint: string;
  readonly userIDs: readonly string[];
}

async function keysOf(vault: OpenVault): Promise<readonly KeyReport[]> {
  const keys = await privateKeysOf(vault);
  return keys.map((key) => ({ fingerprint: key.getFingerprint().toUpperCase(), userIDs: key.getUserIDs() }));
}

/** What `--json` gives of a vault. Dates are ISO 8601; what there is not is null. No secret is in it. */
export async function vaultAsJSON(vault: OpenVault): Promise<object> {
  return {
    user: vault.user,
    created: vault.created.toISOString(),
    enrolled: vault.enrolled,
    generation: vault.generation,
    keys: await keysOf(vault),
    slots: vault.slots.map(slotAsJSON),
    defaultProfile: vault.defaultProfile ?? null,
    profiles: vault.profiles.map(profileAsJSON),
  };
}

/** All there is to say, a fact a line. */
export async function vaultAsText(vault: OpenVault): Promise<string> {
  const lock = vault.enrolled ? "the provider's own password" : 'a password of its own';
  return rows([
    ['User', vault.user],
    ['Made', day(vault.created)],
    ['Locked with', lock],
    ...(await keysOf(vault)).map(
      ({ fingerprint, userIDs }) => ['Key', `${fingerprint} ${printable(userIDs[0] ?? '')}`] as const,
    ),
    ...vault.slots.map((slot) => ['Opened by', slotAsText(slot)] as const),
    ...vault.profiles.flatMap((profile) => profileRows(profile, vault.defaultProfile)),
  ]);
}

export function slotAsJSON({ kind, name, created }: SlotInfo): object {
  return { kind, name, created: created.toISOString() };
}

export function slotAsText({ kind, name, created }: SlotInfo): string {
  const what = { password: `app password "${name}"`, recovery: 'recovery code', 'key-file': `key file "${name}"` }[
    kind
  ];
  return `${what}, since ${day(created)}`;
}

/** A profile with all but its secrets. */
export function profileAsJSON({ name, imap, smtp, auth, compress, policies }: Profile): object {
  return {
    name,
    imap: endpointAsJSON(imap),
    smtp: smtp === undefined ? null : endpointAsJSON(smtp),
    auth: auth.kind,
    user: auth.user,
    compress,
    policies,
  };
}

export function profileAsText(profile: Profile, defaultProfile: string | undefined): string {
  return rows(profileRows(profile, defaultProfile));
}

function profileRows(profile: Profile, defaultProfile: string | undefined): readonly (readonly [string, string])[] {
  const { name, imap, smtp, auth, compress, policies } = profile;
  const notes = [
    auth.kind === 'oauth' ? 'access token' : 'password',
    ...(compress ? ['compressed'] : []),
    ...(policies.compatible === undefined ? [] : [policies.compatible ? 'SEIPDv1 always' : 'SEIPDv2 always']),
    ...(policies.headers === undefined ? [] : [`headers ${policies.headers}`]),
  ];
  return [
    ['Profile', `${name}${name === defaultProfile ? ' (default)' : ''}`],
    ['  User', `${printable(auth.user)} (${notes.join(', ')})`],
    ['  IMAP', endpointAsText(imap)],
    ...(smtp === undefined ? [] : [['  SMTP', endpointAsText(smtp)] as const]),
    ...(policies.exempt ?? []).map((mailbox) => ['  Exempt', printable(mailbox)] as const),
  ];
}

function endpointAsJSON({ host, port, tls, ca, pin, clientCertificate }: ProviderEndpoint): object {
  return {
    host,
    port,
    tls,
    ca: ca ?? null,
    pin: pin ?? null,
    clientCertificate: clientCertificate?.certificate ?? null,
  };
}

function endpointAsText({ host, port, tls, ca, pin, clientCertificate }: ProviderEndpoint): string {
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const notes = [
    tls === 'none' ? 'no TLS' : `TLS ${tls}`,
    ...(ca === undefined ? [] : ['CA of its own']),
    ...(pin === undefined ? [] : [`key ${pin}`]),
    ...(clientCertificate === undefined ? [] : ['client certificate']),
  ];
  return `${where}, ${notes.join(', ')}`;
}

function rows(lines: readonly (readonly [string, string])[]): string {
  return lines.map(([name, value]) => `${`${name}:`.padEnd(14)}${value}\n`).join('');
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
