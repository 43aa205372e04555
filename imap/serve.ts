/**
 * imap: the IMAP proxy. A session has two stages, front/ until the client has logged in and pipe/ from then on; gate.ts is the step between
 * them, and provider/ the way to the provider. wire/ is the protocol's grammar, commands/ what happens to each command.
 */
import { join } from 'node:path';
import type { Serve } from '#lib/accepted';
import { Keyring } from '#lib/keys/keyring';
import { peerAddress, personAddress } from '#lib/log';
import { SummaryKey } from '#lib/message/summary';
import type { Offload } from '#lib/openpgp/offload';
import { openIndex } from '#lib/store/messageindex';
import type { OpenVault } from '#lib/vault/openvault';
import type { Profile } from '#lib/vault/profile';
import { type Account, accountOf } from './account.js';
import { type FrontOptions, type Granted, front } from './front/front.js';
import { type Admission, type GateOptions, admit } from './gate.js';
import { type MessageAccess, Messages } from './messages/messages.js';
import { pipe } from './pipe/pipe.js';

export interface IMAPOptions extends GateOptions, FrontOptions {
  /** Milliseconds without an octet from a client that has logged in. */
  readonly idleTimeout: number;
  /** Where slow private-key operations run. Default: in place. */
  readonly offload?: Offload;
  /** Folder for spools. Default: the system's. */
  readonly spoolDirectory?: string;
}

/** Serves IMAP clients. */
export function imapServer(options: IMAPOptions): Serve {
  return async ({ log, signal, ...accepted }) => {
    const admitted = await front<Admission>(
      { log, signal, ...accepted },
      async (credentials, stop) => {
        const admission = await admit(credentials, options, log, stop);
        if (!('code' in admission)) return granted(admission);
        log.warn('login refused', {
          user: personAddress(credentials.user),
          peer: peerAddress(accepted.peer.address),
          code: admission.code,
          reason: admission.reason,
        });
        return admission;
      },
      options,
    );
    if (admitted === undefined) return;
    const { vault, profile, provider } = admitted.session;
    const summaryKey = new SummaryKey(vault.indexKey);
    const account = accountOf(vault, profile, { capabilities: provider.capabilities, log, summaryKey });
    const messages = new Messages({ ...accessOf(vault, profile, account, options), summaryKey });
    const start = Date.now();
    log.info('logged in', { user: personAddress(vault.user), profile: profile.name, provider: provider.provider.peer });
    try {
      const { cause, text } = await pipe(admitted.client, provider, {
        literals: provider.nonSynchronizingLiterals,
        account,
        messages,
        signal,
        idle: options.idleTimeout,
      });
      log.info('session ended', { cause, text, seconds: Math.round((Date.now() - start) / 1000) });
    } finally {
      await messages.close();
      summaryKey.close();
      vault.close();
    }
  };
}

/** What the messages of a session are opened with. */
function accessOf(
  { user, originKey, indexKey }: OpenVault,
  profile: Profile,
  { keys, log }: Account,
  { home, offload, spoolDirectory }: IMAPOptions,
): Omit<MessageAccess, 'summaryKey'> {
  const keyring = new Keyring(home);
  return {
    keys,
    verifiers: async ({ keyID, fingerprint }) => {
      const name = fingerprint ?? keyID;
      return name === '' ? [] : (await keyring.withFingerprint(name)).map(({ certificate }) => certificate);
    },
    originKey,
    openIndex: () => openIndex(join(home, 'index'), user, indexKey, log),
    account: profile.name,
    offload,
    spoolDirectory,
  };
}

function granted(admission: Admission): Granted<Admission> {
  const { vault, provider } = admission;
  return {
    session: admission,
    capabilities: provider.capabilities,
    alerts: provider.alerts,
    discard: () => {
      provider.connection.destroy();
      vault.close();
    },
  };
}
