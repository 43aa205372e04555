/**
 * The other OpenPGP programs that tests and the bench talk to, all as processes: GnuPG, RNP, and the SOP programs of Sequoia
 * and GopenPGP.
 */
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How long a peer may take before it counts as hung. */
const TIMEOUT = 60_000;

export interface PeerResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program to its end. Rejects only when it cannot be started. */
export function runPeer(
  command: string,
  args: readonly string[],
  input: Buffer = Buffer.alloc(0),
  options: SpawnOptions = {},
): Promise<PeerResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: 'pipe', timeout: TIMEOUT });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') });
    });
    // A peer that ends before it has read everything is judged by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Runs a program that must succeed and resolves to its standard output. */
export async function expectPeer(
  command: string,
  args: readonly string[],
  input?: Buffer,
  options?: SpawnOptions,
): Promise<Buffer> {
  const { code, stdout, stderr } = await runPeer(command, args, input, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}: ${stderr}`);
  return stdout;
}

/** The first line of what a program says of its version. */
export function peerVersion(command: string): string {
  const args = command === 'gpg' || command === 'rnp' ? ['--version'] : ['version'];
  return spawnSync(command, args, { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
}

/** A folder of our own below the system's temporary folder; its path is short enough for gpg-agent's socket. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'postern-'));
}

/** GnuPG with a home of its own, and an agent that ends with `close`. */
export class GnuPG {
  readonly home = temporaryFolder();

  constructor() {
    writeFileSync(join(this.home, 'gpg.conf'), 'batch\nno-tty\nyes\ntrust-model always\nno-auto-key-locate\n');
  }

  /** Runs gpg; rejects unless it succeeds. */
  run(args: readonly string[], input?: Buffer): Promise<Buffer> {
    return expectPeer('gpg', ['--homedir', this.home, ...args], input);
  }

  /** Runs gpg and resolves to its output and its status lines, whatever its exit code. */
  async tryRun(args: readonly string[], input?: Buffer): Promise<PeerResult> {
    return runPeer('gpg', ['--homedir', this.home, '--status-fd', '2', ...args], input);
  }

  async import(key: Buffer | string): Promise<void> {
    await this.run(['--quiet', '--import'], Buffer.from(key));
  }

  /** Ends the agent and removes the home. */
  close(): void {
    spawnSync('gpgconf', ['--homedir', this.home, '--kill', 'all']);
    rmSync(this.home, { recursive: true, force: true });
  }
}
