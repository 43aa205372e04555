/** The one place where an error before the session becomes a NO for the client. */
import { isSystemError } from '#lib/bytes/systemerror';
import { VaultError } from '#lib/vault/error';
import { ConnectionError } from '#lib/net/connection';
import { ProviderError, type ProviderErrorKind } from './provider/error.js';

/** Why a client is not let in. */
export interface Refusal {
  /** The name of a response code (RFC 5530). */
  readonly code: string;
  /** A sentence. */
  readonly text: string;
  /** For the log: a word that says what it was. */
  readonly reason: string;
}

/** The same for an unknown user as for a wrong password. */
export const DENIED: Refusal = {
  code: 'AUTHENTICATIONFAILED',
  text: 'The user name or the password is wrong.',
  reason: 'denied',
};

/** Codes that a provider may put before its refusal, and that mean the same to our client. */
const PASSED: ReadonlySet<string> = new Set([
  'ALERT',
  'AUTHENTICATIONFAILED',
  'AUTHORIZATIONFAILED',
  'CONTACTADMIN',
  'EXPIRED',
  'INUSE',
  'LIMIT',
  'UNAVAILABLE',
]);

/** The refusal for an error, or undefined where the fault is ours. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof VaultError) return refusalOfVault(error);
  if (error instanceof ProviderError) return refusalOfProvider(error);
  if (isSystemError(error)) {
    const reason = error.code ?? 'no code';
    return {
      code: 'UNAVAILABLE',
      text: `The vault cannot be read or written (${reason}). Tell the administrator.`,
      reason,
    };
  }
  return undefined;
}

function refusalOfVault({ code, message }: VaultError): Refusal {
  switch (code) {
    case 'denied':
    case 'invalid':
      return DENIED;
    case 'not-found':
      return { code: 'CANNOT', text: message, reason: code };
    case 'busy':
      return { code: 'UNAVAILABLE', text: message, reason: code };
    default:
      return { code: 'CONTACTADMIN', text: message, reason: code };
  }
}

function refusalOfProvider({ kind, message, said, cause }: ProviderError): Refusal {
  const own = said?.code !== undefined && PASSED.has(said.code) ? said.code : undefined;
  const reason = `provider ${cause instanceof ConnectionError ? cause.code : kind}`;
  return { code: own ?? PROVIDER_CODES[kind], text: message, reason };
}

const PROVIDER_CODES: Readonly<Record<ProviderErrorKind, string>> = {
  refused: 'AUTHENTICATIONFAILED',
  unreachable: 'UNAVAILABLE',
  unavailable: 'UNAVAILABLE',
  protocol: 'UNAVAILABLE',
  loop: 'CONTACTADMIN',
  insecure: 'CONTACTADMIN',
};
