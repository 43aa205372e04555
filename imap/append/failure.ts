import { isSystemError } from '#lib/bytes/systemerror';
import { ConnectionError } from '#lib/net/connection';
import { OpenPGPError } from '#lib/openpgp/error';
import { ClientViolation, Unfinished } from '../pipe/commands.js';
import { FramingError } from '../wire/framer.js';
import { printable } from '../wire/text.js';

/** What a client is told when a message could not be encrypted. */
export interface Failure {
  /** RFC 5530 §3, RFC 7889 §5.1. */
  readonly code: 'TOOBIG' | 'CANNOT' | 'UNAVAILABLE' | 'SERVERBUG';
  /** A sentence. */
  readonly text: string;
}

/** Why a message could not be encrypted. Throws what ends the session, and has nothing to do with the message. */
export function failureOf(error: unknown): Failure {
  if (
    error instanceof ConnectionError ||
    error instanceof ClientViolation ||
    error instanceof FramingError ||
    error instanceof Unfinished
  ) {
    throw error;
  }
  if (error instanceof OpenPGPError) {
    const reason = printable(error.message);
    if (error.code === 'limit') return { code: 'TOOBIG', text: `The message is too large to be encrypted. ${reason}` };
    return { code: 'CANNOT', text: `The message was not stored, because it cannot be encrypted to you. ${reason}` };
  }
  if (isSystemError(error)) {
    const reason = error.code ?? 'unknown';
    return {
      code: 'UNAVAILABLE',
      text: `The message was not stored: no room to encrypt it (${reason}). Try again later.`,
    };
  }
  return {
    code: 'SERVERBUG',
    text: 'The message was not stored, because encrypting it failed. See the log of Postern.',
  };
}
