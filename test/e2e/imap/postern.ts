/** Postern itself, as a process of its own, before whatever provider a test has. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '#lib/keys/secret';
import type { Profile } from '#lib/vault/profile';
import { createVault } from '#lib/vault/vault';
import { freePort } from '#test/e2e/dialogue';
import { makeCertificate } from './certificate.js';
import { startDaemon } from './daemon.js';
import { type Endpoint, type Interpose, PASSWORD, type Security } from './endpoint.js';

export interface Postern {
  /** Serves the user of a provider's endpoint, whose vault it makes. */
  readonly interpose: Interpose;
  /** Where any user is served. */
  readonly endpoint: (user: string, password: string, tls: Security) => Endpoint;
  /** The state folder. */
  readonly home: string;
  readonly pid: number;
  /** What it has logged. */
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

export interface PosternOptions {
  /** How clients connect by default. */
  readonly tls?: Security;
  /** More lines of its configuration. */
  readonly configuration?: string;
}

/** Starts the built program with three listeners: without TLS, with STARTTLS and with TLS from the first octet. */
export async function startPostern({ tls = 'none', configuration = '' }: PosternOptions = {}): Promise<Postern> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-'));
  const { ca, certificate, key } = makeCertificate(folder);
  const ports: Readonly<Record<Security, number>> = {
    none: await freePort(),
    implicit: await freePort(),
    starttls: await freePort(),
  };
  const listeners = Object.entries(ports).map(([mode, port]) => `[[listen]]\nport = ${port}\ntls = "${mode}"\n`);
  const file = join(folder, 'postern.toml');
  writeFileSync(file, `${listeners.join('')}[tls]\ncertificate = "${certificate}"\nkey = "${key}"\n${configuration}`);
  const daemon = await startDaemon(
    process.execPath,
    ['dist/src/main.js', '--home', folder, 'serve', '--config', file],
    { port: ports.implicit },
  );
  const endpoint = (user: string, password: string, security: Security): Endpoint => ({
    host: 'localhost',
    port: ports[security],
    tls: security,
    ca,
    user,
    password,
  });
  return {
    interpose: async (provider) => {
      const user = `${provider.user}@example.com`;
      const profile = profileFor(provider);
      const { vault } = await createVault(folder, { user, password: new Secret(PASSWORD), profile, keys: [] });
      vault.close();
      return { endpoint: endpoint(user, PASSWORD, tls), close: () => Promise.resolve() };
    },
    endpoint,
    home: folder,
    pid: daemon.pid,
    log: daemon.output,
    stop: async () => {
      await daemon.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

export function profileFor({ host, port, tls, ca, user, password }: Endpoint): Profile {
  return {
    name: 'default',
    imap: { host, port, tls, ca: readFileSync(ca, 'latin1') },
    auth: { kind: 'password', user, password: new Secret(password) },
    compress: false,
    policies: {},
  };
}
