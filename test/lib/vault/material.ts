/** What the tests of vaults share: a state folder, profiles, and passwords. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '#lib/keys/secret';
import type { VaultErrorCode } from '#lib/vault/error';
import { VaultError } from '#lib/vault/error';
import type { OpenVault } from '#lib/vault/openvault';
import type { Profile } from '#lib/vault/profile';
import { type NewVault, createVault, openVault } from '#lib/vault/vault';

export const USER = 'alice@example.com';
export const PASSWORD = new Secret('correct horse');
export const PROVIDER_PASSWORD = new Secret('battery staple');

export const PROFILE: Profile = {
  name: 'home',
  imap: { host: 'imap.provider.example', port: 993, tls: 'implicit' },
  smtp: { host: 'smtp.provider.example', port: 587, tls: 'starttls' },
  auth: { kind: 'password', user: 'alice.provider', password: PROVIDER_PASSWORD },
  compress: false,
  policies: {},
};

/** A state folder of its own, which is removed when the test is over. */
export class Home {
  readonly path = join(mkdtempSync(join(tmpdir(), 'postern-test-')), 'home');
  readonly file = join(this.path, 'vaults', `${USER}.vault`);

  /** Makes a vault without keys, unless they are asked for: making one takes a while. */
  async create(more: Partial<NewVault> = {}): Promise<{ readonly vault: OpenVault; readonly recoveryCode: Secret }> {
    return createVault(this.path, { user: USER, password: PASSWORD, keys: [], ...more });
  }

  async open(password: Secret = PASSWORD, user: string = USER): Promise<OpenVault> {
    return openVault(this.path, user, { kind: 'password', password });
  }

  remove(): void {
    rmSync(join(this.path, '..'), { recursive: true });
  }
}

/** It must fail with this code, and a sentence without the passwords. */
export async function refuses(action: Promise<unknown>, code: VaultErrorCode, message = /./): Promise<VaultError> {
  const error: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof VaultError, `no VaultError, but ${String(error)}`);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  assert.match(error.message, /\.$/);
  assert.doesNotMatch(String(error.stack), /horse|staple/);
  return error;
}
