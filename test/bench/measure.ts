/** How things are measured, and how a result is put down. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

/** One line of the report. */
export interface Result {
  readonly what: string;
  readonly figure: string;
  /** What must be reached; undefined for a figure that is only told. */
  readonly target?: string;
  readonly met?: boolean;
}

/** A figure that must be at least `least`. */
export function atLeast(what: string, figure: number, least: number, unit: string): Result {
  return { what, figure: `${round(figure)}${unit}`, target: `≥ ${least}${unit}`, met: figure >= least };
}

/** A figure that must be at most `most`. */
export function atMost(what: string, figure: number, most: number, unit: string): Result {
  return { what, figure: `${round(figure)}${unit}`, target: `≤ ${most}${unit}`, met: figure <= most };
}

export function told(what: string, figure: number, unit: string): Result {
  return { what, figure: `${round(figure)}${unit}` };
}

function round(figure: number): string {
  return figure >= 100 ? figure.toFixed(0) : figure >= 10 ? figure.toFixed(1) : figure.toFixed(2);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

/** Milliseconds that `run` takes. */
export async function timed(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Medians in milliseconds. */
export interface Times {
  readonly wall: number;
  /** Processor time of all threads. A busy machine lengthens it less than the wall time. */
  readonly cpu: number;
}

/** What a program run by `runProgram` told and took. */
export interface ProgramRun {
  readonly stderr: string;
  /** Milliseconds of processor time. */
  readonly cpu: number;
}

/**
 * Several things, each done once a round, so that a busy machine slows all of them alike. The processor time of a thing that is a
 * program is the program's.
 */
export async function interleaved<Name extends string>(
  rounds: number,
  runs: Readonly<Record<Name, () => Promise<ProgramRun | undefined>>>,
): Promise<Record<Name, Times>> {
  const times = new Map<string, { wall: number[]; cpu: number[] }>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries<() => Promise<ProgramRun | undefined>>(runs)) {
      const lists = times.get(name) ?? { wall: [], cpu: [] };
      times.set(name, lists);
      const before = process.cpuUsage();
      const start = performance.now();
      const program = await run();
      lists.wall.push(performance.now() - start);
      const { user, system } = process.cpuUsage(before);
      lists.cpu.push(program?.cpu ?? (user + system) / 1000);
    }
  }
  const medians = [...times].map(([name, { wall, cpu }]) => [name, { wall: median(wall), cpu: median(cpu) }]);
  return Object.fromEntries(medians) as Record<Name, Times>;
}

/** How many times as fast as `theirs` ours is, which must be `least` by the clock; by processor time it is told. */
export function faster(what: string, theirs: Times, ours: Times, least: number): Result[] {
  return [
    atLeast(what, theirs.wall / ours.wall, least, '×'),
    told(`${what}, by processor time`, theirs.cpu / ours.cpu, '×'),
  ];
}

/** `times` less what the start of the program takes. */
export function less(times: Times, start: Times): Times {
  return { wall: times.wall - start.wall, cpu: times.cpu - start.cpu };
}

/** Prints the processor time that a program took, after what the program wrote to standard error. */
const TIMING = 'TIMEFORMAT="%U %S"; time "$@"';

/** Runs a program with files (or nothing) as standard input and output. Rejects unless it succeeds. */
export function runProgram(
  command: string,
  args: readonly string[],
  { input }: { readonly input?: string } = {},
): Promise<ProgramRun> {
  const stdin = input === undefined ? 'ignore' : openSync(input, 'r');
  return new Promise<ProgramRun>((resolve, reject) => {
    const child = spawn('bash', ['-c', TIMING, 'bash', command, ...args], { stdio: [stdin, 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => {
      const [, told = '', user, system] = /^(.*?)([\d.]+) ([\d.]+)\n$/s.exec(stderr) ?? [];
      if (code === 0) resolve({ stderr: told, cpu: (Number(user) + Number(system)) * 1000 });
      else reject(new Error(`${command} ${args.join(' ')} ended with ${String(code)}: ${stderr}`));
    });
  }).finally(() => {
    if (typeof stdin === 'number') closeSync(stdin);
  });
}

/** Path of a compiled script beside this one. */
export function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

export const MB = 1_000_000;
export const GB = 1000 * MB;
