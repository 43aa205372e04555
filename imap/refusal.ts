/** The one place where an error before the session becomes a NO for the client. */
import { isSystemError } from '#lib/bytes/systemerror';
import { VaultError } from '#lib/vault/error';
import { ProviderError } from './provider/error.js';

/** Why a client is not let in. */
export interface Refusal {
  /** The name of a response code (RFC 5530). */
  readonly code: string;
  /** A sentence. */
  readonly text: string;
}

/** The same for an unknown user as for a wrong password. */
export const DENIED: Refusal = { code: 'AUTHENTICATIONFAILED', text: 'The user name or the password is wrong.' };

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
    return {
      code: 'UNAVAILABLE',
      text: `The vault cannot be read or written (${error.code ?? 'no code'}). Tell the administrator.`,
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
      return { code: 'CANNOT', text: message };
    case 'busy':
      return { code: 'UNAVAILABLE', text: message };
    default:
      return { code: 'CONTACTADMIN', text: message };
  }
}

function refusalOfProvider({ kind, message, said }: ProviderError): Refusal {
  const own = said?.code !== undefined && PASSED.has(said.code) ? said.code : undefined;
  switch (kind) {
    case 'refused':
      return { code: own ?? 'AUTHENTICATIONFAILED', text: message };
    case 'unreachable':
    case 'unavailable':
    case 'protocol':
      return { code: own ?? 'UNAVAILABLE', text: message };
    case 'loop':
    case 'insecure':
      return { code: 'CONTACTADMIN', text: message };
  }
}
