/** True for an error of the operating system with this code (`ENOENT`, say), or with any where none is given. */
export function isSystemError(error: unknown, code?: string): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'errno' in error && (code === undefined || error.code === code);
}
