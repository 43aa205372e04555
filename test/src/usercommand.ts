import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '#lib/keys/secret';
import type { OpenVault } from '#lib/vault/openvault';
import { type NewVault, createVault, openVault } from '#lib/vault/vault';

const MAIN = join(process.cwd(), 'dist', 'src', 'main.js');

export const USER = 'alice@example.com';
export const PASSWORD = 'correct horse';

/** What `--json` gives of a vault, as far as the tests look at it. */
export interface ShownVault {
  readonly user: string;
  readonly enrolled: boolean;
  readonly keys: readonly { readonly fingerprint: string; readonly userIDs: readonly string[] }[];
  readonly slots: readonly { readonly kind: string; readonly name: string }[];
  readonly defaultProfile: string | null;
  readonly profiles: readonly ShownProfile[];
  readonly recoveryCode?: string;
}

export interface ShownProfile {
  readonly name: string;
  readonly imap: ShownEndpoint;
  readonly smtp: ShownEndpoint | null;
  readonly auth: string;
  readonly user: string;
  readonly compress: boolean;
  readonly policies: { readonly compatible?: boolean; readonly headers?: string; readonly exempt?: readonly string[] };
  readonly default?: boolean;
}

export interface ShownEndpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: string;
  readonly ca: string | null;
  readonly pin: string | null;
  readonly clientCertificate: string | null;
}

/** A state folder of its own, and `postern user` run on it as a process without a terminal. */
export class UserCommand {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
  readonly home = join(this.folder, 'home');
  readonly password = this.file('password', `${PASSWORD}\n`);
  /** The option that opens the vault that `make` makes. */
  readonly unlock = ['--password-file', this.password] as const;
  /** Nothing of these may ever be printed. */
  readonly #secrets = [PASSWORD];

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** A file in the folder, with a secret that must not be printed. */
  secret(name: string, secret: string): string {
    this.#secrets.push(secret);
    return this.file(name, `${secret}\n`);
  }

  file(name: string, content: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  run(args: readonly string[], input = ''): SpawnSyncReturns<string> {
    const command = [process.execPath, MAIN, '--home', this.home, 'user', ...args];
    const result = spawnSync('setsid', ['-w', ...command], { input, encoding: 'utf8', timeout: 30_000 });
    for (const secret of this.#secrets)
      assert.ok(!(result.stdout + result.stderr).includes(secret), 'a secret is shown');
    return result;
  }

  /** Standard output of a command that must succeed. */
  ok(args: readonly string[], input = ''): string {
    const { stdout, stderr, status } = this.run(args, input);
    assert.equal(status, 0, stderr);
    return stdout;
  }

  json(args: readonly string[], input = ''): unknown {
    return JSON.parse(this.ok([...args, '--json'], input));
  }

  show(...unlock: readonly string[]): ShownVault {
    return this.json(['show', USER, ...(unlock.length > 0 ? unlock : this.unlock)]) as ShownVault;
  }

  /** A command must fail like this. */
  fails(args: readonly string[], status: number, message: RegExp, input = ''): void {
    const result = this.run(args, input);
    assert.match(result.stderr, message);
    assert.equal(result.status, status, result.stderr);
    assert.doesNotMatch(result.stderr, /internal error/);
  }

  /** What `add` leaves behind, without a key and without the cost of a process. */
  async make(more: Partial<NewVault> = {}): Promise<Secret> {
    const made = await createVault(this.home, { user: USER, password: new Secret(PASSWORD), keys: [], ...more });
    made.vault.close();
    return made.recoveryCode;
  }

  async open(password = PASSWORD): Promise<OpenVault> {
    return openVault(this.home, USER, { kind: 'password', password: new Secret(password) });
  }
}
