/** Server processes: started by a test, stopped by their process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Daemon {
  readonly pid: number;
  /** What it wrote to standard output and error. */
  readonly output: () => string;
  /** Ends it with SIGTERM, and with SIGKILL if that takes longer than ten seconds. */
  readonly stop: () => Promise<void>;
}

export interface DaemonOptions {
  /** A port that it listens on when it is ready. */
  readonly port: number;
  readonly env?: NodeJS.ProcessEnv;
}

const READY_LIMIT = 15_000;
const STOP_LIMIT = 10_000;

/** Starts a program that stays in the foreground, and resolves when it listens. */
export async function startDaemon(command: string, args: readonly string[], options: DaemonOptions): Promise<Daemon> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    // Cyrus ends its whole process group, in which another test's Cyrus would be.
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  // A test that ends without its `after` leaves no server behind.
  const abandon = (): void => {
    child.kill('SIGTERM');
  };
  process.once('exit', abandon);
  watch(child);
  const stop = async (): Promise<void> => {
    process.off('exit', abandon);
    if (ended(child)) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT);
    await exit;
    clearTimeout(late);
  };
  const failed = once(child, 'error').then(([error]) => {
    throw error as Error;
  });
  try {
    await Promise.race([failed, ready(child, options.port)]);
  } catch (error) {
    await stop();
    throw new Error(`${command} did not start: ${output}`, { cause: error });
  }
  failed.catch(() => undefined);
  return { pid: child.pid ?? 0, output: () => output, stop };
}

/** Ends a server whose owner is killed: the watcher reads until its pipe is closed. */
function watch(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const watcher = spawn('sh', ['-c', 'read -r _; kill "$1"', 'sh', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.on('error', () => undefined);
  watcher.unref();
  if (watcher.stdin instanceof Socket) watcher.stdin.unref();
  child.once('exit', () => watcher.kill('SIGKILL'));
}

function ended(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function ready(child: ChildProcess, port: number): Promise<void> {
  const end = Date.now() + READY_LIMIT;
  while (Date.now() < end) {
    if (ended(child)) throw new Error(`it exited with ${String(child.exitCode)}`);
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await sleep(50);
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`nothing listens on port ${port} after ${READY_LIMIT / 1000} seconds`);
}
