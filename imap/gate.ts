/** What stands between a client's login and its session at the provider: the vault, the profile, and the provider's own login. */
import { isSystemError } from '#lib/bytes/systemerror';
import { KeyringError } from '#lib/keys/error';
import { Secret } from '#lib/keys/secret';
import type { Log } from '#lib/log';
import { VaultError } from '#lib/vault/error';
import type { OpenVault } from '#lib/vault/openvault';
import { publishCertificates } from '#lib/vault/privatekey';
import { type Profile, type ProviderEndpoint, profileFor } from '#lib/vault/profile';
import { parseUserName } from '#lib/vault/username';
import { createVault, openVault } from '#lib/vault/vault';
import { type ProviderSession, connectProvider } from './provider/connect.js';
import { ProviderError } from './provider/error.js';
import type { ProviderCredentials } from './provider/login.js';
import { DENIED, type Refusal, refusalOf } from './refusal.js';
import type { Credentials } from './sasl.js';

/** Where vaults are, and who may have one made. */
export interface GateOptions {
  /** The state folder. */
  readonly home: string;
  /**
   * Enrolment: who has no vault, and is let in by this provider with the address and password given, gets one that is locked with that
   * password. Undefined: vaults are made by `postern user add` alone.
   */
  readonly enrolment?: { readonly imap: ProviderEndpoint };
}

/** A user who is logged in here and at the provider. */
export interface Admission {
  readonly vault: OpenVault;
  readonly profile: Profile;
  readonly provider: ProviderSession;
}

/** The name of the profile that enrolment makes. */
const ENROLLED_PROFILE = 'default';
/** Stands for what cannot be a user name, so that it costs and answers like an unknown one. */
const NOBODY = { user: 'nobody@invalid.invalid', profile: undefined };

const PASSWORD_CHANGED: Refusal = {
  code: 'AUTHENTICATIONFAILED',
  text:
    'Your mail provider accepts this password, but what Postern keeps for you is still locked with the one before. ' +
    'Run "postern user rekey --provider" with the old password or the recovery code, or ask your administrator to.',
  reason: 'password changed at the provider',
};

/**
 * Decides about a login: opens the vault, and logs in at the provider of its profile. The wrong password of a vault never reaches a
 * provider, but for those vaults that are locked with the provider's own. Rejects for faults of ours only.
 */
export async function admit(
  { user: name, secret }: Credentials,
  options: GateOptions,
  log: Log,
  signal: AbortSignal,
): Promise<Admission | Refusal> {
  let vault: OpenVault | undefined;
  try {
    const { user, profile: profileName } = parseUserName(name) ?? NOBODY;
    const opened = await unlock(user, secret, options, log, signal);
    if ('code' in opened) return opened;
    vault = opened;
    const profile = profileFor(vault, profileName);
    const { imap, compress } = profile;
    const provider = await connectProvider(imap, credentialsOf(profile), { signal, compress });
    return { vault, profile, provider };
  } catch (error) {
    vault?.close();
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return refusal;
  }
}

/** The user's vault, made now where that is allowed. */
async function unlock(
  user: string,
  password: Secret,
  { home, enrolment }: GateOptions,
  log: Log,
  signal: AbortSignal,
): Promise<OpenVault | Refusal> {
  try {
    return await openVault(home, user, { kind: 'password', password });
  } catch (error) {
    if (!(error instanceof VaultError) || error.code !== 'denied') throw error;
    if (enrolment === undefined || error.denied === 'own') return DENIED;
    if (!(await isAccepted(user, password, enrolment.imap, signal))) return DENIED;
    if (error.denied === 'enrolled') return PASSWORD_CHANGED;
  }
  return enrol(user, password, home, enrolment.imap, log);
}

/** Whether the provider itself lets the user in. Rejects with ProviderError where it cannot be asked. */
async function isAccepted(
  user: string,
  password: Secret,
  endpoint: ProviderEndpoint,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const session = await connectProvider(endpoint, { kind: 'password', user, secret: password }, { signal });
    session.connection.destroy();
    return true;
  } catch (error) {
    if (error instanceof ProviderError && error.kind === 'refused') return false;
    throw error;
  }
}

async function enrol(
  user: string,
  password: Secret,
  home: string,
  imap: ProviderEndpoint,
  log: Log,
): Promise<OpenVault> {
  const profile: Profile = {
    name: ENROLLED_PROFILE,
    imap,
    // Of its own: the vault overwrites its secrets when it is closed.
    auth: { kind: 'password', user, password: new Secret(password.reveal()) },
    compress: false,
    policies: {},
  };
  try {
    const { vault, recoveryCode } = await createVault(home, { user, password, profile });
    // Nobody is there to read it; "postern user recovery" makes one that is shown.
    recoveryCode.erase();
    log.info('user enrolled');
    await publish(home, vault, log);
    return vault;
  } catch (error) {
    // Another session of the same user was faster.
    if (error instanceof VaultError && error.code === 'exists') {
      return openVault(home, user, { kind: 'password', password });
    }
    throw error;
  }
}

/** What is encrypted to the user needs the certificate; to read, and to have a vault, it is not needed. */
async function publish(home: string, vault: OpenVault, log: Log): Promise<void> {
  try {
    await publishCertificates(home, vault);
  } catch (error) {
    if (error instanceof KeyringError || isSystemError(error)) {
      log.error('certificate of a new user not published', { code: error.code ?? 'no code' });
      return;
    }
    vault.close();
    throw error;
  }
}

function credentialsOf({ auth }: Profile): ProviderCredentials {
  switch (auth.kind) {
    case 'password':
      return { kind: 'password', user: auth.user, secret: auth.password };
    case 'oauth':
      return { kind: 'token', user: auth.user, secret: auth.accessToken };
  }
}
