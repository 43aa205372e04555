import { OpenPGPError } from './error.js';
import { type Input, type JobName, type Outcome, inline } from './offload.js';

/** What a worker thread of `workerPool` does: one job, and an error of ours told as data. */
export async function perform<Name extends JobName>(task: {
  readonly name: Name;
  readonly input: Input<Name>;
}): Promise<Outcome<Name>> {
  try {
    return { result: await inline.run(task.name, task.input) };
  } catch (error) {
    if (!(error instanceof OpenPGPError)) throw error;
    return { failure: { code: error.code, message: error.message } };
  }
}
