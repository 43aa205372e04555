/**
 * imap: the IMAP proxy. A session has two stages, front/ until the client has logged in and pipe/ from then on; gate.ts is the step between
 * them, and provider/ the way to the provider. wire/ is the protocol's grammar, commands/ what happens to each command.
 */
import type { Serve } from '#lib/accepted';
import { peerAddress, personAddress } from '#lib/log';
import { accountOf } from './account.js';
import { type FrontOptions, type Granted, front } from './front/front.js';
import { type Admission, type GateOptions, admit } from './gate.js';
import { pipe } from './pipe/pipe.js';

export interface IMAPOptions extends GateOptions, FrontOptions {
  /** Milliseconds without an octet from a client that has logged in. */
  readonly idleTimeout: number;
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
    const start = Date.now();
    log.info('logged in', { user: personAddress(vault.user), profile: profile.name, provider: provider.provider.peer });
    try {
      const { cause, text } = await pipe(admitted.client, provider, {
        literals: provider.nonSynchronizingLiterals,
        account: accountOf(vault, profile, { capabilities: provider.capabilities, log }),
        signal,
        idle: options.idleTimeout,
      });
      log.info('session ended', { cause, text, seconds: Math.round((Date.now() - start) / 1000) });
    } finally {
      vault.close();
    }
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
