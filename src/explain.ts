import { KeyringError, type KeyringErrorCode } from '#lib/keys/error';
import { MessageError } from '#lib/message/error';
import { type OpenPGPErrorCode, OpenPGPError } from '#lib/openpgp/error';
import { Exit, type ExitCode, Failure } from './exit.js';

const OPENPGP_EXIT: Readonly<Partial<Record<OpenPGPErrorCode, ExitCode>>> = {
  'no-key': Exit.noPermission,
  passphrase: Exit.noPermission,
  'unusable-key': Exit.noUser,
  'size-mismatch': Exit.ioError,
};

const KEYRING_EXIT: Readonly<Record<KeyringErrorCode, ExitCode>> = {
  'not-found': Exit.noUser,
  unusable: Exit.noUser,
  ambiguous: Exit.noUser,
  name: Exit.noUser,
  data: Exit.dataError,
  refused: Exit.noPermission,
  busy: Exit.tempFail,
  state: Exit.config,
};

const SYSTEM_EXIT: Readonly<Record<string, ExitCode>> = {
  ENOENT: Exit.noInput,
  ENOTDIR: Exit.noInput,
  EISDIR: Exit.noInput,
  EACCES: Exit.noPermission,
  EPERM: Exit.noPermission,
  ENOSPC: Exit.tempFail,
  EDQUOT: Exit.tempFail,
  EFBIG: Exit.tempFail,
  EMFILE: Exit.tempFail,
  ENFILE: Exit.tempFail,
  ENOMEM: Exit.tempFail,
  EPIPE: Exit.ioError,
  EIO: Exit.ioError,
};

/** The one place where an error becomes a sentence and an exit code. */
export function explain(error: unknown): { readonly message: string; readonly exitCode: ExitCode } {
  if (error instanceof Failure) return { message: error.message, exitCode: error.exitCode };
  if (error instanceof OpenPGPError)
    return { message: error.message, exitCode: OPENPGP_EXIT[error.code] ?? Exit.dataError };
  if (error instanceof KeyringError) return { message: error.message, exitCode: KEYRING_EXIT[error.code] };
  if (error instanceof MessageError) return { message: error.message, exitCode: Exit.dataError };
  // The spool's folder: nothing is wrong with the message, and there may be room later.
  if (isSystemError(error) && error.syscall === 'mkdtemp') {
    const message = `There is no place to put the message aside (${error.message}). Set TMPDIR to a folder that can be written.`;
    return { message, exitCode: Exit.tempFail };
  }
  if (isSystemError(error)) return { message: error.message, exitCode: SYSTEM_EXIT[error.code] ?? Exit.ioError };
  // A fault of ours. The queue keeps the message: a fixed Postern will take it.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: `internal error, please report it: ${text}`, exitCode: Exit.software };
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}
