import { isSystemError } from '#lib/bytes/systemerror';
import { KeyringError, type KeyringErrorCode } from '#lib/keys/error';
import { MessageError } from '#lib/message/error';
import { type OpenPGPErrorCode, OpenPGPError } from '#lib/openpgp/error';
import { VaultError, type VaultErrorCode } from '#lib/vault/error';
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

const VAULT_EXIT: Readonly<Record<VaultErrorCode, ExitCode>> = {
  denied: Exit.noPermission,
  exists: Exit.cannotCreate,
  'not-found': Exit.noUser,
  damaged: Exit.config,
  version: Exit.config,
  busy: Exit.tempFail,
  state: Exit.config,
  limit: Exit.dataError,
  invalid: Exit.dataError,
};

/** What the system's errors end in, and what to do about them. */
const SYSTEM: Readonly<Record<string, readonly [exitCode: ExitCode, remedy: string]>> = {
  ENOENT: [Exit.noInput, 'Check the name.'],
  ENOTDIR: [Exit.noInput, 'Check the name.'],
  EISDIR: [Exit.noInput, 'Name a file, not a folder.'],
  EEXIST: [Exit.cannotCreate, 'Move what is there away.'],
  EACCES: [Exit.noPermission, 'Check its permissions, and those of the folders above it.'],
  EPERM: [Exit.noPermission, 'Check its permissions, and those of the folders above it.'],
  EROFS: [Exit.noPermission, 'Name a folder that can be written.'],
  ENOSPC: [Exit.tempFail, 'Make room and try again.'],
  EDQUOT: [Exit.tempFail, 'Make room and try again.'],
  EFBIG: [Exit.tempFail, 'Raise the limit on the size of files.'],
  EMFILE: [Exit.tempFail, 'Raise the limit on open files, or try again later.'],
  ENFILE: [Exit.tempFail, 'Try again later.'],
  ENOMEM: [Exit.tempFail, 'Try again later.'],
  EPIPE: [Exit.ioError, 'Whoever reads the output went away before its end.'],
};

/** What keeps a listener from its port. */
const LISTENING: Readonly<Record<string, readonly [exitCode: ExitCode, cause: string, remedy: string]>> = {
  EADDRINUSE: [Exit.unavailable, 'another program does already', 'Stop that, or configure another port.'],
  EADDRNOTAVAIL: [Exit.config, 'this machine has no such address', 'Configure one that "ip address" shows.'],
  EAFNOSUPPORT: [Exit.config, 'this machine has no IPv6', 'Configure an address of IPv4.'],
  EACCES: [
    Exit.noPermission,
    'ports below 1024 need a permission',
    'Give the service the capability CAP_NET_BIND_SERVICE (in systemd: AmbientCapabilities=), or configure a port from 1024.',
  ],
};

/**
 * The one place where an error becomes a sentence and an exit code. `named`: the caller says what it is about, so that a system error
 * need not tell its path, which may hold good in this process only.
 */
export function explain(error: unknown, named = false): { readonly message: string; readonly exitCode: ExitCode } {
  if (error instanceof Failure) return { message: error.message, exitCode: error.exitCode };
  if (error instanceof OpenPGPError)
    return { message: error.message, exitCode: OPENPGP_EXIT[error.code] ?? Exit.dataError };
  if (error instanceof KeyringError) return { message: error.message, exitCode: KEYRING_EXIT[error.code] };
  if (error instanceof VaultError) return { message: error.message, exitCode: VAULT_EXIT[error.code] };
  if (error instanceof MessageError) return { message: error.message, exitCode: Exit.dataError };
  // The spool's folder: nothing is wrong with the message, and there may be room later.
  if (isSystemError(error) && error.syscall === 'mkdtemp') {
    const message = `There is no place to put the message aside (${error.message}). Set TMPDIR to a folder that can be written.`;
    return { message, exitCode: Exit.tempFail };
  }
  if (isSystemError(error) && error.syscall === 'listen') return explainListening(error);
  if (isSystemError(error)) return explainSystemError(error, named);
  // A fault of ours. The queue keeps the message: a fixed Postern will take it.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: `internal error, please report it: ${text}`, exitCode: Exit.software };
}

/** Why a daemon cannot listen. Node's error has the address and the port. */
function explainListening(error: NodeJS.ErrnoException): { readonly message: string; readonly exitCode: ExitCode } {
  const { address, port } = { address: 'an address', port: 0, ...error };
  const [exitCode, cause, remedy] = LISTENING[error.code ?? ''] ?? [
    Exit.unavailable,
    `the system does not allow it (${error.code ?? error.message})`,
    'Look for the cause in the system, then try again.',
  ];
  return { message: `Postern cannot listen at ${address} port ${port}: ${cause}. ${remedy}`, exitCode };
}

/** Node writes "ENOENT: no such file or directory, open 'name'"; we write whose fault it is, what it is, and what to do. */
function explainSystemError(
  error: NodeJS.ErrnoException,
  named: boolean,
): { readonly message: string; readonly exitCode: ExitCode } {
  const [exitCode, remedy] = SYSTEM[error.code ?? ''] ?? [
    Exit.ioError,
    'Look for the cause in the system, then try again.',
  ];
  const what = /^[A-Z0-9]+: ([^,]*)/.exec(error.message)?.[1] ?? error.message;
  const where = named ? '' : `${error.path ?? error.syscall ?? 'input or output'}: `;
  return { message: `${where}${what} (${error.code ?? 'no code'}). ${remedy}`, exitCode };
}
