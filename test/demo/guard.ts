/** What removes the demo's folder even where the demo is killed and cannot do it. */
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

/** Reads until the pipe is closed, by whatever ends this process. Servers that are still going down may write for a moment. */
const SCRIPT = `read -r _
for again in 1 2 3 4 5 6 7 8 9 10; do
  [ -e "$1" ] || exit 0
  rm -rf "$1"
  sleep 1
done`;

/** Starts it, in a session of its own, so that the terminal's Ctrl-C does not reach it. */
export function guardFolder(folder: string): void {
  const guard = spawn('sh', ['-c', SCRIPT, 'sh', folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard.on('error', () => undefined);
  guard.unref();
  if (guard.stdin instanceof Socket) guard.stdin.unref();
}
