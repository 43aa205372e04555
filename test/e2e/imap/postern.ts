/** Postern itself, as a process of its own, before whatever provider a test has. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gather, memorySource } from '#lib/bytes/source';
import { Secret } from '#lib/keys/secret';
import { openStored } from '#lib/message/open';
import { sealAtRest } from '#lib/message/seal';
import { chooseRecipient } from '#lib/openpgp/recipient';
import { generateKey, privateKeysOf } from '#lib/vault/privatekey';
import type { Policies, Profile } from '#lib/vault/profile';
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
  /** What a message at the provider holds: of one that is encrypted to a user of ours the payload, octet for octet. */
  readonly open: (stored: Buffer) => Promise<Buffer>;
  /** Brings a message into the stored form, as the vault of such a user's profile does it. The user has been interposed before. */
  readonly seal: (user: string, message: Buffer) => Promise<Buffer>;
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
  /** Of the profiles of all users. */
  readonly policies?: Policies;
}

/** Starts the built program with three listeners: without TLS, with STARTTLS and with TLS from the first octet. */
export async function startPostern(options: PosternOptions = {}): Promise<Postern> {
  const { tls = 'none', configuration = '', policies = {} } = options;
  const folder = mkdtempSync(join(tmpdir(), 'postern-'));
  const { ca, certificate, key: keyFile } = makeCertificate(folder);
  const ports: Readonly<Record<Security, number>> = {
    none: await freePort(),
    implicit: await freePort(),
    starttls: await freePort(),
  };
  const listeners = Object.entries(ports).map(([mode, port]) => `[[listen]]\nport = ${port}\ntls = "${mode}"\n`);
  const file = join(folder, 'postern.toml');
  writeFileSync(
    file,
    `${listeners.join('')}[tls]\ncertificate = "${certificate}"\nkey = "${keyFile}"\n${configuration}`,
  );
  const daemon = await startDaemon(
    process.execPath,
    ['dist/src/main.js', '--home', folder, 'serve', '--config', file],
    { port: ports.implicit },
  );
  const keys = [await generateKey('Alice <alice@example.com>')];
  const privateKeys = await privateKeysOf({ keys });
  const recipients = await Promise.all(privateKeys.map((key) => chooseRecipient(key.toPublic())));
  const originKeys = new Map<string, Buffer>();
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
      const profile = { ...profileFor(provider), policies };
      const { vault } = await createVault(folder, {
        user,
        password: new Secret(PASSWORD),
        profile,
        keys: keys.map((one) => Buffer.from(one)),
      });
      originKeys.set(user, Buffer.from(vault.originKey));
      vault.close();
      return { endpoint: endpoint(user, PASSWORD, tls), close: () => Promise.resolve() };
    },
    endpoint,
    home: folder,
    open: async (stored) => {
      const view = await openStored(memorySource(stored), { keys: () => privateKeys, exact: true });
      if (view.kind === 'stored') throw view.reason;
      return gather(view.stream());
    },
    seal: async (user, message) => {
      const originKey = originKeys.get(user);
      if (originKey === undefined) throw new Error(`${user} has no vault.`);
      return gather((await sealAtRest(memorySource(message), { recipients, originKey })).stream());
    },
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
