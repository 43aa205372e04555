import type { Log, LogFields } from '#lib/log';
import { Exit } from '../exit.js';

/** Places of the code in a line of the log. */
const FRAMES = 6;

/**
 * What the log may say of an error that nobody expected: its class, its code and the places in the code. Not its message: the runtime
 * and libraries quote in theirs what they were working on.
 */
export function faultFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  const at = frames.slice(0, FRAMES).map((line) => line.slice('    at '.length));
  return { error: error.constructor.name, ...code, at: at.join(' < ') };
}

/**
 * What happens to errors that nobody catches. A promise that was rejected and forgotten is a result that is missing somewhere, and the
 * sessions go on. An exception that came up to the event loop has cut off work at an unknown place: what is in memory cannot be
 * relied on, keys among it, so the process ends, and whoever started it starts it again.
 */
export function watchForFaults(log: Log): void {
  process.on('unhandledRejection', (error) => {
    log.error('internal error, please report it', faultFields(error));
  });
  process.on('uncaughtException', (error) => {
    log.error('internal error, please report it; ending', faultFields(error));
    process.exit(Exit.software);
  });
}
