import { OpenPGPError, type OpenPGPErrorCode } from './error.js';
import type * as jobs from './jobs.js';

type Jobs = typeof jobs;
export type JobName = keyof Jobs;
export type Input<Name extends JobName> = Parameters<Jobs[Name]>[0];
type Result<Name extends JobName> = Awaited<ReturnType<Jobs[Name]>>;

/** What comes back from a thread. An error that crosses it loses its class and its code, so that ours go as data. */
export type Outcome<Name extends JobName> =
  | { readonly result: Result<Name> }
  | { readonly failure: { readonly code: OpenPGPErrorCode; readonly message: string } };

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
      filename: import.meta.resolve('#lib/openpgp/worker'),
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: 60_000,
    });
  };
  let pool: ReturnType<typeof start> | undefined;
  return {
    async run<Name extends JobName>(name: Name, input: Input<Name>): Promise<Result<Name>> {
      pool ??= start();
      const outcome = (await (await pool).run({ name, input }, { name: 'perform' })) as Outcome<Name>;
      if ('failure' in outcome) throw new OpenPGPError(outcome.failure.code, outcome.failure.message);
      return outcome.result;
    },
    async close() {
      await (await pool)?.destroy();
      pool = undefined;
    },
  };
}
