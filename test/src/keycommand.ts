import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from '#lib/keys/generate';
import { Keyring } from '#lib/keys/keyring';
import { Secret } from '#lib/keys/secret';

const MAIN = join(process.cwd(), 'dist', 'src', 'main.js');
const PASSPHRASE = 'correct horse';

/** What `--json` gives, as far as the tests look at it. */
export interface Shown {
  readonly fingerprint: string;
  readonly keyID: string;
  readonly version: number;
  readonly algorithm: string;
  readonly created: string;
  readonly expires: string | null;
  readonly revoked: boolean;
  readonly userIDs: readonly { readonly text: string; readonly address: string | null; readonly status: string }[];
  readonly subkeys: readonly {
    readonly fingerprint: string;
    readonly algorithm: string;
    readonly capabilities: readonly string[];
  }[];
  readonly seipdv2: boolean;
  readonly problem: string | null;
  readonly trust: string;
  readonly source: string;
  readonly file: string;
  readonly revocation?: string;
  readonly privateKey: { readonly state: string; readonly parts: readonly string[]; readonly file: string } | null;
}
/** A state folder of its own, and `postern key` run on it as a process. */
export class KeyCommand {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-test-'));
  readonly home = join(this.folder, 'home');
  readonly passphraseFile = join(this.folder, 'passphrase');

  constructor() {
    writeFileSync(this.passphraseFile, `${PASSPHRASE}\n`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  forget(): void {
    rmSync(this.home, { recursive: true });
  }

  run(args: readonly string[], input: string | Buffer = ''): SpawnSyncReturns<Buffer> {
    return spawnSync(process.execPath, [MAIN, '--home', this.home, 'key', ...args], { input, timeout: 30_000 });
  }

  /** Standard output of a command that must succeed. */
  ok(args: readonly string[], input: string | Buffer = ''): string {
    const { stdout, stderr, status } = this.run(args, input);
    assert.equal(status, 0, stderr.toString());
    return stdout.toString();
  }

  /** A command must fail like this. */
  fails(args: readonly string[], status: number, message: RegExp, input: string | Buffer = ''): void {
    const result = this.run(args, input);
    assert.match(result.stderr.toString(), message);
    assert.equal(result.status, status, result.stderr.toString());
    assert.doesNotMatch(result.stderr.toString(), /internal error|correct horse/);
  }

  generate(...args: readonly string[]): Shown {
    return JSON.parse(this.ok(['generate', ...args, '--passphrase-file', this.passphraseFile, '--json'])) as Shown;
  }

  show(name: string): Shown {
    const [shown] = JSON.parse(this.ok(['show', name, '--json'])) as readonly Shown[];
    assert.ok(shown);
    return shown;
  }

  /** What `generate` leaves behind, without the cost of a process. Returns the fingerprint. */
  async make(userID: string, version: 4 | 6 = 4): Promise<string> {
    const made = await generate({ userIDs: [userID], version, passphrase: new Secret(PASSPHRASE) });
    await new Keyring(this.home).write(async (writer) => {
      await writer.addPrivateKey(made.key, { trust: 'pinned', source: 'generate', since: new Date() });
      await writer.keepRevocation(made.key, made.revocation);
    });
    return made.key.getFingerprint().toUpperCase();
  }
}
