/**
 * A process that runs other programs for the one that measures itself. To start a program is to fork, and after a fork the first
 * write to each page of memory costs a page fault: 100 MB opened after one took twice as long as without, which is nothing that
 * the code does when it opens mail.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { type ProgramRun, runProgram, script } from './measure.js';

export interface Launcher {
  run(command: string, args: readonly string[]): Promise<ProgramRun>;
  close(): void;
}

interface Order {
  readonly command: string;
  readonly args: readonly string[];
}

type Answer = { readonly run: ProgramRun } | { readonly failure: string };

export function startLauncher(): Launcher {
  const child = fork(script('launcher.js'), { execArgv: [] });
  return {
    run: (command, args) => ask(child, { command, args }),
    close: () => {
      child.disconnect();
    },
  };
}

/** One order at a time. */
function ask(child: ChildProcess, order: Order): Promise<ProgramRun> {
  return new Promise((resolve, reject) => {
    child.once('message', (answer: Answer) => {
      if ('run' in answer) resolve(answer.run);
      else reject(new Error(answer.failure));
    });
    child.send(order);
  });
}

if (process.argv[1] === script('launcher.js')) {
  process.on('message', ({ command, args }: Order) => {
    void runProgram(command, args).then(
      (run) => process.send?.({ run } satisfies Answer),
      (error: unknown) => process.send?.({ failure: String(error) } satisfies Answer),
    );
  });
}
