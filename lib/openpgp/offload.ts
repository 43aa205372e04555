import { OpenPGPError, type OpenPGPErrorCode } from './error.js';
import type * as jobs from './jobs.js';

type Jobs = typeof jobs;
type JobName = keyof Jobs;
type Input<Name extends JobName> = Parameters<Jobs[Name]>[0];
type Result<Name extends JobName> = Awaited<ReturnType<Jobs[Name]>>;

/** Where blocking work runs. */
export interface Offload {
  run<Name extends JobName>(name: Name, input: Input<Name>): Promise<Result<Name>>;
  /** Ends the threads, if there are any. */
  close(): Promise<void>;
}

/** Runs every job in place: for commands that do one thing and have nobody to delay. */
export const inline: Offload = {
  async run<Name extends JobName>(name: Name, input: Input<Name>): Promise<Result<Name>> {
    const job = (await import('./jobs.js'))[name] as (input: unknown) => unknown;
    return (await job(input)) as Result<Name>;
  },
  close: () => Promise.resolve(),
};

/** Runs jobs in worker threads, which are started when the first job comes: for processes that serve several people. */
export function workerPool(threads: number): Offload {
  const start = async () => {
    const { Tinypool } = await import('tinypool');
    return new Tinypool({
      filename: import.meta.resolve('#lib/openpgp/jobs'),
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: 60_000,
    });
  };
  let pool: ReturnType<typeof start> | undefined;
  return {
    async run<Name extends JobName>(name: Name, input: Input<Name>): Promise<Result<Name>> {
      pool ??= start();
      try {
        return (await (await pool).run(input, { name })) as Result<Name>;
      } catch (error) {
        throw revive(error);
      }
    },
    async close() {
      await (await pool)?.destroy();
      pool = undefined;
    },
  };
}

/** An error that crossed a thread has lost its class. */
function revive(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'OpenPGPError' || !('code' in error)) return error;
  return new OpenPGPError(error.code as OpenPGPErrorCode, error.message, { cause: error });
}
