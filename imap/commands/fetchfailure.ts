import { isSystemError } from '#lib/bytes/systemerror';
import { OpenPGPError } from '#lib/openpgp/error';
import { ContentError } from '../messages/stored.js';
import { ProviderViolation } from '../pipe/violation.js';
import type { ViewError } from '../view/error.js';
import { printable } from '../wire/text.js';

/** The completion of a FETCH whose content could not be had. Throws what is none of the provider's or the disk's doing. */
export function contentFailure(error: unknown): string {
  return `NO ${reasonOf(error)}`;
}

/** The end of a session in the middle of a literal, where nothing can be said to the client. */
export function interrupted(error: unknown): Error {
  return new ProviderViolation(`In the middle of a message: ${reasonOf(error)}`);
}

export function viewFailure({ code, message }: ViewError): string {
  return `NO [${code}] ${printable(message)}`;
}

function reasonOf(error: unknown): string {
  if (error instanceof ContentError) return printable(error.message);
  if (error instanceof OpenPGPError) {
    return 'The encrypted message is damaged, or the mail provider gave other octets than before. Try again.';
  }
  if (isSystemError(error, 'ENOSPC') || isSystemError(error, 'EDQUOT')) {
    return 'Postern has no room on its disk to open a message of this size. Free some and try again.';
  }
  if (isSystemError(error)) {
    return `Postern cannot use its disk to open a message of this size (${error.code ?? 'unknown'}). Try again later.`;
  }
  throw error;
}
