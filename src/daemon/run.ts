/** The daemon as a process: from a configuration that is in order until a signal ends it. */
import { writeFileSync } from 'node:fs';
import type { Log } from '#lib/log';
import type { Configuration } from '../config/load.js';
import { Exit } from '../exit.js';
import { createLog } from '../log.js';
import { watchForFaults } from './fault.js';
import { type Daemon, type DaemonOptions, startDaemon } from './server.js';

/** What clients are told. */
const REASON = 'The server is shutting down.';

/** Milliseconds after the end in which open handles (a provider that does not hang up) may still end by themselves. */
const LAST_MOMENT = 500;

/** Starts the listeners, and resolves when SIGTERM or SIGINT has ended everything. Rejects where it cannot start. */
export async function runDaemon(configuration: Configuration, serve: DaemonOptions['serve']): Promise<void> {
  const { listeners, certificate, limits } = configuration;
  const log = createLog(configuration.log);
  watchForFaults(log);
  forbidCoreDumps(log);
  const daemon = await startDaemon({ listeners, ...(certificate && { certificate }), limits, serve, log });
  for (const { protocol, address, port, tls } of daemon.listening)
    log.info('listening', { protocol, address, port, tls });
  await untilSignal(daemon, limits.stopTimeout, log);
  log.info('stopped');
  setTimeout(() => process.exit(Exit.ok), LAST_MOMENT).unref();
}

/** The first signal lets sessions finish, the second does not. */
async function untilSignal(daemon: Daemon, patience: number, log: Log): Promise<void> {
  const signals = ['SIGTERM', 'SIGINT'] as const;
  await new Promise<void>((resolve) => {
    let stopping = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      const sessions = daemon.sessions();
      if (stopping) {
        log.warn('ending at once', { signal, sessions });
        daemon.destroy();
        return;
      }
      stopping = true;
      log.info('stopping', { signal, sessions });
      void daemon.stop(REASON, patience).then(resolve);
    };
    for (const signal of signals) process.on(signal, onSignal);
  });
}

/**
 * A core dump would have keys and mail in it. Node cannot lower the limit on its size, but Linux lets a process say that no memory
 * of it goes into one (core(5)).
 */
function forbidCoreDumps(log: Log): void {
  if (process.platform !== 'linux') return;
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    log.debug('core dumps could not be switched off');
  }
}
