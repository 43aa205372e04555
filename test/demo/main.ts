/** `npm run demo`: shows on one machine what Postern does, until Ctrl-C. */
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Demo, runDemo } from './demo.js';
import { DemoFailure } from './failure.js';
import { guardFolder } from './guard.js';
import { terminal } from './terminal.js';

const HELP = `Usage: npm run demo [-- --once]

Starts a mail provider (Dovecot) and Postern on 127.0.0.1, saves a message
through Postern, and shows what the provider holds of it and what the mail
program sees. It then waits, so that you can look with a mail program of your
own. Ctrl-C ends it and removes everything but packages.

  --once   do not wait
  --help   say this

Dovecot is installed with apt-get where it is missing and root runs the demo.
`;

const ONCE = '--once';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The user wants it to end. */
class Interrupted extends Error {}

const args = process.argv.slice(2);
const unknown = args.find((arg) => arg !== ONCE && arg !== '--help');
if (args.includes('--help')) process.stdout.write(HELP);
else if (unknown === undefined) process.exitCode = await main(args.includes(ONCE));
else {
  process.stderr.write(`The demo does not know ${unknown}. It knows --once and --help.\n`);
  process.exitCode = 64;
}

async function main(once: boolean): Promise<number> {
  const out = terminal(process.stdout, process.env);
  const ending = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // Who asks twice does not want to wait: servers and folder go down by themselves then.
      if (ending.signal.aborted) process.exit(1);
      ending.abort();
      out.write('\n');
    });
  }
  const folder = mkdtempSync(join(tmpdir(), 'postern-demo-'));
  guardFolder(folder);
  chmodSync(folder, 0o755);
  const servers: { readonly stop: () => Promise<void> }[] = [];
  const interrupted = (): void => {
    if (ending.signal.aborted) throw new Interrupted();
  };
  try {
    assertReachable(folder);
    const demo = await runDemo(out, folder, (server) => servers.push(server), interrupted);
    if (once) return 0;
    out.write('\n  Ctrl-C ends the demo and removes all of it.\n');
    await wait(demo, ending.signal);
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) return 0;
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(`\nThe demo failed. ${text}\n`);
    if (!(error instanceof DemoFailure)) process.stderr.write('This should not happen: please report it.\n');
    return 1;
  } finally {
    await Promise.allSettled(servers.map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The provider serves as another user where root starts it. */
function assertReachable(folder: string): void {
  if (process.getuid?.() !== 0) return;
  for (let path = folder; path !== dirname(path); path = dirname(path)) {
    if ((statSync(path).mode & 0o001) === 0)
      throw new DemoFailure(`The provider cannot read below ${path}. Try: TMPDIR=/tmp npm run demo`);
  }
}

/** Resolves when it is to end. Rejects where a server has ended by itself. */
async function wait({ servers }: Demo, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const gone = servers.find(({ pid }) => !isRunning(pid));
    if (gone !== undefined) throw new DemoFailure(`${gone.name} has ended by itself. Start the demo again.`);
    await sleep(1000, undefined, { signal }).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
