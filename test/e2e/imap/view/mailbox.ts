/**
 * The same mailbox twice at a real provider: once in plaintext, asked directly, and once as it is stored encrypted, asked through Postern. What the
 * one answers is what the other has to answer.
 */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { gather, memorySource } from '#lib/bytes/source';
import { Secret } from '#lib/keys/secret';
import { openStored } from '#lib/message/open';
import { sealAtRest, type SealAtRestOptions, sealForOthers } from '#lib/message/seal';
import { chooseRecipient } from '#lib/openpgp/recipient';
import { createVault } from '#lib/vault/vault';
import { privateKeysOf } from '#lib/vault/privatekey';
import { type Connection, login } from '../client.js';
import { startDovecot } from '../dovecot.js';
import { type Endpoint, PASSWORD } from '../endpoint.js';
import { type Meter, meter } from './meter.js';
import { profileFor, startPostern } from '../postern.js';

export interface Twins {
  /** Where the plaintext is. */
  readonly plain: Endpoint;
  /** Where its stored form is. */
  readonly stored: Endpoint;
  /** Where its stored form is shown. */
  readonly shown: Endpoint;
  /** What goes between Postern and the provider. */
  readonly meter: Meter;
  /** Brings a message into its stored form. */
  readonly seal: (message: Buffer, options?: Partial<SealAtRestOptions>) => Promise<Buffer>;
  /** Encrypts a message as somebody else does who sends it to the user. */
  readonly send: (message: Buffer) => Promise<Buffer>;
  /** What the user is shown of a stored form: the plaintext that it stands for. */
  readonly view: (stored: Buffer) => Promise<Buffer>;
  /** Of the vault: for summaries. */
  readonly indexKey: Buffer;
  /** The folder in which the provider keeps its files. */
  readonly folder: string;
  /** Takes away what Postern remembers of messages. */
  readonly forget: () => void;
  /** What Postern has logged. */
  readonly log: () => string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

export interface TwinsOptions {
  readonly format?: 'maildir' | 'sdbox';
  /** The largest message. */
  readonly largest?: string;
  readonly configuration?: string;
  /** What goes between Postern and the provider is counted, by a relay that takes its time. Default: true. */
  readonly metered?: boolean;
  /** Of the vault. Default: a new one. */
  readonly keys?: readonly Buffer[];
}

/** Starts the provider and Postern, for one user who has a vault with a key. */
export async function startTwins(options: TwinsOptions = {}): Promise<Twins> {
  const { format = 'sdbox', largest, configuration, metered = true, keys } = options;
  const dovecot = await startDovecot({ format, ...(largest === undefined ? {} : { largest, quota: '100G' }) });
  const postern = await startPostern(configuration === undefined ? {} : { configuration });
  const stored = dovecot.endpoint('stored');
  const counter = await meter(stored);
  const user = 'stored@example.com';
  const { vault } = await createVault(postern.home, {
    user,
    password: new Secret(PASSWORD),
    profile: profileFor(metered ? counter.endpoint : stored),
    ...(keys === undefined ? {} : { keys }),
  });
  let forgotten = 0;
  const { originKey } = vault;
  const [key] = await privateKeysOf(vault);
  if (key === undefined) throw new Error('The vault has no key.');
  const recipients = [await chooseRecipient(key.toPublic())];
  return {
    plain: dovecot.endpoint('plain'),
    stored,
    shown: postern.endpoint(user, PASSWORD, 'none'),
    meter: counter,
    seal: async (message, options) =>
      gather((await sealAtRest(memorySource(message), { recipients, originKey, ...options })).stream()),
    send: async (message) => gather((await sealForOthers(memorySource(message), { recipients })).stream()),
    view: async (octets) => {
      const view = await openStored(memorySource(octets), { keys: () => [key], originKey, withoutClaims: true });
      return gather(view.stream());
    },
    indexKey: vault.indexKey,
    folder: dovecot.folder,
    // In one step: it may be written to.
    forget: () => {
      forgotten += 1;
      const index = join(postern.home, 'index');
      if (existsSync(index)) renameSync(index, `${index}.${forgotten}`);
    },
    log: postern.log,
    pid: postern.pid,
    stop: async () => {
      vault.close();
      await postern.stop();
      await counter.close();
      await dovecot.stop();
    },
  };
}

/** Puts messages into a mailbox, directly. */
export async function append(endpoint: Endpoint, messages: readonly Buffer[], mailbox = 'INBOX'): Promise<void> {
  const connection = await login(endpoint);
  try {
    for (const [index, message] of messages.entries()) {
      const head = Buffer.from(
        `a${index} APPEND ${mailbox} (\\Flagged) "01-Feb-2026 10:11:12 +0100" {${message.length}+}\r\n`,
      );
      await connection.write(Buffer.concat([head, message, Buffer.from('\r\n')]));
      const last = (await connection.readTo(`a${index}`)).at(-1)?.toString('latin1') ?? '';
      if (!last.startsWith(`a${index} OK`)) throw new Error(`Message ${index} was not stored: ${last}`);
    }
  } finally {
    connection.close();
  }
}

/** Logs in and selects a mailbox. */
export async function select(endpoint: Endpoint, mailbox = 'INBOX'): Promise<Connection> {
  const connection = await login(endpoint);
  await connection.run('s', `SELECT ${mailbox}`);
  return connection;
}
